"""Products in bfloat16 with sums in float32 (AVX512_BF16), of operands that are float32.

Both operands are rounded a block at a time, into scratch memory. There the right one stands in
panels, ``uint16[P, S, 32, 2]``: P panels of 32 columns, S steps of two rows of depth, for each
column its two values side by side. What is not there is zero. Blocks are 448 rows by 256 steps,
0.5 MB: half of a second cache, and a panel of so many steps, 32 KB, is a first cache.

No panels of weights are kept from step to step. In one product of three that was faster, by 0 to
2 % with 2,048 rows, 2 to 5 % with 1,024 and 4 to 7 % with 512; it took half as much memory as the
weights, and a step had to write them: steps are as fast without (20,561 tokens a second to 20,427
of tiny, 265 to 266 of base; Intel, two threads).

Sums of a depth of 512 are taken at once, and added to what came before: in the same order for any
tile, so that a product of some rows is those rows of the product.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.bfloat16 import rounded
from tokpipe.bert.kernels.blocks import first_values, tile_start, tiles_of
from tokpipe.bert.kernels.products import LEFT, RIGHT
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.foundation.product_intrinsics import (
    COLUMNS,
    GROUP,
    ROWS,
    move_row,
    multiply_bfloat16,
    multiply_bfloat16_12,
    multiply_bfloat16_13,
    round_pairs,
    round_row,
    transpose_groups,
)

_STEPS = 256  # of depth in a block
_DEPTH = 2 * _STEPS
_HEIGHT = 32 * ROWS  # rows of the left operand in a block
_WIDTH = 64 * COLUMNS  # columns of a right operand that is rounded on the way
# bytes between rows of the left operand in a block: a power of two would let them all fall into
# the same few lines of the first cache (151 against 206 GFLOP/s)
_STRIDE = GROUP * _STEPS + 64
_TURNED_STEP = 64  # bytes of a step of 14 rows that were columns: two groups are not used
_TURNED_TILE = _TURNED_STEP * _STEPS
_PANEL_STEP = GROUP * COLUMNS

# Scratch memory: zeros, a tile, rows that are to be transposed, a block of either operand
_ZEROS, _TILE = 0, _PANEL_STEP
_ROUNDED = _TILE + ROWS * _PANEL_STEP
_LEFT = _ROUNDED + COLUMNS * _STRIDE
_RIGHT = _LEFT + max(_HEIGHT * _STRIDE, _HEIGHT // ROWS * _TURNED_TILE)
SCRATCH_BYTES = _RIGHT + GROUP * _STEPS * _WIDTH  # 2.6 MB


@inlined_helper
def _round_rows(source, row, rows, depth, to):
    """Round rows of at most 512 float32 at addresses; groups of depth are whole, the rest zero."""
    for i in range(rows):
        for k in range(0, depth, 32):
            round_row(
                source + i * row + 4 * k, to + i * _STRIDE + 2 * k, first_values(depth - k, 32)
            )


@inlined_helper
def _round_turned(source, row, depth, columns, steps, to, panel):
    """Round pairs of rows into panels, `panel` bytes apart.

    Rows and columns beyond the last are zeros. 32 steps of all panels after one another: what is
    read of a row then lies in the second cache for the next panel.
    """
    for first in range(0, steps, 32):
        for j in range(0, columns, COLUMNS):
            for lane in range(0, COLUMNS, 16):
                _round_lane(
                    source + 4 * (j + lane), row, depth, first_values(columns - j - lane, 16),
                    first, min(first + 32, steps), _PANEL_STEP,
                    to + j // COLUMNS * panel + GROUP * lane,
                )  # fmt: skip


@inlined_helper
def _round_lane(source, row, depth, mask, first, last, step, to):
    """Round 16 columns of pairs of rows, from the first pair to before the last."""
    for s in range(first, last):
        above = source + 2 * s * row
        one, other = mask if 2 * s < depth else 0, mask if 2 * s + 1 < depth else 0
        round_pairs(above, above + row, one, other, to + s * step)


@inlined_helper
def _round_tiles(source, row, depth, columns, steps, to):
    """Round pairs of rows into groups for tiles whose rows are these columns."""
    tiles = tiles_of(columns)
    for first in range(0, steps, 32):
        for tile in range(tiles):
            j = tile_start(tile, tiles, columns)
            _round_lane(
                source + 4 * j, row, depth, first_values(columns - j, 16), first,
                min(first + 32, steps), _TURNED_STEP, to + tile * _TURNED_TILE,
            )  # fmt: skip


@inlined_helper
def _round_transposed(source, row, columns, depth, steps, to, rounded_rows):
    """Round columns that are rows, 32 at the most, into a panel of so many steps.

    Whole groups of 16 steps are written; columns and depth beyond the last are zeros.
    """
    for i in range(COLUMNS):
        inside = depth if i < columns else 0
        for k in range(0, 2 * steps, 32):
            round_row(
                source + i * row + 4 * k,
                rounded_rows + i * _STRIDE + 2 * k,
                first_values(inside - k, 32),
            )
    for s in range(0, steps, 16):
        for lane in range(0, COLUMNS, 16):
            transpose_groups(
                rounded_rows + lane * _STRIDE + GROUP * s,
                _STRIDE,
                to + s * _PANEL_STEP + GROUP * lane,
                _PANEL_STEP,
            )


@inlined_helper
def _multiply_block(
    left, left_row, left_step, next_row, next_tile, right, right_panel, steps, rows, columns,
    start, start_row, start_column, out, out_row, spare,
):  # fmt: skip
    """Multiply a block by panels; each sum begins with what lies at `start`.

    A tile of the left operand is `next_row` bytes a row and `next_tile` bytes a tile behind the
    first. Tiles are as high as one another: of 128 rows 8 have 13 and 2 have 12, where 9 of 14 and
    one of 2 would take a tenth more. Those at the edge are taken in scratch memory, `spare`, and
    what is there of them is copied.
    """
    tiles = tiles_of(rows)
    for j in range(0, columns, COLUMNS):
        panel = right + j // COLUMNS * right_panel
        mask = first_values(columns - j, COLUMNS)
        is_whole = j + COLUMNS <= columns
        for tile in range(tiles):
            i = tile_start(tile, tiles, rows)
            height = tile_start(tile + 1, tiles, rows) - i
            block = left + i * next_row + tile * next_tile
            begin = start + i * start_row + j * start_column
            place = out + i * out_row + 4 * j
            if is_whole and height == ROWS:
                multiply_bfloat16(
                    block, left_row, left_step, panel, steps, begin, start_row, place, out_row
                )
            elif is_whole and height == ROWS - 1:
                multiply_bfloat16_13(
                    block, left_row, left_step, panel, steps, begin, start_row, place, out_row
                )
            elif is_whole and height == ROWS - 2:
                multiply_bfloat16_12(
                    block, left_row, left_step, panel, steps, begin, start_row, place, out_row
                )
            else:
                for k in range(height):
                    move_row(begin + k * start_row, spare + k * _PANEL_STEP, mask)
                multiply_bfloat16(
                    block, left_row, left_step, panel, steps, spare, _PANEL_STEP, spare, _PANEL_STEP
                )
                for k in range(height):
                    move_row(spare + k * _PANEL_STEP, place + k * out_row, mask)


@compiled_helper
def multiply_rounded(
    scratch, transposed, rows, columns, depth, left, left_stride, right, right_stride, bias, add,
    out, out_stride,
):  # fmt: skip
    """Multiply row-major float32 matrices at addresses, as `products.product_at`, in bfloat16.

    Strides are in values. `bias` is the address of what is added to each row, or 0 for nothing.
    """
    left_row, right_row, out_row = 4 * left_stride, 4 * right_stride, 4 * out_stride
    right_panel = _STEPS * _PANEL_STEP
    for k in range(0, max(depth, 1), _DEPTH):
        here = min(_DEPTH, depth - k)
        steps = (here + 1) // 2
        for j in range(0, columns, _WIDTH):
            width = min(_WIDTH, columns - j)
            if transposed == RIGHT:
                for column in range(0, width, COLUMNS):
                    _round_transposed(
                        right + (j + column) * right_row + 4 * k, right_row,
                        min(COLUMNS, width - column), here, steps,
                        scratch + _RIGHT + column // COLUMNS * right_panel, scratch + _ROUNDED,
                    )  # fmt: skip
            else:
                _round_turned(
                    right + k * right_row + 4 * j, right_row, here, width, steps,
                    scratch + _RIGHT, right_panel,
                )  # fmt: skip
            for i in range(0, rows, _HEIGHT):
                height = min(_HEIGHT, rows - i)
                at = out + i * out_row + 4 * j
                start, start_row, start_column = scratch + _ZEROS, 0, 0
                if add or k > 0:
                    start, start_row, start_column = at, out_row, 4
                elif bias != 0:
                    start, start_column = bias + 4 * j, 4
                if transposed == LEFT:
                    source = left + k * left_row + 4 * i
                    _round_tiles(source, left_row, here, height, steps, scratch + _LEFT)
                    row, step, next_row, next_tile = GROUP, _TURNED_STEP, 0, _TURNED_TILE
                else:
                    source = left + i * left_row + 4 * k
                    _round_rows(source, left_row, height, here, scratch + _LEFT)
                    row, step, next_row, next_tile = _STRIDE, GROUP, _STRIDE, 0
                _multiply_block(
                    scratch + _LEFT, row, step, next_row, next_tile, scratch + _RIGHT,
                    right_panel, steps, height, width, start, start_row, start_column, at, out_row,
                    scratch + _TILE,
                )  # fmt: skip


def multiply_in_bfloat16_reference(
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
    one, other = rounded(left), rounded(right)
    start = out if add else bias if len(bias) else np.float32(0)
    with np.errstate(invalid="ignore"):  # infinities less infinities
        out[:] = start + (one.T if transposed == LEFT else one) @ (
            other.T if transposed == RIGHT else other
        )


@kernel(reference=multiply_in_bfloat16_reference)
def multiply_in_bfloat16(left, right, bias, transposed, add, out, scratch):
    rows, columns = out.shape
    depth = left.shape[0] if transposed == LEFT else left.shape[1]
    multiply_rounded(
        scratch, transposed, rows, columns, depth, left.ctypes.data, left.shape[1],
        right.ctypes.data, right.shape[1], bias.ctypes.data if len(bias) else np.int64(0), add,
        out.ctypes.data, columns,
    )  # fmt: skip
    _ = left.size + right.size + bias.size + out.size  # still in use
