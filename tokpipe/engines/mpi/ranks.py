"""The ranks of MPI, as a training sees them.

Whatever waits for others looks at the same time whether one of them is to stop, and never blocks in
the library: so a signal is answered, and an error elsewhere heard of, in the middle of a sum.

The main thread and the thread that trains have a communicator each, so that what one of them has
left unfinished cannot be taken for what the other one begins.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.engines.mpi.notices import Left, Notices
from tokpipe.engines.mpi.traffic import Bulk, Traffic, begin_bulk
from tokpipe.training.ranks import Block

T = TypeVar("T")

_EAGER = 100  # looks without a rest between them: what is on its way comes within a millisecond
_REST = 2e-4  # seconds; a core that waits for others has better things to do


class MpiRanks:
    """See `tokpipe.training.ranks.Ranks`.

    Parameters
    ----------
    mpi
        The module `mpi4py.MPI`, initialised for calls by several threads.
    dtype
        In which gradients travel: "float32", or "bfloat16", which rounds them.
    """

    def __init__(self, mpi: Any, dtype: str = "float32") -> None:
        self._mpi, self._dtype = mpi, dtype
        self.rank, self.size = mpi.COMM_WORLD.rank, mpi.COMM_WORLD.size
        self._main, self._work = mpi.COMM_WORLD.Dup(), mpi.COMM_WORLD.Dup()
        self.notices = Notices(mpi)
        self._pending: dict[int, list[Any]] = {}  # by thread: what is given up keeps its memory
        self._lock, self._calls = threading.Lock(), threading.Lock()
        self._closed = False
        self._traffic = Traffic(mpi, dtype, self._called)
        self._entered = 0  # how often weights were about to move
        self._firm = False  # they move, and nothing is given up
        self._gives_up = False

    @property
    def weighs(self) -> dict[str, Any]:
        """What of the ranks the weights depend on: nothing, unless gradients are rounded."""
        return {} if self._dtype == "float32" else {"dtype": self._dtype, "ranks": self.size}

    def first(self, call: Callable[[], T]) -> T:
        """Make a call at rank 0 alone, and tell the others what it returns."""
        value: Any = call() if self.rank == 0 else None
        text = bytearray(json.dumps(value).encode()) if self.rank == 0 else bytearray()
        size = np.array([len(text)], np.int64)
        self._do(lambda comm: comm.Ibcast([size, self._mpi.INT64_T], root=0))
        text = text or bytearray(int(size[0]))
        self._do(lambda comm: comm.Ibcast([text, self._mpi.BYTE], root=0))
        return value if self.rank == 0 else json.loads(text)

    def gather(self, values: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
        """Return the values of all ranks, in their order."""
        given, found = np.ascontiguousarray(values), np.empty(sum(counts))
        double = self._mpi.DOUBLE
        self._do(lambda comm: comm.Iallgatherv([given, double], [found, list(counts), double]))
        return found

    def begin(
        self,
        own: Sequence[Block],
        received: Sequence[Sequence[Block]],
        borders: Sequence[int],
        span: tuple[int, int],
    ) -> None:
        """Begin to give each rank its slice of a range of blocks."""
        theirs, mine = [], []
        for rank in range(self.size):
            if rank != self.rank:
                theirs += [(rank, t, b[_cut(span, borders, rank)]) for t, b in enumerate(own)]
                here = _cut(span, borders, self.rank, borders[self.rank])
                mine += [(rank, t, b[here]) for t, b in enumerate(received[rank])]
        self._traffic.begin(theirs, mine)

    def finish(self) -> None:
        """Wait for all that was begun."""
        self._wait(self._traffic.requests, eager=True)
        self._traffic.unpack()

    def share(self, block: Block, borders: Sequence[int]) -> None:
        """Fill a block of which each rank has its own slice."""
        whole = [block, np.diff(borders).tolist(), self._mpi.FLOAT]
        self._do(lambda comm: comm.Iallgatherv(self._mpi.IN_PLACE, whole), eager=True)

    def collect(self, block: Block, borders: Sequence[int]) -> None:
        """Fill a whole block at rank 0 with the slices of the others."""
        slices = self._slices(block, borders)
        self._bulk([(0, 0, block)] if self.rank else [], slices)

    def deal(self, block: Block, borders: Sequence[int]) -> None:
        """Send slices of a whole block at rank 0 to the others."""
        slices = self._slices(block, borders)
        self._bulk(slices, [(0, 0, block)] if self.rank else [])

    def spread(self, block: Block) -> None:
        """Make a block that of rank 0."""
        self._do(lambda comm: comm.Ibcast([block, self._mpi.FLOAT], root=0), eager=True)

    @contextmanager
    def moving(self, stopped: Callable[[], bool]) -> Iterator[bool]:
        """Agree on whether weights move now."""
        with self._lock:
            enters = self._firm = not self.notices.leaving
            self._entered += enters
        if not enters:
            yield False
            return
        try:
            flags = self.gather(np.array([float(stopped())]), [1] * self.size)
            yield not flags.any()
        finally:
            self._firm = False

    def watch(self) -> None:
        """Look whether another rank is to stop."""
        self.notices.watch()

    def settle(self, error: BaseException) -> bool:
        """Tell all ranks that this one is to stop, and wait until nothing moves any more."""
        with self._lock:
            self.notices.leaving, entered = True, self._entered
        told = self.notices.settle(error, entered)
        agreed = {one["entered"] for one in told}
        self._gives_up = len(agreed) > 1 or None in agreed
        return len(told) == self.size and None not in agreed

    def barrier(self) -> None:
        """Wait for all ranks."""
        self.gather(np.zeros(1), [1] * self.size)

    def close(self) -> None:
        """Keep the thread that trains, which may go on for a while, from calling the library."""
        with self._calls:
            self._closed = True

    def _slices(self, block: Block, borders: Sequence[int]) -> list[tuple[int, int, Block]]:
        if self.rank:
            return []
        return [(rank, 0, block[borders[rank] : borders[rank + 1]]) for rank in range(1, self.size)]

    def _bulk(self, outgoing: Bulk, incoming: Bulk) -> None:
        """Send and receive arrays: rank, tag and array of each."""
        self._wait(self._called(lambda: begin_bulk(self._comm(), outgoing, incoming)), eager=True)

    def _do(self, begin: Callable[[Any], Any], *, eager: bool = False) -> None:
        self._wait([self._called(lambda: begin(self._comm()))], eager=eager)

    def _comm(self) -> Any:
        is_main = threading.current_thread() is threading.main_thread()
        return self._main if is_main else self._work

    def _called(self, call: Callable[[], T]) -> T:
        """Call the library, unless it is closed."""
        with self._calls:
            if self._closed:
                raise Left
            return call()

    def _wait(self, requests: list[Any], *, eager: bool) -> None:
        looks = 0
        self._pending[threading.get_ident()] = requests
        while not self._called(lambda: self._mpi.Request.Testall(requests)):
            looks += 1
            self._look()
            time.sleep(0 if eager or looks < _EAGER else _REST)

    def _look(self) -> None:
        """Leave what is waited for in vain."""
        if threading.current_thread() is threading.main_thread():
            self.notices.look()
        elif self.notices.leaving and (self._gives_up or not self._firm):
            raise Left


def _cut(span: tuple[int, int], borders: Sequence[int], rank: int, begin: int = 0) -> slice:
    """Return what of a range lies in the slice of a rank, counted from some place."""
    start = max(span[0], borders[rank])
    return slice(start - begin, max(start, min(span[1], borders[rank + 1])) - begin)
