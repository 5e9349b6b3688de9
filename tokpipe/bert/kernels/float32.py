"""Products in float32 by our own micro-kernel (AVX512F): steps of training are 4 to 14 % faster.

The right operand is laid into panels of 32 columns, ``float32[P, S, 32]``: P panels, S steps of
depth. The left one is read where it lies, but for one that is transposed: it is copied into tiles
of 14 of its columns. A block is 448 rows, 384 steps and 512 columns: either operand takes 0.75 MB
of a second cache then.

The maps of MiniLM one after the other, 1,024 tokens, two threads, GFLOP/s each (Intel; 177 is the
most, SGEMM has 154): 162; with 320 steps 150, with 448 159, with 768 columns 158; where sums go
fetched every 4 steps 158, every 16 156, all at once 154. With that last: 256 steps 145; the next
rows not fetched ahead 152 (of 4,096 tokens 143 and not 152); arrays off cache lines 3 to 4 less.

Gradients of weights, one thread, GFLOP/s of tiny's maps and of MiniLM's wide one: 131 to 137 and
151, where one piece of a row after the other was laid; 32 rows of a piece by one loop of assembly
147 and 156, and with the row 8 further on fetched ahead 150 and 158. A whole row of the operand
after the other, into tiles off each other's lines: 136 and 152. Tiles fetched ahead, a line a step,
in place of a few of their lines: no difference.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.blocks import (
    FLOAT,
    SPARE,
    STEP,
    TURNED_STEP,
    blocks_of,
    copy_rows,
    first_values,
    multiply_blocks,
    tile_start,
    tiles_of,
)
from tokpipe.bert.kernels.products import LEFT, RIGHT
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.foundation.product_intrinsics import (
    COLUMNS,
    move_rows,
    multiply_float32,
    transpose_groups,
)

BLOCKS = blocks_of(values=1, steps=384, panels=16)  # 1.6 MB
_PANEL, _TURNED_TILE = BLOCKS.steps * STEP, BLOCKS.steps * TURNED_STEP


@inlined_helper
def _lay_right(transposed, source, row, k, j, depth, columns, scratch):
    """Lay the right operand of a block, which begins at depth `k` and column `j`, into panels."""
    to = scratch + BLOCKS.right
    if transposed == RIGHT:
        for first in range(0, columns, COLUMNS):
            _lay_columns(
                source + (j + first) * row + FLOAT * k, row, min(COLUMNS, columns - first), depth,
                to + first // COLUMNS * _PANEL, scratch + SPARE,
            )  # fmt: skip
    else:
        _lay_rows(source + k * row + FLOAT * j, row, depth, columns, to)


@inlined_helper
def _lay_rows(source, row, depth, columns, to):
    """Lay rows into panels.

    32 steps of all panels after one another: what is read of a row then lies in the second cache
    for the next panel.
    """
    for first in range(0, depth, 32):
        for j in range(0, columns, COLUMNS):
            mask = first_values(columns - j, COLUMNS)
            move_rows(
                source + first * row + FLOAT * j, row, to + j // COLUMNS * _PANEL + first * STEP,
                STEP, min(32, depth - first), mask,
            )  # fmt: skip


@inlined_helper
def _lay_columns(source, row, columns, depth, to, spare):
    """Lay columns that are rows, 32 at the most, into a panel.

    Whole groups of 16 steps are written: those beyond the depth are nothing, and not used.
    """
    place, place_row = source, row
    if columns < COLUMNS or depth % 16 != 0:
        copy_rows(source, row, columns, depth, spare, BLOCKS.row)
        place, place_row = spare, np.int64(BLOCKS.row)
    for s in range(0, depth, 16):
        for lane in range(0, COLUMNS, 16):
            transpose_groups(
                place + lane * place_row + FLOAT * s, place_row,
                to + s * STEP + FLOAT * lane, np.int64(STEP),
            )  # fmt: skip


@inlined_helper
def _lay_left(transposed, source, row, k, i, depth, rows, scratch):
    """Return where the left operand of a block lies, which begins at depth `k` and row `i`."""
    if transposed != LEFT:
        return source + i * row + FLOAT * k, np.int64(row), FLOAT, 0
    to, tiles = scratch + BLOCKS.left, tiles_of(rows)
    for first in range(0, depth, 32):
        for tile in range(tiles):
            j = tile_start(tile, tiles, rows)
            move_rows(
                source + (k + first) * row + FLOAT * (i + j), row,
                to + tile * _TURNED_TILE + first * TURNED_STEP, TURNED_STEP,
                min(32, depth - first), first_values(rows - j, 16),
            )  # fmt: skip
    return to, np.int64(FLOAT), TURNED_STEP, _TURNED_TILE


@compiled_helper
def multiply_single(
    scratch, transposed, rows, columns, depth, left, left_stride, right, right_stride, bias, add,
    out, out_stride,
):  # fmt: skip
    multiply_blocks(
        _lay_right, _lay_left, multiply_float32, BLOCKS, scratch, transposed, rows, columns, depth,
        left, left_stride, right, right_stride, bias, add, out, out_stride,
    )  # fmt: skip


def multiply_in_float32_reference(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    bias: NDArray[np.float32],
    transposed: int,
    add: bool,
    out: NDArray[np.float32],
    scratch: int,
) -> None:
    """Multiply two matrices.

    Parameters
    ----------
    left : float32[M, K], or [K, M] if transposed is LEFT
        First operand.
    right : float32[K, N], or [N, K] if transposed is RIGHT
        Second operand.
    bias : float32[N] or float32[0]
        What is added to each row; empty: nothing.
    transposed
        NOT, LEFT or RIGHT, of `products`.
    add
        Whether the product is added to what is in `out`, without any bias.
    out : float32[M, N]
        The product.
    scratch
        Address of scratch memory: `blocks.scratch_address`.
    """
    start = out if add else bias if len(bias) else np.float32(0)
    with np.errstate(invalid="ignore"):  # infinities less infinities
        out[:] = start + (left.T if transposed == LEFT else left) @ (
            right.T if transposed == RIGHT else right
        )


@kernel(reference=multiply_in_float32_reference)
def multiply_in_float32(left, right, bias, transposed, add, out, scratch):
    rows, columns = out.shape
    depth = left.shape[0] if transposed == LEFT else left.shape[1]
    multiply_single(
        scratch, transposed, rows, columns, depth, left.ctypes.data, left.shape[1],
        right.ctypes.data, right.shape[1], bias.ctypes.data if len(bias) else np.int64(0), add,
        out.ctypes.data, columns,
    )  # fmt: skip
    _ = left.size + right.size + bias.size + out.size  # still in use
