"""Where batches come from: what the loop knows of its data."""

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple, Protocol

from tokpipe.foundation.batch import Batch

_ROUNDING = 1e-9  # of sums of shares


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


class Phases(NamedTuple):
    """What a run learns from, one source after the other."""

    sources: tuple[BatchSource, ...]
    shares: tuple[float, ...] = (1.0,)  # of the training, that each has

    def at(self, progress: float) -> int:
        """Return which source a step is of, before which this share of the training is done.

        Examples
        --------
        >>> [Phases((), (0.9, 0.1)).at(progress) for progress in (0.0, 0.89, 0.9, 1.0)]
        [0, 0, 1, 1]
        """
        borders = accumulate(self.shares[:-1])
        return sum(progress + _ROUNDING >= border for border in borders)
