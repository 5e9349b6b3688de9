"""The gradients of a step on their way to the ranks that own them, layer by layer.

As soon as all parts of a batch that are here have gone back through a layer, what they found for
its weights is added up and sent, while the layers below it are still worked on. What is whole only
in the end, as the embeddings are, goes then. Nothing depends on what was sent when.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Slot, whole_behind
from tokpipe.training.kernels import sum_gradients
from tokpipe.training.pieces import each_part
from tokpipe.training.ranks import Block, Ranks, Slices
from tokpipe.training.tree import left_by, sums_of


class Stretch(NamedTuple):
    """A range of the block that is whole at once."""

    behind: int  # the layer behind which it is, on the way back
    pieces: NDArray[np.int64]  # int64[P, 4]: what of it moves
    span: tuple[int, int]  # its first value, and the one behind its last


def stretches_of(pieces: NDArray[np.int64], table: dict[str, Slot]) -> list[Stretch]:
    """Return what moves of a block in the order in which it is whole.

    Examples
    --------
    >>> names = ("embeddings.token", "layers.0.ffn.norm.bias", "layers.1.ffn.norm.bias", "mlm.bias")
    >>> table = {name: Slot(16 * number, (9,)) for number, name in enumerate(names)}
    >>> pieces = np.array([[0, 9, 0, 1], [16, 25, 1, 0], [32, 41, 2, 0], [48, 57, 3, 0]])
    >>> [stretch.span for stretch in stretches_of(pieces, table)]
    [(48, 57), (32, 41), (16, 25), (0, 9)]
    """
    behind = [whole_behind(name) for name in table]
    runs = groupby(pieces, lambda piece: behind[piece[2]])
    found = [(layer, np.array(list(run))) for layer, run in runs]
    stretches = [Stretch(layer, run, (int(run[0, 0]), int(run[-1, 1]))) for layer, run in found]
    return sorted(stretches, key=lambda stretch: -stretch.behind)


class Exchange:
    """What a rank adds up, sends and receives in each step.

    Parameters
    ----------
    shards : of each part of a batch that is here, float32[N]
        Its gradients.
    stretches
        As `stretches_of` returned them.
    slices
        Which of the block each rank owns.
    ranks
        Who they are.
    threads
        How many work, in the end.

    Attributes
    ----------
    received : tuple of float32[n]
        What all ranks are left with of this rank's slice, good once the exchange has ended; its own
        are views of its shards.
    sums : int64[M, 2]
        How these are added up then.
    """

    def __init__(
        self,
        shards: Sequence[Block],
        stretches: Sequence[Stretch],
        slices: Slices,
        ranks: Ranks,
        threads: int | None,
    ) -> None:
        self._shards, self._stretches = tuple(shards), stretches
        self._borders, self._ranks, self._threads = slices.values, ranks, threads
        self._begun = 0  # of the stretches, in this step
        leaves = len(shards) * ranks.size
        self._within, left, self.sums = sums_of(leaves, ranks.size, ranks.rank)
        self._left = [self._shards[number] for number in left]
        self._incoming = self._room(left_by(leaves, ranks.size))
        self.received = tuple(chain.from_iterable(self._incoming))

    def whole(self, layer: int, threads: int | None = 1) -> None:
        """Send what is whole behind a layer, and was not sent before: no shard is added to there.

        The threads are for the sums; one, as a rule, for the others still go back.
        """
        while self._begun < len(self._stretches):
            stretch = self._stretches[self._begun]
            if stretch.behind < layer:
                return
            self._begun += 1
            self._add_up(stretch.pieces, threads)
            self._ranks.begin(self._left, self._incoming, self._borders, stretch.span)

    def end(self) -> None:
        """Send the rest, and wait for what is received."""
        self.whole(-1, self._threads)
        self._ranks.finish()
        self._begun = 0
        rank = self._ranks.rank
        for block in self._left:  # this rank's slice is cleared as it is used
            block[: self._borders[rank]] = 0
            block[self._borders[rank + 1] :] = 0

    def _add_up(self, pieces: NDArray[np.int64], threads: int | None) -> None:
        """Add up what lies within this rank's shards."""
        if not len(self._within):
            return
        squares = np.zeros(len(pieces))

        def work(part: slice) -> None:
            sum_gradients(self._shards, self._within, pieces[part], squares[part])

        each_part(work, len(pieces), threads)

    def _room(self, counts: Sequence[int]) -> list[list[Block]]:
        """Return where this rank's slice of what each rank is left with will be."""
        rank = self._ranks.rank
        own = [block[slice(*self._borders[rank : rank + 2])] for block in self._left]
        return [
            own if number == rank else [np.empty_like(own[0]) for _ in range(count)]
            for number, count in enumerate(counts)
        ]


def when_all_have(parts: int, done: Callable[[int], None]) -> Callable[[int], None]:
    """Return what each of some parts calls with the same numbers; the last one's is handed on."""
    lock, missing = Lock(), {}

    def one(number: int) -> None:
        with lock:
            missing[number] = missing.get(number, parts) - 1
        if not missing[number]:
            done(number)

    return one
