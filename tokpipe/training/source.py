"""Where batches come from, and how far a model is measured: what the loop knows of its data."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tokpipe.bert.losses import Losses
from tokpipe.foundation.batch import Batch

if TYPE_CHECKING:
    from tokpipe.training.trainer import Trainer


class BatchSource(Protocol):
    """Batches in the order of epochs, from any batch on; the same for any number of threads."""

    @property
    def name(self) -> str:
        """What it is called in messages: "train"."""
        ...

    def count(self, epoch: int) -> int:
        """Return how many batches an epoch has."""
        ...

    def batches(self, epoch: int, start: int = 0, threads: int | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch in order, from number `start` on."""
        ...


class Measured(NamedTuple):
    """What an evaluation found.

    Attributes
    ----------
    losses
        Of the validation data.
    score
        By which the best checkpoint is kept, higher is better; None: by the loss.
    score_name
        What the score is called.
    """

    losses: Losses
    score: float | None = None
    score_name: str | None = None


Measure = Callable[["Trainer", Callable[[], bool]], Measured]  # ends early if the second says so


def losses_over(source: BatchSource, most: int) -> Measure:
    """Return the measure that is the losses over the first batches of a source; 0: over all."""

    def measure(trainer: "Trainer", stopped: Callable[[], bool]) -> Measured:
        batches = islice(source.batches(0), most or None)
        return Measured(trainer.evaluate(batches, stopped))

    return measure
