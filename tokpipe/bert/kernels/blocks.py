"""Products by our own micro-kernels, a block of both operands at a time.

A kind of numbers says how it lays operands (`float32`, `panels`); how a product is cut into blocks
and tiles is the same for all. The right operand of a block lies in panels of 32 columns, a step of
4 bytes of depth after the other: what lies where no column is goes into no result. The left one
lies in rows, or, if it was transposed, in tiles of 14 of its columns.

Sums of the depth of a block are taken at once, in its order, and added to what came before: in the
same order for any tile, so that a product of some rows is those rows of the product.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper
from tokpipe.foundation.product_intrinsics import COLUMNS, GROUP, LEAST_ROWS, ROWS, move_rows

FLOAT = 4  # bytes
STEP = GROUP * COLUMNS  # bytes of a step of a panel, and of a row of a tile
TURNED_STEP = 64  # bytes of a step of 14 rows that were columns: two groups are not used
_HEIGHT = 32 * ROWS  # rows of the left operand in a block
_ZEROS, _TILE = 0, STEP  # in scratch memory: what sums begin with, a tile at the edge
SPARE = _TILE + ROWS * STEP  # rows that are to be transposed, or of a low tile


class Blocks(NamedTuple):
    """How large a block is, and where its operands lie in scratch memory."""

    values: int  # of depth in a step
    steps: int  # of depth in a block
    width: int  # columns of the right operand in a block
    row: int  # bytes between rows of the left operand in scratch memory
    left: int  # where it begins
    right: int
    scratch_bytes: int


def blocks_of(values: int, steps: int, panels: int) -> Blocks:
    """Return where blocks of so many steps and panels lie."""
    row = GROUP * steps + 64  # of a power of two, lines would be in each other's way
    left = SPARE + COLUMNS * row
    right = left + max(_HEIGHT * row, _HEIGHT // ROWS * steps * TURNED_STEP)
    return Blocks(values, steps, panels * COLUMNS, row, left, right, right + panels * steps * STEP)


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
    """Return where a tile begins: they are as high as one another, or one row higher.

    Of 128 rows 8 have 13 and 2 have 12: 9 of 14 and one of 2 would take a tenth more.
    """
    return tile * (rows // tiles) + min(np.int64(tile), np.int64(rows % tiles))


@inlined_helper
def copy_rows(source, row, rows, groups, to, to_row):
    """Copy so many groups of each row."""
    for k in range(0, groups, COLUMNS):
        mask = first_values(groups - k, COLUMNS)
        move_rows(source + GROUP * k, row, to + GROUP * k, to_row, rows, mask)


@inlined_helper
def multiply_blocks(
    lay_right, lay_left, multiply_tile, blocks, scratch, transposed, rows, columns, depth,
    left, left_stride, right, right_stride, bias, add, out, out_stride,
):  # fmt: skip
    """Multiply row-major float32 matrices at addresses, as `products.product_at`.

    Strides are in values. `bias` is the address of what is added to each row, or 0 for nothing.
    `lay_right` and `lay_left` lay operands into scratch memory; the latter returns where the first
    row lies, the bytes between two rows, two steps, and two tiles, or 0 if tiles are rows.
    """
    left_row, right_row, out_row = FLOAT * left_stride, FLOAT * right_stride, FLOAT * out_stride
    deep = blocks.values * blocks.steps
    for k in range(0, max(depth, 1), deep):
        here = min(deep, depth - k)
        for j in range(0, columns, blocks.width):
            width = min(blocks.width, columns - j)
            lay_right(transposed, right, right_row, k, j, here, width, scratch)
            for i in range(0, rows, _HEIGHT):
                height = min(_HEIGHT, rows - i)
                at = out + i * out_row + FLOAT * j
                start, start_row, start_column = scratch + _ZEROS, 0, 0
                if add or k > 0:
                    start, start_row, start_column = at, out_row, FLOAT
                elif bias != 0:
                    start, start_column = bias + FLOAT * j, FLOAT
                first, row, step, tile = lay_left(
                    transposed, left, left_row, k, i, here, height, scratch
                )
                _multiply_block(
                    multiply_tile, blocks, scratch, first, row, step, tile,
                    (here + blocks.values - 1) // blocks.values, height, width,
                    start, start_row, start_column, at, out_row,
                )  # fmt: skip


@inlined_helper
def _multiply_block(
    multiply_tile, blocks, scratch, left, left_row, left_step, next_tile, steps, rows, columns,
    start, start_row, start_column, out, out_row,
):  # fmt: skip
    """Multiply a block by its panels; each sum begins with what lies at `start`.

    Tiles of fewer than 32 columns, or 9 rows, are taken in scratch memory, and what is there of
    them is copied.
    """
    tiles, panel_bytes = tiles_of(rows), blocks.steps * STEP
    for j in range(0, columns, COLUMNS):
        panel = scratch + blocks.right + j // COLUMNS * panel_bytes
        mask = first_values(columns - j, COLUMNS)
        for tile in range(tiles):
            i = tile_start(tile, tiles, rows)
            height = tile_start(tile + 1, tiles, rows) - i
            block, row = left + (tile * next_tile if next_tile != 0 else i * left_row), left_row
            ahead = block + (next_tile if next_tile != 0 else height * left_row)
            begin = start + i * start_row + j * start_column
            place = out + i * out_row + FLOAT * j
            if columns - j >= COLUMNS and height >= LEAST_ROWS:
                multiply_tile(
                    height, block, row, left_step, panel, steps, begin, start_row, place, out_row,
                    ahead,
                )  # fmt: skip
                continue
            if height < LEAST_ROWS and next_tile == 0:
                copy_rows(block, row, height, steps, scratch + SPARE, blocks.row)
                block, row = scratch + SPARE, np.int64(blocks.row)
            spare = scratch + _TILE
            move_rows(begin, start_row, spare, STEP, height, mask)
            multiply_tile(
                max(height, np.int64(LEAST_ROWS)), block, row, left_step, panel, steps,
                spare, STEP, spare, STEP, ahead,
            )  # fmt: skip
            move_rows(spare, STEP, place, out_row, height, mask)
