"""Run folders as fine-tuning and earlier approaches leave them, with predictions made up."""

import numpy as np

from tests.unit.finetuning.rows import questions_of, tagged_of, texts_of
from tokpipe.finetuning.predictions import AnswerPredictions, TagPredictions, TextPredictions
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.report import Report, report_files
from tokpipe.finetuning.scoring import Part

N = 40
_CONTEXT = "The dog sat on the old mat."


def data_of(name, seed=0):
    """Return N rows with right answers."""
    rng = np.random.default_rng(seed)
    texts = [f"text {i}" for i in range(N)]
    if name == "classification":
        return texts_of(texts, labels=rng.integers(0, 2, N).astype(np.int32), names=("no", "yes"))
    if name == "multilabel":
        return texts_of(
            texts, labels=rng.integers(0, 2, (N, 3)).astype(np.uint8), names=tuple("abc")
        )
    if name == "regression":
        return texts_of(texts, labels=rng.standard_normal(N))
    if name == "qa":
        return questions_of(
            *[(_CONTEXT, f"q {i}?", [("dog", 4)] if i % 3 else []) for i in range(N)]
        )
    tags = rng.integers(0, 3, 3 * N)
    return tagged_of([["a", "b", "c"]] * N, tags)


def said_of(name, data, right, seed=11):
    """Return predictions of which about a share is right."""
    rng = np.random.default_rng(seed)
    if name == "regression":
        return TextPredictions(values=data.labels + rng.standard_normal(N) * (1 - right))
    if name == "qa":
        is_right = rng.random(N) < right
        start, end = np.where(is_right, 4, 8), np.where(is_right, 7, 11)
        borders, one = np.arange(N + 1), np.ones(N, np.float32)
        return AnswerPredictions(start, end, one, 0 * one, borders, start, end, one, one)
    if name in ("ner", "pos"):
        keep = rng.random(3 * N) < right
        tags = np.where(keep, data.tags, (data.tags + 1) % 3).astype(np.int32)
        return TagPredictions(tags, np.full(3 * N, 0.9, np.float32), 0)
    if name == "multilabel":
        keep = rng.random((N, 3)) < right
        return TextPredictions(np.where(keep, data.labels, 1 - data.labels).astype(np.float32))
    keep = rng.random(N) < right
    said = np.where(keep, data.labels, 1 - data.labels)
    return TextPredictions(np.eye(2, dtype=np.float32)[said])


def write_run(folder, name, right, *, method="fine-tuned", parts=("validation", "test"), seed=0):
    """Write the folder of a run, with a file of 5,000 bytes as its model."""
    task, said, scores = task_of(name), {}, {}
    for number, part in enumerate(parts):
        data = data_of(name, seed + number)
        said[part] = Part(part, data, None), said_of(name, data, right)
        scores[part] = task.scores(data, said[part][1], {}, None)
    report = Report(task=name, method=method, rows={"train": 7, "validation": N}, scores=scores)
    folder.mkdir(parents=True)
    for file, content in report_files(report, task, said).items():
        (folder / file).write_bytes(content)
    (folder / "model.safetensors").write_bytes(b"0" * 5000)
    return folder
