"""Where batches come from: what the loop knows of its data."""

from collections.abc import Iterator
from typing import Protocol

from tokpipe.foundation.batch import Batch


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
