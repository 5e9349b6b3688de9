"""Processes that train one model together: what a trainer asks of the others, and who is alone.

Every rank makes the same calls in the same order, and what comes back is the same everywhere, but
for what is said to be of one rank. The ranks of `tokpipe.engines.mpi` are several processes; here
is only what a trainer knows of them, so that it needs no library for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError

Block = NDArray[np.float32]
T = TypeVar("T")


class Ranks(Protocol):
    """The processes, seen from one of them."""

    @property
    def rank(self) -> int:
        """The number of this one, from 0; that one alone writes files and speaks."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def weighs(self) -> dict[str, Any]:
        """What of the ranks the weights depend on, for the settings of a run; nothing as a rule."""
        ...

    def first(self, call: Callable[[], T]) -> T:
        """Make a call at rank 0 alone; return what it returns, plain JSON types, everywhere.

        Raises
        ------
        Exception
            What the call raises there; elsewhere that another rank stopped.
        """
        ...

    def gather(self, values: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
        """Return the values of all ranks, in their order.

        Parameters
        ----------
        values : float64[n]
            Of this rank.
        counts
            How many each rank has.
        """
        ...

    def begin(
        self,
        own: Sequence[Block],
        received: Sequence[Sequence[Block]],
        borders: Sequence[int],
        span: tuple[int, int],
    ) -> None:
        """Begin to give each rank its slice of a range of blocks, and do not wait.

        It may be called by any thread, by one at a time, and by other ranks at other times, but
        with the same ranges in the same order. The range stays as it is until `finish`.

        Parameters
        ----------
        own : sequence of float32[N]
            The blocks of this rank.
        received : of each rank, of each block of it, float32[n]
            Filled with this rank's slice; those of its own blocks are views of them.
        borders
            Where in a block the slice of each rank begins, and the end of the last.
        span
            The first value of the range, and the one behind its last.
        """
        ...

    def finish(self) -> None:
        """Wait for all that was begun."""
        ...

    def share(self, block: Block, borders: Sequence[int]) -> None:
        """Fill a block (float32[N]) of which each rank has its own slice."""
        ...

    def collect(self, block: Block, borders: Sequence[int]) -> None:
        """Fill a whole block at rank 0; elsewhere `block` is the slice that goes there."""
        ...

    def deal(self, block: Block, borders: Sequence[int]) -> None:
        """Send slices of a block that is whole at rank 0; elsewhere `block` becomes the slice."""
        ...

    def spread(self, block: Block) -> None:
        """Make a block (float32[N]) that of rank 0."""
        ...

    def moving(self, stopped: Callable[[], bool]) -> AbstractContextManager[bool]:
        """Return a block in which weights move: with True at all ranks, or with False at all.

        It is False where one of them says that it is stopped. What is begun with True is finished,
        even if a rank is to stop meanwhile.
        """
        ...

    def watch(self) -> None:
        """Look whether another rank is to stop; called by the waiting thread.

        Raises
        ------
        Exception
            If so.
        """
        ...

    def settle(self, error: BaseException) -> bool:
        """Tell all ranks that this one is to stop, and wait until nothing moves any more.

        Returns
        -------
        bool
            Whether all of them stand behind the same step now, so that it can be saved.
        """
        ...


class Alone:
    """One process, which has everything."""

    rank, size = 0, 1

    @property
    def weighs(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def first(self, call: Callable[[], T]) -> T:
        """Make the call."""
        return call()

    def gather(self, values: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
        """Return the values."""
        return values

    def begin(
        self,
        own: Sequence[Block],
        received: Sequence[Sequence[Block]],
        borders: Sequence[int],
        span: tuple[int, int],
    ) -> None:
        """Leave them: its slices are the blocks."""

    def finish(self) -> None:
        """Wait for nothing."""

    def share(self, block: Block, borders: Sequence[int]) -> None:
        """Leave it: it is full."""

    def collect(self, block: Block, borders: Sequence[int]) -> None:
        """Leave it: it is whole."""

    def deal(self, block: Block, borders: Sequence[int]) -> None:
        """Leave it: it is the one slice."""

    def spread(self, block: Block) -> None:
        """Leave it: it is the one."""

    @contextmanager
    def moving(self, stopped: Callable[[], bool]) -> Iterator[bool]:
        """Return whether this process goes on."""
        yield not stopped()

    def watch(self) -> None:
        """Look at nobody."""

    def settle(self, error: BaseException) -> bool:
        """Return whether weights may be saved: not after an error in them."""
        return True


ALONE = Alone()


class Slices(NamedTuple):
    """How a block of weights is cut among ranks: where the slice of each begins, and the end."""

    values: tuple[int, ...]  # in the block
    pieces: tuple[int, ...]  # among the pieces that move

    def counts(self) -> list[int]:
        """Return how many pieces each rank has."""
        return np.diff(self.pieces).tolist()


def slices_of(pieces: NDArray[np.int64], size: int, ranks: int) -> Slices:
    """Cut a block for ranks, at the borders of pieces, each with about as many values that move.

    Parameters
    ----------
    pieces : int64[P, 4]
        What moves, in the order of the block; see `tokpipe.training.pieces.pieces_of`.
    size
        Of the block.

    Examples
    --------
    >>> slices_of(np.array([[0, 8, 0, 1], [16, 24, 1, 1], [32, 48, 2, 1]]), 48, 2)
    Slices(values=(0, 32, 48), pieces=(0, 2, 3))
    """
    behind = np.cumsum(pieces[:, 1] - pieces[:, 0])
    total = int(behind[-1]) if len(behind) else 0
    wanted = [total * rank / ranks for rank in range(1, ranks)]
    inner = np.searchsorted(behind, wanted, side="left") + 1 if total else [0] * (ranks - 1)
    numbers = [0, *(min(int(number), len(pieces)) for number in inner), len(pieces)]
    starts = [*pieces[:, 0].tolist(), size]
    return Slices((0, *(starts[number] for number in numbers[1:-1]), size), tuple(numbers))


def leaves_of(ranks: Ranks, leaves: int) -> range:
    """Return which parts of a batch a rank works on.

    Raises
    ------
    ConfigError
        If the ranks cannot share them evenly.
    """
    if leaves % ranks.size:
        raise ConfigError(
            f"gradient_shards={leaves} parts of a batch cannot be shared by {ranks.size} ranks",
            hint=f"Set gradient_shards to a multiple of {ranks.size}, or start as many ranks as "
            "divide it. Weights depend on it, not on the ranks.",
        )
    each = leaves // ranks.size
    return range(ranks.rank * each, (ranks.rank + 1) * each)
