"""How far a model is measured on the way: losses, and a score where one counts."""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from tokpipe.bert.losses import Losses
from tokpipe.training.source import BatchSource
from tokpipe.training.trainer import Trainer


class Measured(NamedTuple):
    """What an evaluation found."""

    losses: Losses  # of the validation data
    # by which the best checkpoint is kept, higher is better; None: by the loss
    score: float | None = None
    score_name: str | None = None  # what the score is called


Measure = Callable[[Trainer, Callable[[], bool]], Measured]  # ends early if the second says so


def losses_over(source: BatchSource, most: int) -> Measure:
    """Return the measure that is the losses over the first batches of a source; 0: over all."""

    def measure(trainer: Trainer, stopped: Callable[[], bool]) -> Measured:
        batches = islice(source.batches(0), most or None)
        return Measured(trainer.evaluate(batches, stopped))

    return measure
