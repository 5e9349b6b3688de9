"""What a method is given to learn, made of a task and its data."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.method import Lesson, Method, Texts
from tokpipe.baselines.model import Baseline
from tokpipe.finetuning.task import Task
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.progress import SILENT
from tokpipe.labelled.records import LabelledTexts

_LOSSES = {"classification": "softmax", "multilabel": "sigmoid", "regression": "squared"}


def lesson_of(task: Task, parts: Mapping[str, LabelledTexts], seed: int) -> tuple[Lesson, Baseline]:
    """Return what is to be learned, and the baseline that it becomes but for what is learned.

    Raises
    ------
    InputError
        If the parts have other numbers of texts a row.
    """
    train, held = parts["train"], parts["validation"]
    for name, part in parts.items():
        if len(part.texts) != len(train.texts):
            raise InputError(f"{part.source}: the {name} part has {len(part.texts)} texts a row")
    loss = _LOSSES[task.name]
    mean, spread = 0.0, 1.0
    if loss == "squared":
        mean, spread = float(train.labels.mean()), float(train.labels.std()) or 1.0
    bare = Baseline(
        method="",
        task=task.name,
        names=train.names,
        texts=len(train.texts),
        mean=mean,
        spread=spread,
        fitted=None,  # type: ignore[arg-type] - nothing is learned yet
    )

    def score(outputs: NDArray[np.float64]) -> float:
        value = task.measure(held, bare.predictions(outputs), {}).values()[0]
        return float(value) if np.isfinite(value) else 0.0

    lesson = Lesson(
        texts=train.texts,
        targets=_targets(train, loss, mean, spread),
        loss=loss,
        held_out=held.texts,
        held_targets=_targets(held, loss, mean, spread),
        score=score,
        seed=seed,
    )
    return lesson, bare


def compile_kernels(method: Method, lesson: Lesson, config: Config) -> None:
    """Learn from two rows: kernels are compiled before the clock that people compare by runs."""

    def first(texts: Texts) -> Texts:
        return tuple(Strings(column.data, column.offsets[:3]) for column in texts)

    few = replace(
        lesson,
        texts=first(lesson.texts),
        targets=lesson.targets[:2],
        held_out=first(lesson.held_out),
        held_targets=lesson.held_targets[:2],
        score=lambda outputs: 0.0,
    )
    method.fit(few, config, SILENT)


def _targets(data: LabelledTexts, loss: str, mean: float, spread: float) -> NDArray[np.float64]:
    if loss == "squared":
        return ((data.labels - mean) / spread)[:, None]
    if loss == "sigmoid":
        return data.labels.astype(np.float64)
    return np.eye(len(data.names))[data.labels]
