"""`tokpipe compare-layers`: bars, JSON, and the codes of what cannot be compared."""

import pytest

from tests.unit.finetuning.jobs import write_data, write_model


@pytest.fixture
def given(tmp_path):
    write_model(tmp_path / "m", layers=2)
    train, test = (write_data(tmp_path, "pos", 30, n, name) for n, name in ((0, "a"), (1, "b")))
    return "m", "--task", "pos", "--train", train, "--test", test


def test_layers_are_drawn_and_told_as_json(tokpipe, given):
    ran = tokpipe("compare-layers", *given, "--seeds", 2)
    assert ran.code == 0 and "weighted sum of all" in ran.out and "vectors of all" in ran.err
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    found = tokpipe("compare-layers", *given, "--seeds", 2, "-o", "out", "--json").json
    assert found["layers"] == 2 and len(found["features"]["last"]["strengths"]) == 2
    assert tokpipe("compare-layers", *given, "--seeds", 2, "-o", "out").code == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [({"--task": "qa"}, 2), ({"--train": "nowhere.conll"}, 3), ({"m": "nowhere"}, 3)],
)
def test_what_cannot_be_compared_has_its_code(tokpipe, given, change, code):
    words = list(given)
    for key, value in change.items():
        words[words.index(key) + (key != "m")] = value
    ran = tokpipe("compare-layers", *words)
    assert ran.code == code and "Traceback" not in ran.err
