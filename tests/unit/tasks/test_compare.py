"""Runs beside each other: the scores that they wrote, and differences that a test has seen."""

import json

import pytest

from tests.unit.tasks.runs import N, write_run
from tokpipe.finetuning.report import Report, read_metrics
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError
from tokpipe.tasks.compare import compare_runs
from tokpipe.tasks.outcomes import read_outcome
from tokpipe.training.log import Line, write_log

TASKS = ("classification", "regression", "multilabel", "ner", "pos", "qa")


@pytest.mark.parametrize("name", TASKS)
def test_scores_of_a_folder_are_those_that_it_wrote(tmp_path, name):
    folder = write_run(tmp_path / "a", name, 0.7)
    written = Report.from_dict(read_metrics(folder)).scores["test"]
    found = compare_runs([folder]).runs[0]
    assert found.difference is None
    for ours, theirs in zip(found.scores.scores, written.scores, strict=True):
        assert ours.name == theirs.name and ours[1:] == pytest.approx(theirs[1:], nan_ok=True)
    assert (found.scores.n, found.scores.majority) == (written.n, written.majority)
    assert (found.run.size, found.run.rows, found.run.method) == (5000, 7, "fine-tuned")
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", TASKS)
def test_a_better_run_differs_and_an_equal_one_does_not(tmp_path, name):
    worse, better, same = (
        write_run(tmp_path / run, name, right)
        for run, right in (("a", 0.3), ("b", 0.95), ("c", 0.3))
    )
    found = compare_runs([worse, better, same])
    _, up, none = (run.difference for run in found.runs)
    assert up.difference > 0 and up.low > 0 and up.p_value < 0.01
    assert up.difference == pytest.approx(
        found.runs[1].scores.scores[0].value - found.runs[0].scores.scores[0].value
    )
    assert none.difference == 0 and none.p_value == 1
    assert compare_runs([worse, better, same]).to_dict() == found.to_dict()
    assert compare_runs([better, worse]).runs[1].difference.difference == pytest.approx(
        -up.difference
    )


def test_the_test_part_is_the_judge_where_all_have_one(tmp_path):
    both = write_run(tmp_path / "a", "classification", 0.5)
    one = write_run(tmp_path / "b", "classification", 0.5, parts=("validation",))
    assert compare_runs([both]).part == "test"
    assert compare_runs([both, one]).part == "validation"
    other = write_run(tmp_path / "c", "classification", 0.5, parts=("test",), seed=1)
    assert compare_runs([both, other]).part == "test"
    with pytest.raises(ArtifactError, match=r"all runs were judged by \(.*b: validation"):
        compare_runs([one, other])


def test_runs_on_other_data_or_of_other_tasks_are_refused(tmp_path):
    first = write_run(tmp_path / "a", "classification", 0.5)
    other = write_run(tmp_path / "b", "classification", 0.5, seed=5)
    with pytest.raises(ArtifactError, match=rf"parts are other data: {N} in .*a and {N} in"):
        compare_runs([first, other])
    with pytest.raises(ArtifactError, match=r"b is of ner, .*a of classification"):
        compare_runs([first, write_run(tmp_path / "c/b", "ner", 0.5)])
    with pytest.raises(ConfigError, match="is given twice"):
        compare_runs([first, tmp_path / "b/../a"])
    with pytest.raises(ConfigError, match="no run"):
        compare_runs([])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "metrics.json").unlink(), "no metrics.json in it"),
        (lambda f: (f / "metrics.json").write_text("{}"), "no scores of a task"),
        (lambda f: (f / "predictions.jsonl").unlink(), "predictions.jsonl"),
        (lambda f: (f / "predictions.jsonl").write_text("{\n"), "predictions.jsonl:1: no JSON"),
        (lambda f: (f / "predictions.jsonl").write_text("[]\n"), "predictions.jsonl:1: no row"),
        (
            lambda f: (f / "predictions.jsonl").write_text('{"part": "test", "gold": 3}\n'),
            "its rows are none of classification",
        ),
    ],
)
def test_a_folder_that_is_no_run_is_refused_by_what_is_wrong(tmp_path, change, said):
    folder = write_run(tmp_path / "a", "classification", 0.5)
    change(folder)
    with pytest.raises((ArtifactError, InputError), match=said):
        read_outcome(folder)


def test_checkpoints_and_reports_are_not_counted_as_the_model(tmp_path):
    folder = write_run(tmp_path / "a", "classification", 0.5)
    (folder / "checkpoint-000001").mkdir()
    (folder / "checkpoint-000001/model.safetensors").write_bytes(b"0" * 900)
    seconds = {1: (2.0, 2.5), 2: (4.0, 5.0), 3: (6.5, 7.0)}
    lines = [
        Line(step=step, tokens=step, loss=1.0, seconds=second, split=split)
        for step, pair in seconds.items()
        for second, split in zip(pair, (None, "validation"), strict=True)
    ]
    write_log(folder / "log.jsonl", lines)
    (folder / "tokenizer.json").write_bytes(b"0" * 11)
    found = read_outcome(folder)
    assert (found.size, found.seconds, found.speed) == (5011, 7.0, N / 0.5)
    (folder / "seed-2").mkdir()
    (folder / "log.jsonl").rename(folder / "seed-2/log.jsonl")
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | {"best_seed": 2}))
    found = read_outcome(folder)
    assert (found.size, found.seconds, found.speed) == (5011, 7.0, N / 0.5)


@pytest.mark.parametrize(
    ("task", "labels"),
    [("classification", ["x", "y", "z"]), ("ner", ["O", "B-X", "B-Y"]), ("pos", ["A", "B", "C"])],
)
def test_runs_are_compared_though_one_of_them_never_says_a_label(tmp_path, task, labels):
    name, wrap = ("label", str) if task == "classification" else ("tags", lambda one: [one])
    folders = [write_run(tmp_path / run, task, 0.5, parts=("test",)) for run in "ab"]
    for folder, said in zip(folders, (labels[:2], labels[1:]), strict=True):
        rows = [
            {"part": "test", "row": i, "gold": wrap(labels[i % 2]), name: wrap(said[i % 2])}
            for i in range(4)
        ]
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / "predictions.jsonl").write_text(text)
    first, second = compare_runs(folders).runs
    assert first.scores.scores[0].value == 1 and second.scores.scores[0].value < 1
    assert second.difference.difference == pytest.approx(second.scores.scores[0].value - 1)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("baseline.json", {"labels": ["no", "yes"]}),
        ("config.json", {"id2label": {"0": "no", "1": "yes"}}),
    ],
)
def test_a_label_that_no_row_has_still_counts_among_those_of_the_model(tmp_path, file, content):
    folder = write_run(tmp_path / "a", "classification", 0.5, parts=("test",))
    (folder / file).write_text(json.dumps(content))
    row = json.dumps({"part": "test", "row": 0, "gold": "yes", "label": "yes"})
    (folder / "predictions.jsonl").write_text(row + "\n")
    assert compare_runs([folder]).runs[0].scores["f1"].value == 1


@pytest.mark.parametrize(
    "change",
    [
        {"task": None},
        {"method": ["a"]},
        {"tuned": 3},
        {"tuned": {"null_threshold": "high"}},
        {"rows": []},
        {"rows": {"train": "many"}},
        {"notes": 3},
        {"test": {"n": "x", "majority": 0.5, "scores": {}, "notes": []}},
        {"test": {"n": 1, "majority": [], "scores": {}, "notes": []}},
    ],
)
def test_metrics_of_other_kinds_are_none_of_a_task(tmp_path, change):
    folder = write_run(tmp_path / "a", "classification", 0.5)
    found = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(found | change))
    with pytest.raises(ArtifactError, match="no scores of a task"):
        read_metrics(folder)
