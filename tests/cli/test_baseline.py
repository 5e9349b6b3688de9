"""`tokpipe baseline` at the command line."""

import pytest

from tests.unit.baselines.reviews import classes, write
from tests.unit.baselines.sentences import tagged
from tests.unit.baselines.sentences import write as write_sentences


@pytest.fixture
def files(tmp_path):
    return [
        str(write(tmp_path / f"{name}.jsonl", classes(count, seed)))
        for name, count, seed in (("train", 120, 1), ("test", 40, 2))
    ]


def test_each_method_trains_and_tells_its_scores(tokpipe, files):
    train, test = files
    for method in ("bow", "nbsvm", "vectors"):
        how = ("baseline", method, "classification", "--train", train, "--test", test)
        ran = tokpipe(*how, "-o", method, "--json")
        assert ran.code == 0, ran.err
        assert ran.json["method"] == method and ran.json["test"]["n"] == 40
        assert ran.json["chosen"] and ran.json["seconds"] > 0


def test_words_are_tagged_by_a_bilstm_and_compared(tokpipe, tmp_path):
    train, test = (
        str(write_sentences(tmp_path / f"{name}.conll", tagged(count, seed)))
        for name, count, seed in (("train", 60, 1), ("test", 20, 2))
    )
    how = ("pos", "--train", train, "--test", test, "--epochs", "2")
    for hidden in ("8", "12"):
        ran = tokpipe("baseline", "bilstm", *how, "--hidden", hidden, "-o", hidden, "--json")
        assert ran.code == 0, ran.err
        assert ran.json["method"] == "bilstm" and ran.json["test"]["n"] == len(tagged(20, 2).words)
    ran = tokpipe("compare", "8", "12", "--speed", test, "--json")
    assert ran.code == 0, ran.err
    assert [run["method"] for run in ran.json["runs"]] == ["bilstm", "bilstm"]
    plan = tokpipe("baseline", "bilstm", *how, "-o", "plan", "--dry-run", "--json")
    assert plan.code == 0 and not (tmp_path / "plan").exists()
    assert plan.json["estimates"]["memory_bytes"] > 0


def test_a_table_has_every_score_with_its_interval(tokpipe, files):
    ran = tokpipe("baseline", "bow", "classification", "--train", files[0], "-o", "out")
    assert ran.code == 0 and "validation accuracy" in ran.out and "tokpipe compare" in ran.out
    again = tokpipe("baseline", "bow", "classification", "--train", files[0], "-o", "out")
    assert again.code == 4 and "exists already" in again.err


def test_a_plan_writes_nothing(tokpipe, files, tmp_path):
    how = ("baseline", "vectors", "classification", "--train", files[0], "-o", "out", "--dry-run")
    ran = tokpipe(*how, "--json")
    assert ran.code == 0 and not (tmp_path / "out").exists()
    assert ran.json["train_rows"] == 108 and ran.json["validation_rows"] == 12


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nbsvm", "regression"), 2, "'regression' is not one of"),
        (("bow", "ner"), 2, "'ner' is not one of"),
        (("bilstm", "regression"), 2, "'regression' is not one of"),
        (("bilstm", "ner"), 3, "train.jsonl"),
        (("bows", "classification"), 2, "bow"),
        (("bow", "classification", "--ngrams", "0"), 2, "ngrams"),
        (("bow", "classification", "--train", "missing.tsv"), 3, "missing.tsv"),
    ],
)
def test_what_cannot_be_done_is_said(tokpipe, files, arguments, code, said):
    train = () if "--train" in arguments else ("--train", files[0])
    ran = tokpipe("baseline", *arguments, *train, "-o", "out")
    assert ran.code == code and said in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(("predict", "out", "--text", "a"), ("evaluate", "out", "{test}")),
        *(("embed", "out", "{test}"), ("fill-mask", "out", "a")),
        *(("inspect", "model", "out"), ("export", "out", "-o", "new")),
        ("finetune", "classification", "out", "--train", "{train}", "-o", "new"),
        ("distill", "out", "--train", "{train}", "-o", "new"),
    ],
)
def test_a_baseline_is_told_from_a_model(tokpipe, files, arguments, tmp_path):
    train, test = files
    assert tokpipe("baseline", "bow", "classification", "--train", train, "-o", "out").code == 0
    ran = tokpipe(*(word.format(train=train, test=test) for word in arguments))
    assert ran.code == 4, ran.err
    assert "out holds 'baseline', wanted 'model'" in ran.err
    assert not (tmp_path / "new").exists()
