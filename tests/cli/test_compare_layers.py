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
    assert found["layers"] == 2 and len(found["heads"]["linear"]["last"]["strengths"]) == 2
    assert tokpipe("compare-layers", *given, "--seeds", 2, "-o", "out").code == 4


def test_both_heads_stand_in_one_answer(tokpipe, given):
    how = ("--seeds", 1, "--heads", "linear,bilstm", "--epochs", 1)
    ran = tokpipe("compare-layers", *given, *how)
    assert ran.code == 0 and "A linear model: layers" in ran.out and "A BiLSTM: layers" in ran.out
    assert " to " in ran.out  # an interval
    found = tokpipe("compare-layers", *given, *how, "--json").json["heads"]
    assert [*found] == ["linear", "bilstm"] and [*found["linear"]] == [*found["bilstm"]]
    low, high = found["bilstm"]["last"]["interval"]
    assert low <= found["bilstm"]["last"]["scores"]["token_accuracy"]["median"] <= high


@pytest.mark.parametrize("heads", ["linear", "linear,bilstm"])
def test_a_plan_computes_nothing(tokpipe, given, heads, monkeypatch):
    monkeypatch.setattr("tokpipe.baselines.layers.write_features", None)
    ran = tokpipe("compare-layers", *given, "--heads", heads, "-o", "out", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["models"] == 18 * len(heads.split(","))  # six combinations, three seeds
    assert ran.json["estimates"]["disk_bytes"] > 0 and ran.json["estimates"]["memory_bytes"] > 0


@pytest.mark.parametrize(("heads", "said"), [("crf", "linear, bilstm"), ("linear,linear", "once")])
def test_heads_that_there_are_not_are_told(tokpipe, given, heads, said):
    ran = tokpipe("compare-layers", *given, "--heads", heads)
    assert ran.code == 2 and said in ran.err


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
