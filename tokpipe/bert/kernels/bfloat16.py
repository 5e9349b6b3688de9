"""bfloat16 in NumPy, for twins, and products of it with float32 sums: two ways, to the same bits.

The upper half of a float32: 8 bits of exponent, 7 of fraction. Operands are float32 and rounded a
block at a time, or were rounded before. A product adds the odd values of depth and the even ones
before them, pair by pair, rounding each sum; numbers below the normal ones are zero. That is what
VDPBF16PS does (found so on an Intel and a Zen 4: all sums are those of NumPy, bit for bit), and
what fused multiplications do of float32 that were rounded to bfloat16 and are laid in that order.
So one kind of numbers has two ways:

- by pairs (AVX512_BF16): steps of two values, ``uint16[P, S, 32, 2]``. Rows that are bfloat16 are
  multiplied where they lie: 223 GFLOP/s, 207 if they are laid anew (tiny). Blocks are 448 rows by
  256 steps, 0.5 MB, half of a second cache, and a panel of so many steps is a first cache, 32 KB.
- by singles (AVX512F): the blocks, and the rate, of `float32`.

Zen 4 makes twice as many sums by pairs as by singles, Intel half as many: of 86 GFLOP/s with
registers only 78 to 86 by pairs, and 131 to 149 by singles (one thread, maps of tiny and MiniLM).

No panels of weights are kept from step to step. By pairs that was faster in one product of three,
by 0 to 2 % with 2,048 rows, 2 to 5 % with 1,024 and 4 to 7 % with 512; it took half as much memory
as the weights, and a step had to write them: steps are as fast without (20,561 tokens a second to
20,427 of tiny, 265 to 266 of base; Intel, two threads).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.blocks import blocks_of, multiply_arrays, multiply_blocks
from tokpipe.bert.kernels.products import LEFT, RIGHT
from tokpipe.foundation.jit import compiled_helper, kernel
from tokpipe.foundation.laying_intrinsics import (
    round_about,
    round_pairs,
    round_rows,
    round_rows_about,
)
from tokpipe.foundation.product_intrinsics import multiply_bfloat16, multiply_flushed

PAIRS = blocks_of(steps=256, panels=64, group=2, together=2)  # 2.6 MB
SINGLES = blocks_of(steps=384, panels=16, together=2)  # 1.6 MB


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


def write_values(values: NDArray[np.floating], out: NDArray[Any]) -> None:
    """Write rows, [T, F], to where they are float32 or, uint16[T, F or more], bfloat16."""
    out[:, : values.shape[1]] = to_bfloat16(values) if out.dtype == np.uint16 else values


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return float32 that are what bfloat16 keeps of others."""
    return to_float32(to_bfloat16(np.asarray(values, np.float32)))


@compiled_helper
def multiply_pairs(
    scratch, transposed, halves, rows, columns, depth, left, left_stride, right, right_stride, bias,
    add, out, out_stride,
):  # fmt: skip
    multiply_blocks(
        round_rows, round_pairs, multiply_bfloat16, PAIRS, scratch, transposed, halves, rows,
        columns, depth, left, left_stride, right, right_stride, bias, add, out, out_stride,
    )  # fmt: skip


@compiled_helper
def multiply_singles(
    scratch, transposed, halves, rows, columns, depth, left, left_stride, right, right_stride, bias,
    add, out, out_stride,
):  # fmt: skip
    multiply_blocks(
        round_about, round_rows_about, multiply_flushed, SINGLES, scratch, transposed, halves,
        rows, columns, depth, left, left_stride, right, right_stride, bias, add, out, out_stride,
    )  # fmt: skip


def multiply_in_bfloat16_reference(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    bias: NDArray[np.float32],
    transposed: int,
    add: bool,
    out: NDArray[np.float32],
    scratch: int,
    halves: int,
) -> None:
    """Multiply two matrices.

    Parameters
    ----------
    left, right, bias, transposed, add, out, scratch
        Those of `float32.multiply_in_float32_reference`.
    halves
        LEFT, RIGHT or their sum: whose rows begin with bfloat16, as many as there would be float32;
        a right one is not transposed.
    """
    rows, columns = out.shape
    depth = right.shape[1] if transposed == RIGHT else right.shape[0]
    one = _values(left, halves & LEFT, rows if transposed == LEFT else depth)
    other = _values(right, halves & RIGHT, depth if transposed == RIGHT else columns)
    start = out if add else bias if len(bias) else np.float32(0)
    with np.errstate(invalid="ignore"):  # infinities less infinities
        out[:] = start + (one.T if transposed == LEFT else one) @ (
            other.T if transposed == RIGHT else other
        )


def _values(array: NDArray[np.float32], is_halves: int, width: int) -> NDArray[np.float32]:
    """Return what is multiplied of an operand."""
    return to_float32(array.view(np.uint16)[:, :width]) if is_halves else rounded(array)


@kernel(reference=multiply_in_bfloat16_reference)
def multiply_by_pairs(left, right, bias, transposed, add, out, scratch, halves):
    multiply_arrays(multiply_pairs, left, right, bias, transposed, add, out, scratch, halves)


@kernel(reference=multiply_in_bfloat16_reference)
def multiply_by_singles(left, right, bias, transposed, add, out, scratch, halves):
    multiply_arrays(multiply_singles, left, right, bias, transposed, add, out, scratch, halves)
