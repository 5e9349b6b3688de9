"""One workspace a thread, made before the first product: BLAS waits for ever for its own memory."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

from tokpipe.bert.blas import refuse_little_room
from tokpipe.bert.head import Capacity
from tokpipe.bert.model import Model
from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch


class Workspaces:
    """Workspaces of a model, lent to threads for one batch at a time.

    Parameters
    ----------
    model
        Whose passes they are for.
    capacity
        What batches are expected to need; for a larger one a workspace is made anew.
    count
        How many threads borrow at the same time.
    training
        Whether backward follows.

    Raises
    ------
    MemoryLimitError
        If there is not that much memory.
    """

    def __init__(
        self, model: Model, capacity: Capacity, count: int, *, training: bool = True
    ) -> None:
        self._model, self._training = model, training
        self._free: queue.SimpleQueue[Workspace | None] = queue.SimpleQueue()  # None: to be made
        for _ in range(count):
            self._free.put(model.workspace(*capacity, training=training))
        refuse_little_room(count)

    @contextmanager
    def lend(self, batch: Batch) -> Iterator[Workspace]:
        """Give a workspace that holds a batch, and that nobody else has meanwhile."""
        workspace = self._fitting(batch)
        try:
            yield workspace
        finally:
            self._free.put(workspace)

    def _fitting(self, batch: Batch) -> Workspace:
        workspace, needed = self._free.get(), Capacity.of(batch)
        has = workspace.capacity if workspace else Capacity(0, 0, 0)
        if workspace and all(size <= most for size, most in zip(needed, has, strict=True)):
            return workspace
        del workspace  # before the new one is made
        larger = Capacity(*(max(pair) for pair in zip(needed, has, strict=True)))
        try:
            return self._model.workspace(*larger, training=self._training)
        except BaseException:
            self._free.put(None)  # the next borrower would wait for ever
            raise
