"""A model asked about a part of the data: logits, predictions, scores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.loader import ExampleLoader
from tokpipe.finetuning.task import Predictions, Task, Tuned
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.labelled.records import Labelled, TaggedWords
from tokpipe.labelled.splits import take_rows
from tokpipe.metrics.scores import Scores
from tokpipe.training.measure import Measure, Measured
from tokpipe.training.trainer import Trainer


class Part(NamedTuple):
    """A part of the data, and the windows that a model reads of it."""

    name: str
    data: Labelled
    examples: Examples


def asking(part: Part, batch_tokens: int) -> ExampleLoader:
    """Return a part's windows as batches to be asked, in an order that needs no seed."""
    return ExampleLoader(
        part.examples, BatchConfig(batch_tokens=batch_tokens), 0, part.name, in_order=True
    )


def joined(loader: ExampleLoader, found: Sequence[NDArray]) -> NDArray[np.float32]:
    """Put the logits of a loader's batches, each in its place among those of all windows.

    Parameters
    ----------
    loader
        Made by `asking`.
    found : sequence of float32[n, C]
        Of each of its batches, in order.
    """
    examples, plan = loader.examples, loader.plan(0)
    width = found[0].shape[1] if found else 0
    logits = np.zeros((examples.logit_count, width), np.float32)
    for number, one in enumerate(found):
        logits[examples.logit_places(plan.rows_of(number))] = one
    return logits


def predict(
    task: Task, trainer: Trainer, part: Part, batch_tokens: int, progress: Progress = SILENT
) -> Predictions:
    """Return what a trainer's model says of a part."""
    loader = asking(part, batch_tokens)

    def batches(advance: Callable[[int], None]) -> Iterator[Batch]:
        for batch in loader.batches(0, threads=1):
            yield batch
            advance(len(batch))

    with progress.task(f"asking about {part.name}", loader.rows, "windows") as advance:
        found, _ = trainer.outputs(task.head, batches(advance), lambda: False)
    return task.decode(part.data, part.examples, joined(loader, found))


def scores_of(
    task: Task, data: Any, predictions: Predictions, tuned: Tuned, usual: Any
) -> Scores | None:
    """Score what is said of the rows of a part that have a label; None if none has."""
    has_label = task.with_labels(data)
    if not has_label.any():
        return None
    if not has_label.all():
        rows = has_label
        if isinstance(data, TaggedWords):
            rows = np.repeat(has_label, np.diff(data.borders))
        said = {f.name: getattr(predictions, f.name) for f in fields(predictions)}
        taken = {
            name: column[rows] for name, column in said.items() if isinstance(column, np.ndarray)
        }
        data = take_rows(data, np.flatnonzero(has_label))
        predictions = replace(predictions, **taken)
    return task.scores(data, predictions, tuned, usual)


def measuring(task: Task, part: Part, batch_tokens: int) -> Measure:
    """Return how an evaluation measures: losses, and the task's first score."""
    loader = asking(part, batch_tokens)

    def measure(trainer: Trainer, stopped: Callable[[], bool]) -> Measured:
        found, losses = trainer.outputs(task.head, loader.batches(0, threads=1), stopped)
        if stopped():
            return Measured(losses)
        predictions = task.decode(part.data, part.examples, joined(loader, found))
        measured = task.measure(part.data, predictions, task.tune(part.data, predictions))
        value = float(measured.values()[0])
        # what is not defined, as the correlation of one number for all rows, tells nothing apart
        return Measured(losses, value if np.isfinite(value) else 0.0, measured.names[0])

    return measure
