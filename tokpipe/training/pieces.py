"""The block of all weights, cut into pieces that one thread works on at a time."""

from collections.abc import Callable
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Slot
from tokpipe.foundation.threads import Feed, run_in_threads

_PIECE = 1 << 14  # values: four arrays of them fit the second cache of a core
_AT_ONCE = 64  # pieces a call of a kernel: about a millisecond


def pieces_of(table: dict[str, Slot]) -> NDArray[np.int64]:
    """Cut tensors into pieces: start, end, number of the tensor, whether it decays.

    Returns
    -------
    int64[P, 4]

    Examples
    --------
    >>> pieces_of({"a.weight": Slot(0, (2, 4)), "a.bias": Slot(16, (3,))}).tolist()
    [[0, 8, 0, 1], [16, 19, 1, 0]]
    """
    pieces = [
        piece
        for number, (name, slot) in enumerate(table.items())
        for piece in zip(
            range(slot.offset, slot.end, _PIECE),
            [*range(slot.offset + _PIECE, slot.end, _PIECE), slot.end],
            repeat(number),
            repeat(int(decays(name))),
            strict=False,
        )
    ]
    return np.array(pieces, np.int64).reshape(-1, 4)


def decays(name: str) -> bool:
    """Return whether the weights of a tensor decay: all but biases and LayerNorms.

    Examples
    --------
    >>> [decays(n) for n in ("embeddings.token", "embeddings.norm.weight", "mlm.bias")]
    [True, False, False]
    """
    return not name.endswith((".bias", "norm.weight"))


def each_part(work: Callable[[slice], None], count: int, threads: int | None) -> None:
    """Do some work on so many pieces, a part of them at a time, in threads."""
    parts = [slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE)]

    def run(feed: Feed[slice]) -> None:
        for part in feed:
            work(part)

    if threads == 1 or len(parts) < 4:
        any(map(work, parts))
    else:
        run_in_threads(run, parts, threads)
