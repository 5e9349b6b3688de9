"""Sequences of a batch as rows packed by steps, the longest first: nothing is padded."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import range_items


class Packed(NamedTuple):
    """T items of B sequences: the first of each sequence, then the second, and so on."""

    sizes: NDArray[np.int64]  # int64[L]: how many sequences have an item number 0, 1, ...
    items: NDArray[np.int64]  # int64[T]: which item of the data each row is
    order: NDArray[np.int64]  # int64[B]: which of the sequences that were asked for, longest first


def pack(borders: NDArray[np.int64], asked: NDArray[np.int64]) -> Packed:
    """Pack some sequences.

    Parameters
    ----------
    borders : int64[S + 1]
        Sequence s is the items ``borders[s]:borders[s + 1]``.
    asked : int64[B]
        Which sequences.

    Examples
    --------
    >>> packed = pack(np.array([0, 2, 2, 5]), np.array([0, 1, 2]))
    >>> packed.sizes.tolist(), packed.items.tolist(), packed.order.tolist()
    ([2, 2, 1], [2, 0, 3, 1, 4], [2, 0, 1])
    """
    lengths = borders[asked + 1] - borders[asked]
    order = np.argsort(-lengths, kind="stable")
    longest = int(lengths.max(initial=0))
    shorter = np.cumsum(np.bincount(lengths, minlength=longest + 1))
    sizes = (len(asked) - shorter[:longest]).astype(np.int64)
    number = range_items(np.zeros_like(sizes), sizes)
    items = borders[asked][order][number] + np.repeat(np.arange(longest), sizes)
    return Packed(sizes, items, order)
