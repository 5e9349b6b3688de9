"""One tile of a product over and over, from the first cache: what a processor reaches in 8 bits."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import kernel
from tokpipe.foundation.product_intrinsics import COLUMNS, GROUP, ROWS, multiply_int8


def add_int8_tiles_reference(
    left: NDArray[np.uint8], right: NDArray[np.int8], times: int, out: NDArray[np.int32]
) -> None:
    """Add a product to a tile, so many times.

    Parameters
    ----------
    left : uint8[14, K]
        K is a multiple of 4.
    right : int8[K / 4, 32, 4]
        Four rows of a column side by side.
    times
        How many.
    out : int32[14, 32]
        The sums.
    """
    whole = right.transpose(0, 2, 1).reshape(-1, COLUMNS).astype(np.int32)
    out += times * (left.astype(np.int32) @ whole)


@kernel(reference=add_int8_tiles_reference)
def add_int8_tiles(left, right, times, out):
    row, steps = left.shape[1], right.shape[0]
    place = out.ctypes.data
    for _ in range(times):
        multiply_int8(
            ROWS, left.ctypes.data, row, GROUP, right.ctypes.data, steps,
            place, GROUP * COLUMNS, place, GROUP * COLUMNS, left.ctypes.data,
        )  # fmt: skip
    _ = left.size + right.size + out.size  # still in use
