"""What products by our own micro-kernels have in common: masks, tiles and scratch memory."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper
from tokpipe.foundation.product_intrinsics import ROWS


def new_scratch(size: int) -> NDArray[np.uint8]:
    """Return scratch memory for products, one at a time."""
    return np.zeros(size + 64, np.uint8)


def scratch_address(scratch: NDArray[np.uint8]) -> int:
    """Return where the first whole cache line of scratch memory is."""
    return -(-scratch.ctypes.data // 64) * 64


@inlined_helper
def first_values(count, limit):
    """Return a mask of the first values, none or all of `limit` at the most."""
    return (np.int64(1) << min(max(count, np.int64(0)), np.int64(limit))) - np.int64(1)


@inlined_helper
def tiles_of(rows):
    """Return of how many tiles so many rows are."""
    return (rows + ROWS - 1) // ROWS


@inlined_helper
def tile_start(tile, tiles, rows):
    """Return where a tile begins: they are as high as one another, or one row higher."""
    return tile * (rows // tiles) + min(np.int64(tile), np.int64(rows % tiles))
