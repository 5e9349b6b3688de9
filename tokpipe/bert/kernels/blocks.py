"""Products by our own micro-kernels, a block of both operands at a time.

A kind of numbers (`float32`, `bfloat16`) has two loops that lay operands, by which they become
what its micro-kernel takes: one for what is laid as it lies, depth along a row, and one for rows
that are steps of depth. How a product is cut into blocks and tiles, and where these lie, is the
same for all. The right operand of a block lies in panels of 32 columns, ``[P, S, 32]`` groups of 4
bytes: P panels, S steps of depth; what lies where no column is goes into no result. The left one
lies in rows, or, if it was transposed, in tiles of 14 of its columns.

Sums of the depth of a block are taken at once, in its order, and added to what came before: in the
same order for any tile, so that a product of some rows is those rows of the product.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.products import LEFT, RIGHT
from tokpipe.foundation.jit import inlined_helper
from tokpipe.foundation.laying_intrinsics import HALVES, move_rows, transpose_groups
from tokpipe.foundation.product_intrinsics import COLUMNS, GROUP, LEAST_ROWS, ROWS

_FLOAT = 4  # bytes
_STEP = GROUP * COLUMNS  # bytes of a step of a panel, and of a row of a tile
_TURNED_STEP = 64  # bytes of a step of 14 rows that were columns: two groups are not used
_HEIGHT = 32 * ROWS  # rows of the left operand in a block
_ZEROS, _TILE = 0, _STEP  # in scratch memory: what sums begin with, a tile at the edge
_SPARE = _TILE + ROWS * _STEP  # rows that are to be transposed, or of a low tile


class Blocks(NamedTuple):
    """How a kind of numbers lies in a block, how large that is, and where in scratch memory."""

    group: int  # values of depth in a step
    together: int  # values of depth that are laid together: the last ones may be filled with zeros
    is_unchanged: bool  # values are what the micro-kernel takes: a left operand in rows lies there
    steps: int  # of depth in a block
    width: int  # columns of the right operand in a block
    row: int  # bytes between rows of the left operand in scratch memory
    left: int  # where it begins
    right: int
    panel: int  # bytes
    tile: int  # bytes of a tile of the left operand, transposed
    scratch_bytes: int


def blocks_of(
    *, steps: int, panels: int, group: int = 1, together: int = 1, is_unchanged: bool = False
) -> Blocks:
    """Return where blocks of so many steps and panels lie."""
    row = GROUP * steps + 64  # of a power of two, lines would be in each other's way
    panel, tile = steps * _STEP, steps * _TURNED_STEP
    left = _SPARE + COLUMNS * row
    right = left + max(_HEIGHT * row, _HEIGHT // ROWS * tile)
    return Blocks(
        *(group, together, is_unchanged, steps, panels * COLUMNS),
        *(row, left, right, panel, tile, right + panels * panel),
    )


def new_scratch(size: int) -> NDArray[np.uint8]:
    """Return scratch memory for products, one at a time."""
    return np.zeros(size + 64, np.uint8)


def scratch_address(scratch: NDArray[np.uint8]) -> int:
    """Return where the first whole cache line of scratch memory is."""
    return -(-scratch.ctypes.data // 64) * 64


@inlined_helper
def _first_values(count, limit):
    """Return a mask of the first values, none or all of `limit` at the most."""
    return (np.int64(1) << min(max(count, np.int64(0)), np.int64(limit))) - np.int64(1)


@inlined_helper
def _size_of(is_halves):
    """Return the bytes of a value."""
    return np.int64(_FLOAT // 2) if is_halves else np.int64(_FLOAT)


@inlined_helper
def _halves_in(size):
    """Return what a mask says of the size of values."""
    return np.int64(0) if size == _FLOAT else np.int64(HALVES)


@inlined_helper
def _tiles_of(rows):
    """Return of how many tiles so many rows are."""
    return (rows + ROWS - 1) // ROWS


@inlined_helper
def _tile_start(tile, tiles, rows):
    """Return where a tile begins: they are as high as one another, or one row higher.

    Of 128 rows 8 have 13 and 2 have 12: 9 of 14 and one of 2 would take a tenth more.
    """
    return tile * (rows // tiles) + min(np.int64(tile), np.int64(rows % tiles))


@inlined_helper
def _lay_rows(lay, blocks, size, source, row, rows, depth, to):
    """Lay rows below one another; where values are laid together, as many steps as they take."""
    for k in range(0, depth, COLUMNS):
        mask = _first_values(depth - k, COLUMNS) | _halves_in(size)
        lay(source + size * k, row, to + GROUP * k // blocks.group, blocks.row, rows, mask)


@inlined_helper
def _lay_columns(lay, blocks, source, row, columns, depth, to, spare):
    """Lay columns that are rows, 32 at the most, into a panel.

    Whole groups of 16 steps are written: those beyond the depth are not used.
    """
    place, place_row = source, row
    if not blocks.is_unchanged or columns < COLUMNS or depth % 16 != 0:
        _lay_rows(lay, blocks, _FLOAT, source, row, columns, depth, spare)
        place, place_row = spare, np.int64(blocks.row)
    for s in range(0, _steps_of(blocks, depth), 16):
        for lane in range(0, COLUMNS, 16):
            transpose_groups(
                place + lane * place_row + GROUP * s, place_row,
                to + s * _STEP + GROUP * lane, np.int64(_STEP),
            )  # fmt: skip


@inlined_helper
def _steps_of(blocks, depth):
    """Return how many steps so much depth takes."""
    return (depth + blocks.together - 1) // blocks.together * blocks.together // blocks.group


@inlined_helper
def _lay_right(
    lay, lay_steps, blocks, transposed, size, source, row, k, j, depth, columns, scratch
):
    """Lay the right operand of a block, which begins at depth `k` and column `j`, into panels.

    32 steps of all panels after one another: what is read of a row then lies in the second cache
    for the next panel.
    """
    to = scratch + blocks.right
    if transposed == RIGHT:
        for first in range(0, columns, COLUMNS):
            _lay_columns(
                lay, blocks, source + (j + first) * row + _FLOAT * k, row,
                min(COLUMNS, columns - first), depth, to + first // COLUMNS * blocks.panel,
                scratch + _SPARE,
            )  # fmt: skip
        return
    at_once = 32 * blocks.group
    for first in range(0, depth, at_once):
        for c in range(0, columns, COLUMNS):
            lay_steps(
                source + (k + first) * row + size * (j + c), row,
                to + c // COLUMNS * blocks.panel + first // blocks.group * _STEP, _STEP,
                min(at_once, depth - first), _first_values(columns - c, COLUMNS) | _halves_in(size),
            )  # fmt: skip


@inlined_helper
def _lay_left(lay, lay_steps, blocks, transposed, size, source, row, k, i, depth, rows, scratch):
    """Lay the left operand of a block, which begins at depth `k` and row `i`, if need be.

    Where its first row is, and the bytes between two rows, two steps, and two tiles: 0 if tiles
    are rows.
    """
    to = scratch + blocks.left
    if transposed != LEFT:
        place = source + i * row + size * k
        are_pairs = blocks.group == 2 and size < _FLOAT and depth % 2 == 0  # as they lie
        if blocks.is_unchanged or are_pairs:
            return place, np.int64(row), GROUP, 0
        _lay_rows(lay, blocks, size, place, row, rows, depth, to)
        return to, np.int64(blocks.row), GROUP, 0
    tiles, at_once = _tiles_of(rows), 32 * blocks.group
    for first in range(0, depth, at_once):
        for tile in range(tiles):
            j = _tile_start(tile, tiles, rows)
            lay_steps(
                source + (k + first) * row + size * (i + j), row,
                to + tile * blocks.tile + first // blocks.group * _TURNED_STEP, _TURNED_STEP,
                min(at_once, depth - first), _first_values(rows - j, 16) | _halves_in(size),
            )  # fmt: skip
    return to, np.int64(GROUP), _TURNED_STEP, blocks.tile


@inlined_helper
def multiply_blocks(
    lay, lay_steps, multiply_tile, blocks, scratch, transposed, halves, rows, columns, depth,
    left, left_stride, right, right_stride, bias, add, out, out_stride,
):  # fmt: skip
    """Multiply row-major float32 matrices at addresses, as `products.product_at`.

    Strides are in values of 4 bytes. `halves`: LEFT, RIGHT or their sum, which operand is bfloat16;
    no right one that is transposed. `bias` is the address of what is added to each row, or 0 for
    nothing.
    """
    left_row, right_row, out_row = _FLOAT * left_stride, _FLOAT * right_stride, _FLOAT * out_stride
    left_size, right_size = _size_of(halves & LEFT), _size_of(halves & RIGHT)
    deep = blocks.group * blocks.steps
    for k in range(0, max(depth, 1), deep):
        here = min(deep, depth - k)
        for j in range(0, columns, blocks.width):
            width = min(blocks.width, columns - j)
            _lay_right(
                lay, lay_steps, blocks, transposed, right_size, right, right_row, k, j, here, width,
                scratch,
            )  # fmt: skip
            for i in range(0, rows, _HEIGHT):
                height = min(_HEIGHT, rows - i)
                at = out + i * out_row + _FLOAT * j
                start, start_row, start_column = scratch + _ZEROS, 0, 0
                if add or k > 0:
                    start, start_row, start_column = at, out_row, _FLOAT
                elif bias != 0:
                    start, start_column = bias + _FLOAT * j, _FLOAT
                first, row, step, tile = _lay_left(
                    lay, lay_steps, blocks, transposed, left_size, left, left_row, k, i, here,
                    height, scratch,
                )  # fmt: skip
                _multiply_block(
                    multiply_tile, blocks, scratch, first, row, step, tile,
                    _steps_of(blocks, here), height, width,
                    start, start_row, start_column, at, out_row,
                )  # fmt: skip


@inlined_helper
def _copy_groups(source, row, rows, groups, to, to_row):
    """Copy so many groups of 4 bytes of each row."""
    for k in range(0, groups, COLUMNS):
        mask = _first_values(groups - k, COLUMNS)
        move_rows(source + GROUP * k, row, to + GROUP * k, to_row, rows, mask)


@inlined_helper
def _multiply_block(
    multiply_tile, blocks, scratch, left, left_row, left_step, next_tile, steps, rows, columns,
    start, start_row, start_column, out, out_row,
):  # fmt: skip
    """Multiply a block by its panels; each sum begins with what lies at `start`.

    Tiles of fewer than 32 columns, or 9 rows, are taken in scratch memory, and what is there of
    them is copied.
    """
    tiles = _tiles_of(rows)
    for j in range(0, columns, COLUMNS):
        panel = scratch + blocks.right + j // COLUMNS * blocks.panel
        mask = _first_values(columns - j, COLUMNS)
        for tile in range(tiles):
            i = _tile_start(tile, tiles, rows)
            height = _tile_start(tile + 1, tiles, rows) - i
            block, row = left + (tile * next_tile if next_tile != 0 else i * left_row), left_row
            ahead = block + (next_tile if next_tile != 0 else height * left_row)
            begin = start + i * start_row + j * start_column
            place = out + i * out_row + _FLOAT * j
            if columns - j >= COLUMNS and height >= LEAST_ROWS:
                multiply_tile(
                    height, block, row, left_step, panel, steps, begin, start_row, place, out_row,
                    ahead,
                )  # fmt: skip
                continue
            if height < LEAST_ROWS and next_tile == 0:
                _copy_groups(block, row, height, steps, scratch + _SPARE, blocks.row)
                block, row = scratch + _SPARE, np.int64(blocks.row)
            spare = scratch + _TILE
            move_rows(begin, start_row, spare, _STEP, height, mask)
            multiply_tile(
                max(height, np.int64(LEAST_ROWS)), block, row, left_step, panel, steps,
                spare, _STEP, spare, _STEP, ahead,
            )  # fmt: skip
            move_rows(spare, _STEP, place, out_row, height, mask)


@inlined_helper
def multiply_arrays(multiply_at, left, right, bias, transposed, add, out, scratch, halves):
    """Multiply arrays by what multiplies at addresses."""
    rows, columns = out.shape
    depth = right.shape[1] if transposed == RIGHT else right.shape[0]
    multiply_at(
        scratch, transposed, halves, rows, columns, depth, left.ctypes.data, left.shape[1],
        right.ctypes.data, right.shape[1], bias.ctypes.data if len(bias) else np.int64(0), add,
        out.ctypes.data, columns,
    )  # fmt: skip
    _ = left.size + right.size + bias.size + out.size  # still in use
