"""The block of all weights, cut into pieces that one thread works on at a time."""

from collections.abc import Callable, Mapping
from itertools import repeat
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Slot
from tokpipe.foundation.threads import Feed, run_in_threads

_PIECE = 1 << 14  # values: four arrays of them fit the second cache of a core
_AT_ONCE = 64  # pieces a call of a kernel: about a millisecond
_NOTHING: Mapping[str, int] = MappingProxyType({})


def pieces_of(table: Mapping[str, Slot], maps: Mapping[str, int] = _NOTHING) -> NDArray[np.int64]:
    """Cut tensors into pieces: start, end, number of the tensor, whether it decays.

    Parameters
    ----------
    table
        The tensors.
    maps
        Of tensors that are moved map by map, how many are in each: these are their pieces.

    Returns
    -------
    int64[P, 4]

    Examples
    --------
    >>> pieces_of({"a.weight": Slot(0, (2, 4)), "a.bias": Slot(16, (3,))}).tolist()
    [[0, 8, 0, 1], [16, 19, 1, 0]]
    """
    pieces = []
    for number, (name, slot) in enumerate(table.items()):
        size = slot.size // maps[name] if name in maps else _PIECE
        starts = range(slot.offset, slot.end, size)
        ends = [*starts[1:], slot.end]
        pieces += zip(starts, ends, repeat(number), repeat(int(decays(name))), strict=False)
    return np.array(pieces, np.int64).reshape(-1, 4)


def decays(name: str) -> bool:
    """Return whether the weights of a tensor decay: all but biases and LayerNorms.

    Examples
    --------
    >>> [decays(n) for n in ("embeddings.token", "embeddings.norm.weight", "mlm.bias")]
    [True, False, False]
    """
    return not name.endswith((".bias", "norm.weight"))


def each_part(
    work: Callable[[slice], None], count: int, threads: int | None, at_once: int = _AT_ONCE
) -> None:
    """Do some work on so many pieces, a part of them at a time, in threads."""
    parts = [slice(start, start + at_once) for start in range(0, count, at_once)]

    def run(feed: Feed[slice]) -> None:
        for part in feed:
            work(part)

    if threads == 1 or len(parts) < 4:
        any(map(work, parts))
    else:
        run_in_threads(run, parts, threads)
