"""bfloat16 as AVX512_BF16 has it: in NumPy, for twins; and products of it with float32 sums.

The upper half of a float32: 8 bits of exponent, 7 of fraction.

Operands are float32 and rounded a block at a time. The right one then stands in panels,
``uint16[P, S, 32, 2]``: P panels of 32 columns, S steps of two rows of depth, for each column its
two values side by side. What is not there is zero. Blocks are 448 rows by 256 steps, 0.5 MB: half
of a second cache, and a panel of so many steps, 32 KB, is a first cache.

No panels of weights are kept from step to step. In one product of three that was faster, by 0 to
2 % with 2,048 rows, 2 to 5 % with 1,024 and 4 to 7 % with 512; it took half as much memory as the
weights, and a step had to write them: steps are as fast without (20,561 tokens a second to 20,427
of tiny, 265 to 266 of base; Intel, two threads). What the micro-kernel fetches ahead, which gains
5 % in float32, gains nothing here: 79 of 86 GFLOP/s with it and without (Intel).
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.blocks import (
    FLOAT,
    SPARE,
    STEP,
    TURNED_STEP,
    blocks_of,
    first_values,
    multiply_blocks,
    tile_start,
    tiles_of,
)
from tokpipe.bert.kernels.products import LEFT, RIGHT
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.foundation.product_intrinsics import (
    COLUMNS,
    GROUP,
    multiply_bfloat16,
    round_pairs,
    round_rows,
    transpose_groups,
)

BLOCKS = blocks_of(values=2, steps=256, panels=64)  # 2.6 MB
_PANEL, _TURNED_TILE = BLOCKS.steps * STEP, BLOCKS.steps * TURNED_STEP


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round float32 to bfloat16, to the nearest, of two as near to the even one.

    Infinities stay; NaN becomes a quiet one; numbers below the normal ones become zero. (Intel 64
    and IA-32 Architectures Software Developer's Manual, VCVTNEPS2BF16.)

    Examples
    --------
    >>> [hex(bits) for bits in to_bfloat16(np.array([1.0, 1.00390625, -np.inf], np.float32))]
    ['0x3f80', '0x3f80', '0xff80']
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    exponent = bits >> 23 & 0xFF
    rounded = (bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1)) >> 16
    rounded = np.where(exponent == 0, bits >> 16 & 0x8000, rounded)
    special = bits >> 16 | np.where(bits & 0x7FFFFF, 0x40, 0)
    return np.where(exponent == 0xFF, special, rounded).astype(np.uint16)


def to_float32(values: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return bfloat16 as float32, exactly."""
    return (values.astype(np.uint32) << 16).view(np.float32)


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return float32 that are what bfloat16 keeps of others."""
    return to_float32(to_bfloat16(np.asarray(values, np.float32)))


@inlined_helper
def _lay_right(transposed, source, row, k, j, depth, columns, scratch):
    """Round the right operand of a block, which begins at depth `k` and column `j`, into panels."""
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
    """Round pairs of rows into panels.

    32 steps of all panels after one another: what is read of a row then lies in the second cache
    for the next panel.
    """
    for first in range(0, depth, 64):
        for j in range(0, columns, COLUMNS):
            panel = to + j // COLUMNS * _PANEL + first // 2 * STEP
            for lane in range(0, COLUMNS, 16):
                round_pairs(
                    source + first * row + FLOAT * (j + lane), row, panel + GROUP * lane, STEP,
                    min(64, depth - first), first_values(columns - j - lane, 16),
                )  # fmt: skip


@inlined_helper
def _lay_columns(source, row, columns, depth, to, spare):
    """Round columns that are rows, 32 at the most, into a panel.

    Whole groups of 16 steps are written; columns and depth beyond the last are zeros.
    """
    whole = (depth + 31) // 32 * 32
    _round_rows(source, row, columns, depth, whole, spare)
    _round_rows(source, row, COLUMNS - columns, 0, whole, spare + columns * BLOCKS.row)
    for s in range(0, whole // 2, 16):
        for lane in range(0, COLUMNS, 16):
            transpose_groups(
                spare + lane * BLOCKS.row + GROUP * s, BLOCKS.row,
                to + s * STEP + GROUP * lane, STEP,
            )  # fmt: skip


@inlined_helper
def _round_rows(source, row, rows, depth, whole, to):
    """Round rows, and write zeros from their depth to the `whole` one."""
    for k in range(0, whole, 32):
        mask = first_values(depth - k, 32)
        round_rows(source + FLOAT * k, row, to + 2 * k, BLOCKS.row, rows, mask)


@inlined_helper
def _lay_left(transposed, source, row, k, i, depth, rows, scratch):
    """Round the left operand of a block, which begins at depth `k` and row `i`, into rows or tiles.

    Where the first row lies, bytes between rows, steps and tiles.
    """
    to = scratch + BLOCKS.left
    if transposed != LEFT:
        _round_rows(source + i * row + FLOAT * k, row, rows, depth, depth, to)
        return to, BLOCKS.row, GROUP, 0
    tiles = tiles_of(rows)
    for first in range(0, depth, 64):
        for tile in range(tiles):
            j = tile_start(tile, tiles, rows)
            round_pairs(
                source + (k + first) * row + FLOAT * (i + j), row,
                to + tile * _TURNED_TILE + first // 2 * TURNED_STEP, TURNED_STEP,
                min(64, depth - first), first_values(rows - j, 16),
            )  # fmt: skip
    return to, GROUP, TURNED_STEP, _TURNED_TILE


@compiled_helper
def multiply_rounded(
    scratch, transposed, rows, columns, depth, left, left_stride, right, right_stride, bias, add,
    out, out_stride,
):  # fmt: skip
    multiply_blocks(
        _lay_right, _lay_left, multiply_bfloat16, BLOCKS, scratch, transposed, rows, columns, depth,
        left, left_stride, right, right_stride, bias, add, out, out_stride,
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
    """Multiply two matrices; parameters are those of `float32.multiply_in_float32_reference`."""
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
