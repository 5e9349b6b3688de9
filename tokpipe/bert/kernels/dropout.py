"""Which values are dropped: a function of a key, a row and a column, never stored.

The backward pass asks again with the same key. A value is kept if its draw of 32 bits is at least
the threshold; the kept are multiplied by the scale. A threshold of 0 keeps all.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ZERO
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import child_key, child_key_reference, short_random_bits


@inlined_helper
def kept(row_key, column, threshold, scale):
    """Return the factor (float32) of a value: the scale, or 0 where it is dropped."""
    if threshold == np.uint32(0):  # the same for a whole loop: the compiler makes two loops of it
        return scale
    return scale if short_random_bits(row_key, column) >= threshold else ZERO


def dropout_factors(
    key: np.uint64,
    shape: tuple[int, int],
    threshold: np.uint32,
    scale: float,
    first: int = 0,
) -> NDArray[np.float64]:
    """Return the factors of rows from number `first` on, as `kept` gives them.

    The draws are those of `tokpipe.foundation.seeds.short_random_bits`, for all columns at once.
    """
    columns = np.arange(shape[1], dtype=np.uint32)
    factors = np.empty(shape)
    for row in range(shape[0]):
        row_key = child_key_reference(int(key), first + row)
        bits = columns ^ np.uint32(row_key & 0xFFFFFFFF)
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
        bits ^= np.uint32(row_key >> 32)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
        factors[row] = (bits >= threshold) * scale
    return factors


def drop_reference(
    values: NDArray[np.floating], key: np.uint64, threshold: np.uint32, scale: float
) -> None:
    """Multiply each value by its factor, in place: the way back is the same.

    Parameters
    ----------
    values : float32[T, H]
        What is dropped from.
    key, threshold, scale
        As `dropout_factors` takes them.
    """
    values *= dropout_factors(key, values.shape, threshold, scale).astype(values.dtype)


@kernel(reference=drop_reference)
def drop(values, key, threshold, scale):
    factor = np.float32(scale)
    for t in range(len(values)):
        row, row_key = values[t], child_key(key, t)
        for j in range(len(row)):
            row[j] *= kept(row_key, j, threshold, factor)
