"""Micro-kernels against NumPy: each kind of numbers, rows or columns on the left, any start."""

import numpy as np
import pytest

from tokpipe.foundation.jit import compiled_helper
from tokpipe.foundation.processors import has_pairs, multiplies
from tokpipe.foundation.product_intrinsics import (
    COLUMNS,
    LEAST_ROWS,
    ROWS,
    multiply_bfloat16,
    multiply_float32,
    multiply_flushed,
    multiply_int8,
)


@compiled_helper
def by_float32(
    rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
):
    multiply_float32(
        rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
    )


@compiled_helper
def by_bfloat16(
    rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
):
    multiply_bfloat16(
        rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
    )


@compiled_helper
def by_flushed(
    rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
):
    multiply_flushed(
        rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
    )


@compiled_helper
def by_int8(rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead):
    multiply_int8(
        rows, left, left_row, left_step, right, steps, start, start_row, out, out_row, ahead
    )


KINDS = [
    pytest.param(
        name, marks=pytest.mark.skipif(not is_there, reason="this processor has no such products")
    )
    for name, is_there in {
        "float32": multiplies("float32"),
        "flushed": multiplies("bfloat16"),
        "bfloat16": has_pairs(),
        "int8": multiplies("int8"),
    }.items()
]


def operands(name, steps):
    """Return a left operand [14, K] and a right one [K, 32] of numbers whose sums are exact."""
    rng = np.random.default_rng(steps)
    if name == "int8":
        left = rng.integers(0, 256, (ROWS, 4 * steps)).astype(np.uint8)
        right = rng.integers(-128, 128, (4 * steps, COLUMNS)).astype(np.int8)
        left[0], right[:, 0], right[:, 1] = 255, 127, -128  # 16 bits hold no two of them
        return left, right
    depth = steps * (2 if name == "bfloat16" else 1)
    return tuple(
        rng.integers(-15, 16, shape).astype(np.float32)
        for shape in ((ROWS, depth), (depth, COLUMNS))
    )


def grouped(values, group, axis):
    """Return what a step takes of each row or column, 4 bytes, in one place behind the other."""
    if values.dtype == np.float32 and group == 2:
        values = (values.view(np.uint32) >> 16).astype(np.uint16)
    if axis == 0:
        values = values.T
    return np.ascontiguousarray(values).view(np.uint32)  # [rows or columns, steps]


RUN = {
    "float32": (by_float32, 1),
    "flushed": (by_flushed, 1),
    "bfloat16": (by_bfloat16, 2),
    "int8": (by_int8, 4),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("rows", range(LEAST_ROWS, ROWS + 1))
@pytest.mark.parametrize("steps", [0, 1, 2, 7, 64])
@pytest.mark.parametrize("by_rows", [True, False])
@pytest.mark.parametrize("start", ["zeros", "a row", "the result"])
def test_a_tile_is_the_product(name, rows, steps, by_rows, start):
    run, group = RUN[name]
    left, right = operands(name, steps)
    sums = np.int32 if name == "int8" else np.float32
    a = grouped(left, group, 1)
    a = a if by_rows else np.ascontiguousarray(a.T)
    panel = np.ascontiguousarray(grouped(right, group, 0).T)
    out = np.full((ROWS, COLUMNS + 3), 5, sums)
    row = np.arange(COLUMNS, dtype=sums) * (start == "a row")
    places = (4 * steps, 4) if by_rows else (4, 4 * ROWS)
    wide = 4 * (COLUMNS + 3)
    begin = (out.ctypes.data, wide) if start == "the result" else (row.ctypes.data, 0)
    expected = left[:rows].astype(np.int64) @ right.astype(np.int64)
    expected = expected + (5 if start == "the result" else row)
    operand, place = a.ctypes.data, out.ctypes.data
    run(rows, operand, *places, panel.ctypes.data, steps, *begin, place, wide, operand)
    np.testing.assert_array_equal(out[:rows, :COLUMNS], expected)
    assert (out[:, COLUMNS:] == 5).all()
    assert (out[rows:] == 5).all()
