"""Losses of the parts of batches as numbers, for ranks that tell each other of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.losses import Losses, Tally

_FIELDS = 4  # of a `Tally`


def rows_of(
    found: Mapping[tuple[int, int], Losses], shape: tuple[int, int], heads: Sequence[str]
) -> NDArray[np.float64]:
    """Return losses as float64[batches, parts, heads, 4]; NaN stands for what there is none of.

    Parameters
    ----------
    found
        By the number of a batch and of a part of it.
    shape
        How many batches and parts there are.
    heads
        Their names, in the order of the table.

    Examples
    --------
    >>> rows_of({(0, 0): Losses({"mlm": Tally(2.5, 3, 1)})}, (1, 1), ["mlm"]).tolist()
    [[[[2.5, 3.0, 1.0, nan]]]]
    """
    table = np.full((*shape, len(heads), _FIELDS), np.nan)
    for place, losses in found.items():
        for number, name in enumerate(heads):
            if name in losses:
                known = [np.nan if value is None else value for value in losses[name]]
                table[(*place, number)] = known
    return table


def losses_of(row: NDArray[np.float64], heads: Sequence[str]) -> Losses:
    """Return the losses that are in one part of a table, float64[heads, 4]."""
    tallies = {}
    for name, (total, asked, correct, weight) in zip(heads, row.tolist(), strict=True):
        if asked == asked:  # else the head was asked nothing
            right = None if correct != correct else int(correct)
            tallies[name] = Tally(total, int(asked), right, None if weight != weight else weight)
    return Losses(tallies)


def joined(parts: Sequence[NDArray[np.float64]], heads: Sequence[str]) -> Losses:
    """Return the sum over batches, and in each over the parts of all ranks, in order.

    Parameters
    ----------
    parts
        Of each rank a table as `rows_of` returns it, of the same batches.
    """
    table = np.concatenate(parts, axis=1)
    rows = table.reshape(-1, len(heads), _FIELDS)
    return sum((losses_of(row, heads) for row in rows), Losses())
