"""`tokpipe compare`: methods in one table, and score against labelled rows."""

import pytest

from tests.unit.tasks.runs import write_run


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "bow", "classification", 0.6, method="bow")
    write_run(tmp_path / "bert", "classification", 0.9)
    return "bow", "bert"


def test_runs_are_compared_in_a_table_that_fits(tokpipe, runs):
    ran = tokpipe("compare", *runs)
    lines = ran.out.splitlines()
    assert ran.code == 0 and all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("classification, test: accuracy of 40 (majority ")
    assert "difference in accuracy to bow" in ran.out and "+0." in ran.out
    found = tokpipe("compare", *runs, "--json").json
    assert [run["run"] for run in found["runs"]] == [*runs]
    assert (
        found["runs"][0]["difference"] is None and found["runs"][1]["difference"]["p_value"] < 0.1
    )


def test_what_is_no_run_and_what_is_of_other_data_have_their_codes(tokpipe, runs, tmp_path):
    write_run(tmp_path / "other", "classification", 0.9, seed=9)
    ran = tokpipe("compare", "bow", "other")
    assert ran.code == 4 and "bow" in ran.err and "other" in ran.err
    assert tokpipe("compare", "nowhere").code == 3
    assert tokpipe("compare").code == 2
