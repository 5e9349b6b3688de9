"""How well a model does its job on labelled data: scores, classes, confusions, mistakes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.predictions import TagPredictions, TextPredictions
from tokpipe.finetuning.task import Predictions
from tokpipe.finetuning.verdict import told_of
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.labelled.counting import rows_left_out
from tokpipe.labelled.naming import with_names
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords
from tokpipe.labelled.schemes import iob2_names, scheme_of_model, to_iob2
from tokpipe.labelled.splits import take_rows
from tokpipe.metrics.classes import ClassRow, class_rows, confusion
from tokpipe.metrics.entities import entity_rows
from tokpipe.metrics.measures import THRESHOLD
from tokpipe.metrics.scores import Scores
from tokpipe.tasks.mistakes import Mistake, mistakes_in
from tokpipe.tasks.predict import Job
from tokpipe.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Judged:
    """What a model is worth on some data.

    Attributes
    ----------
    task
        Its name.
    rows
        Texts, sentences or questions.
    scores
        With intervals, and what the majority comes to.
    classes
        Precision, recall and F1 of each class, or kind of entity; strict ones of entities in
        `strict`.
    names, confusion
        Labels, and how often each (row) was taken for each (column): int64[C, C]; None where a row
        has no class.
    mistakes
        The surest first.
    tuned
        What was chosen in training and used here, such as a threshold.
    best
        What would have been the best choice for these very rows, and what each score were then: no
        figure to be believed, for it has seen the answers. Empty where nothing is chosen.
    seconds
        That the answers took.
    """

    task: str
    rows: int
    scores: Scores
    classes: tuple[ClassRow, ...]
    strict: tuple[ClassRow, ...]
    names: tuple[str, ...]
    confusion: NDArray[np.int64] | None
    mistakes: tuple[Mistake, ...]
    seconds: float
    tuned: Mapping[str, float] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        counts = self.confusion
        return {
            "task": self.task,
            "rows": self.rows,
            **self.scores.to_dict(),
            "classes": [row._asdict() for row in self.classes],
            **({"classes_strict": [row._asdict() for row in self.strict]} if self.strict else {}),
            "labels": list(self.names),
            "confusion": None if counts is None else counts.tolist(),
            "mistakes": [mistake._asdict() for mistake in self.mistakes],
            "tuned": dict(self.tuned),
            "best_for_these_rows": dict(self.best),
            "seconds": self.seconds,
            "rows_per_second": self.rows / self.seconds if self.seconds else None,
        }


def judge(  # noqa: PLR0913 - who works, behind what is asked
    job: Job,
    path: str | Path,
    columns: Config | None = None,
    *,
    mistakes: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Judged:
    """Ask a model about labelled data, and score what it says.

    Parameters
    ----------
    path
        A file of the kind that its task reads.
    columns
        Where texts and labels stand (`TextColumns`, `TagColumns`); None: found by content.
    mistakes
        How many of the mistakes are returned.
    ranks
        Who shares the work; each of them calls this.

    Raises
    ------
    InputError
        If the data cannot be read, has no labels, or one that the model does not know.
    """
    whole: Any = job.task.read(path, columns, _known(job) or None)
    labelled = np.flatnonzero(job.task.with_labels(whole))
    if not len(labelled):
        raise InputError(f"{path}: no row has a label", hint="Use tokpipe predict for it.")
    if len(labelled) < len(whole):
        progress.note(f"{path}: without a label, not scored: {len(whole) - len(labelled):,}")
    if left := rows_left_out(whole):
        progress.note(f"{path}: {left}")
    data = take_rows(whole, labelled) if len(labelled) < len(whole) else whole
    start = time.perf_counter()
    found = job.predictions(data, threads=threads, progress=progress, ranks=ranks)
    seconds = time.perf_counter() - start
    data, found = _in_iob2(job, data, found)
    classes, strict = _classes(data, found)
    scores = job.task.scores(data, found, job.tuned, None)
    return Judged(
        task=job.task.name,
        rows=len(data),
        scores=replace(scores, notes=tuple(told_of(data, found, scores))),
        classes=classes,
        strict=strict,
        names=getattr(data, "names", ()),
        confusion=_confusion(data, found),
        mistakes=tuple(mistakes_in(data, found, job.tuned, mistakes)),
        seconds=seconds,
        tuned=job.tuned,
        best=_best(job, data, found),
    )


def _known(job: Job) -> tuple[str, ...]:
    """Return the labels that data may have: of entities those of IOB2, in which they are read."""
    labels = job.model.config.labels
    if job.task.name != "ner":
        return labels
    return tuple(dict.fromkeys((*labels, *iob2_names(labels))))


def _in_iob2(job: Job, data: Any, found: Any) -> tuple[Any, Any]:
    """Return tags in IOB2, as data has them, of a model that learned them in another scheme.

    What is of no scheme, as [SEP], is outside.
    """
    labels, names = job.model.config.labels, iob2_names(job.model.config.labels)
    if job.task.name != "ner" or set(labels) == set(names):
        return data, found
    tags, _ = to_iob2(scheme_of_model(labels), data.names, found.tags, data.borders)
    tags = np.where(tags < len(names), tags, names.index("O"))
    return with_names(data, names), replace(found, tags=tags)


def _best(job: Job, data: Labelled, found: Predictions) -> dict[str, float]:
    chosen = job.task.tune(data, found)
    if not chosen:
        return {}
    measure = job.task.measure(data, found, chosen)
    return {**chosen, **dict(zip(measure.names, measure.values().tolist(), strict=True))}


def _classes(
    data: Labelled, found: Predictions
) -> tuple[tuple[ClassRow, ...], tuple[ClassRow, ...]]:
    """Return a row for each class; of entities for each kind, lenient and strict."""
    if isinstance(data, TaggedWords):
        assert isinstance(found, TagPredictions)
        if data.scheme == "none":
            return class_rows(data.tags, found.tags, data.names), ()
        both = ("lenient", "strict")
        columns = (data.tags, found.tags, data.borders, data.names)
        lenient, strict = (entity_rows(*columns, mode) for mode in both)
        return lenient, strict
    if isinstance(data, Questions) or not data.names:
        return (), ()
    return class_rows(data.labels, _said(data, found), data.names), ()


def _said(data: LabelledTexts, found: Predictions) -> NDArray[np.int64]:
    assert isinstance(found, TextPredictions)
    assert found.probabilities is not None
    if data.labels.ndim == 2:
        return (found.probabilities >= THRESHOLD).astype(np.int64)
    return found.probabilities.argmax(axis=1)


def _confusion(data: Labelled, found: Predictions) -> NDArray[np.int64] | None:
    if isinstance(data, TaggedWords):
        assert isinstance(found, TagPredictions)
        return confusion(data.tags, found.tags, len(data.names))
    if isinstance(data, Questions) or not data.names or data.labels.ndim == 2:
        return None
    return confusion(data.labels, _said(data, found), len(data.names))
