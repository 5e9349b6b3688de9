"""What a method is given to learn, made of a task and its data."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.method import Lesson, Method, Rows, Sentences, Texts, inputs_of, texts_of
from tokpipe.baselines.model import Baseline
from tokpipe.finetuning.task import Task
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.progress import SILENT
from tokpipe.labelled.records import LabelledTexts, TaggedWords

_LOSSES = {"multilabel": "sigmoid", "regression": "squared"}


def lesson_of(
    task: Task, parts: Mapping[str, Rows], seed: int, threads: int | None = None
) -> tuple[Lesson, Baseline]:
    """Return what is to be learned, and the baseline that it becomes but for what is learned.

    Raises
    ------
    InputError
        If the parts have other numbers of texts a row.
    """
    train, held = parts["train"], parts["validation"]
    for name, part in parts.items():
        if texts_of(part) != texts_of(train):
            raise InputError(f"{part.source}: the {name} part has {texts_of(part)} texts a row")
    loss = _LOSSES.get(task.name, "softmax")
    mean, spread = 0.0, 1.0
    if isinstance(train, LabelledTexts) and loss == "squared":
        mean, spread = float(train.labels.mean()), float(train.labels.std()) or 1.0
    bare = Baseline(
        method="",
        task=task.name,
        names=train.names,
        texts=texts_of(train),
        mean=mean,
        spread=spread,
        fitted=None,  # type: ignore[arg-type] - nothing is learned yet
    )

    def score(outputs: NDArray[np.float64]) -> float:
        value = task.measure(held, bare.predictions(outputs), {}).values()[0]
        return float(value) if np.isfinite(value) else 0.0

    lesson = Lesson(
        texts=inputs_of(train),
        targets=_targets(train, loss, mean, spread),
        loss=loss,
        held_out=inputs_of(held),
        held_targets=_targets(held, loss, mean, spread),
        score=score,
        seed=seed,
        threads=threads,
    )
    return lesson, bare


def compile_kernels(method: Method, lesson: Lesson, config: Config) -> None:
    """Learn from two rows: kernels are compiled before the clock that people compare by runs."""

    def first(texts: Texts | Sentences) -> Texts | Sentences:
        if isinstance(texts, Sentences):
            return Sentences(_first(texts.words, texts.borders[:3][-1]), texts.borders[:3])
        return tuple(_first(column, 2) for column in texts)

    def count(texts: Texts | Sentences) -> int:
        return len(texts.words if isinstance(texts, Sentences) else texts[0])

    texts, held_out = first(lesson.texts), first(lesson.held_out)
    few = replace(
        lesson,
        texts=texts,
        targets=lesson.targets[: count(texts)],
        held_out=held_out,
        held_targets=lesson.held_targets[: count(held_out)],
        score=lambda outputs: 0.0,
    )
    method.fit(few, config, SILENT)


def _first(strings: Strings, count: int) -> Strings:
    return Strings(strings.data, strings.offsets[: count + 1])


def _targets(data: Rows, loss: str, mean: float, spread: float) -> NDArray[np.float64]:
    if isinstance(data, TaggedWords):
        return np.eye(len(data.names))[data.tags]
    if loss == "squared":
        return ((data.labels - mean) / spread)[:, None]
    if loss == "sigmoid":
        return data.labels.astype(np.float64)
    return np.eye(len(data.names))[data.labels]
