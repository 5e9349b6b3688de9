"""Gradients on their way while all threads compute.

A library of MPI moves little unless it is called: within a machine what is large waits for the
receiver's next call, which copies it, and over TCP a call moves 64 KiB. Training calls it once a
layer, so a thread of its own does while something is on its way.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.engines.mpi.notices import Left
from tokpipe.engines.mpi.wire import packed, unpacked

Bulk = Sequence[tuple[int, int, NDArray[Any]]]  # rank, tag and array of each message

_AT_ONCE = 16  # looks in a row, each about a microsecond if nothing moves
_REST = 5e-4  # seconds between them: with 64 KiB a look 2 GB/s


def begin_bulk(comm: Any, outgoing: Bulk, incoming: Bulk) -> list[Any]:
    """Begin to send and receive arrays; return the requests."""
    received = [comm.Irecv(into.view(np.uint8), source=r, tag=t) for r, t, into in incoming]
    return received + [comm.Isend(array.view(np.uint8), dest=r, tag=t) for r, t, array in outgoing]


class Traffic:
    """What of the gradients of a step is on its way.

    Parameters
    ----------
    mpi
        The module `mpi4py.MPI`.
    dtype
        "float32", or "bfloat16", which rounds them.
    called
        Makes a call of the library, one at a time.

    Attributes
    ----------
    requests : list
        Of the library, for all that was begun.
    """

    def __init__(self, mpi: Any, dtype: str, called: Callable[[Callable[[], Any]], Any]) -> None:
        self._mpi, self._dtype, self._called = mpi, dtype, called
        self._comm = mpi.COMM_WORLD.Dup()  # its own: one thread begins, another waits
        self.requests: list[Any] = []
        self._rounded: list[tuple[NDArray[np.float32], NDArray[np.uint16]]] = []
        self._is_watched = False

    def begin(self, outgoing: Bulk, incoming: Bulk) -> None:
        """Begin to send and receive values, float32 all of them."""
        sent = [
            (rank, tag, packed(array, self._dtype)) for rank, tag, array in outgoing if array.size
        ]
        wanted = [one for one in incoming if one[2].size]
        if self._dtype != "float32":
            rounded = [(into, np.empty(len(into), np.uint16)) for _, _, into in wanted]
            wanted = [(*one[:2], bits) for one, (_, bits) in zip(wanted, rounded, strict=True)]
            self._rounded += rounded

        def post() -> bool:
            self.requests += begin_bulk(self._comm, sent, wanted)
            was_watched, self._is_watched = self._is_watched, True
            return was_watched

        if not self._called(post):
            try:
                threading.Thread(target=self._watch, name="tokpipe-mpi", daemon=True).start()
            except RuntimeError:  # the system allows no further one: all moves in the end
                self._is_watched = False

    def unpack(self) -> None:
        """Take what has come; nothing is on its way then."""
        for target, bits in self._rounded:
            target[:] = unpacked(bits)
        self.requests, self._rounded = [], []

    def _watch(self) -> None:
        """Call the library until all is there; who waits for it will hear of what fails."""
        with suppress(Left, Exception):
            while not self._called(self._look):
                time.sleep(_REST)

    def _look(self) -> bool:
        for _ in range(_AT_ONCE):
            self._comm.Iprobe(source=self._mpi.ANY_SOURCE)
        self._is_watched = not all(request.Get_status() for request in self.requests)
        return not self._is_watched
