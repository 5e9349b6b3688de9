"""Products in 8 bits with exact sums (AVX512_VNNI), of rows that are float32.

A row of the left operand becomes whole numbers from 0 to 255 with a scale of its own and a zero
of its own, so that its least and its greatest value are both reached. The right operand stands in
panels, ``int8[P, S, 32, 4]``: P panels of 32 columns, S steps of four rows of depth, of each column
its four numbers side by side; what is not there is zero. A column has a scale, and the sum of its
numbers, by which the zero of a row is taken off again. A column whose numbers are too far apart for
8 bits has a second one behind all others, which holds what the first lost.

Sums are whole numbers, so their order does not matter, and what follows is of each value alone: a
row of a product is the same whatever other rows there are.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.float_intrinsics import from_order_key, nearest_integer, order_key
from tokpipe.foundation.jit import kernel
from tokpipe.foundation.product_intrinsics import COLUMNS, GROUP, ROWS, multiply_int8

MOST = 127  # of a number in the panels, either sign
DEEPEST = 1 << 15  # rows of depth: 2 * 255 * 127 times as much is still an int32
_LEVELS = np.float32(255)
_LEAST = np.float32(2.0**-120)  # a scale below stands for a row of zeros: one over it is infinite
_PANEL_STEP = GROUP * COLUMNS
_INFINITY = np.float32(np.inf)


def quantise_rows_reference(
    x: NDArray[np.float32],
    shift: NDArray[np.float32],
    factor: NDArray[np.float32],
    codes: NDArray[np.uint8],
    scales: NDArray[np.float32],
    zeros: NDArray[np.int32],
) -> None:
    """Write rows as numbers of 8 bits: a value is ``scale * (code - zero)``.

    A row that holds NaN or an infinity gets the scale NaN, so that all that is made of it is NaN.

    Parameters
    ----------
    x : float32[T, K]
        The rows.
    shift, factor : float32[K]
        What is taken off each column first, and what it is then multiplied by.
    codes : uint8[T or more, K or more]
        The numbers; what is beyond T and K is left as it is.
    scales : float32[T or more]
        Of each row; 0 for one of zeros.
    zeros : int32[T or more]
        What stands for zero in each row.
    """
    count, depth = x.shape
    with np.errstate(invalid="ignore", over="ignore"):
        values = (x - shift) * factor
        low = np.minimum(values.min(1), np.float32(0))
        high = np.maximum(values.max(1), np.float32(0))
        scale = (high - low) / _LEVELS
    is_known, is_some = scale < _INFINITY, scale >= _LEAST
    per_one = np.float32(1) / np.where(is_known & is_some, scale, np.float32(1))
    zero = np.rint(-np.where(is_known, low, np.float32(0)) * per_one)
    found = np.rint(np.where(is_known[:, None], values, np.float32(0)) * per_one[:, None])
    has_codes = is_known & is_some
    whole = np.clip(found.astype(np.int32) + zero[:, None].astype(np.int32), 0, 255)
    codes[:count, :depth] = np.where(has_codes[:, None], whole, 0)
    zeros[:count] = np.where(has_codes, zero, 0)
    scales[:count] = np.where(is_known, np.where(is_some, scale, 0), np.float32(np.nan))


@kernel(reference=quantise_rows_reference)
def quantise_rows(x, shift, factor, codes, scales, zeros):
    depth = x.shape[1]
    values = np.empty(depth, np.float32)
    none = order_key(np.float32(0))
    for t in range(len(x)):
        row, code = x[t], codes[t]
        least, greatest = none, none
        for k in range(depth):
            value = (row[k] - shift[k]) * factor[k]
            values[k] = value
            key = order_key(value)
            least, greatest = min(least, key), max(greatest, key)
        low, high = from_order_key(least), from_order_key(greatest)
        scale = (high - low) / _LEVELS
        if not scale < _INFINITY or scale < _LEAST:
            scales[t] = np.float32(0) if scale < _LEAST else np.float32(np.nan)
            zeros[t] = 0
            code[:depth] = 0
            continue
        per_one = np.float32(1) / scale
        zero = np.int32(nearest_integer(-low * per_one))
        scales[t], zeros[t] = scale, zero
        for k in range(depth):
            whole = np.int32(np.int32(nearest_integer(values[k] * per_one)) + zero)
            code[k] = np.uint8(min(max(whole, np.int32(0)), np.int32(255)))


def pack_columns(matrix: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the panels of a right operand, int8[P, S, 32, 4], whose columns are the rows here.

    Parameters
    ----------
    matrix : int8[N, K]
        The operand's columns.
    """
    columns, depth = matrix.shape
    count, steps = -(-columns // COLUMNS), -(-depth // GROUP)
    whole = np.zeros((count * COLUMNS, steps * GROUP), np.int8)
    whole[:columns, :depth] = matrix
    by_panel = whole.reshape(count, COLUMNS, steps, GROUP).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(by_panel)


def multiply_codes_reference(
    codes: NDArray[np.uint8],
    scales: NDArray[np.float32],
    zeros: NDArray[np.int32],
    panels: NDArray[np.int8],
    panel_scales: NDArray[np.float32],
    panel_sums: NDArray[np.int32],
    seconds: NDArray[np.int32],
    bias: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Multiply rows in 8 bits by an operand in panels.

    Parameters
    ----------
    codes : uint8[R, L]
        The rows, as `quantise_rows` has them; R is a multiple of 14, or more than M by 13, and L at
        least the depth of the panels: beyond their own values anything may stand there.
    scales, zeros : float32[R], int32[R]
        Of the rows.
    panels : int8[P, S, 32, 4]
        Columns 0 to N - 1, and in panels of their own the second columns.
    panel_scales, panel_sums : float32[32 P], int32[32 P]
        Scale of each column, and the sum of its numbers.
    seconds : int32[E]
        To which columns the second ones belong.
    bias : float32[N]
        What is added to each row.
    out : float32[M, N]
        The product.
    """
    (rows, columns), (count, steps) = out.shape, panels.shape[:2]
    matrix = panels.transpose(1, 3, 0, 2).reshape(steps * GROUP, count * COLUMNS)
    sums = codes[:rows, : steps * GROUP].astype(np.int64) @ matrix.astype(np.int64)
    whole = (sums - zeros[:rows, None].astype(np.int64) * panel_sums).astype(np.int32)
    with np.errstate(invalid="ignore"):
        values = whole.astype(np.float32) * panel_scales * scales[:rows, None]
        out[:] = values[:, :columns] + bias
        first = -(-columns // COLUMNS) * COLUMNS
        out[:, seconds] += values[:, first : first + len(seconds)]


@kernel(reference=multiply_codes_reference)
def multiply_codes(
    codes, scales, zeros, panels, panel_scales, panel_sums, seconds, bias, out
):  # fmt: skip
    (rows, columns), steps = out.shape, panels.shape[1]
    tile, nothing = np.empty((ROWS, COLUMNS), np.int32), np.zeros(COLUMNS, np.int32)
    left, left_row = codes.ctypes.data, codes.shape[1]
    after = -(-columns // COLUMNS)  # the panels of the second columns
    for panel in range(len(panels)):
        right = panels.ctypes.data + panel * steps * _PANEL_STEP
        first, has_seconds = panel * COLUMNS, panel >= after
        width = (len(seconds) + after * COLUMNS if has_seconds else columns) - first
        width = min(width, COLUMNS)
        of_columns = panel_scales[first : first + width]
        off = panel_sums[first : first + width]
        for i in range(0, rows, ROWS):
            multiply_int8(
                ROWS, left + i * left_row, left_row, GROUP, right, steps,
                nothing.ctypes.data, 0, tile.ctypes.data, _PANEL_STEP, left + (i + ROWS) * left_row,
            )  # fmt: skip
            for t in range(i, min(i + ROWS, rows)):
                scale, zero, sums = scales[t], zeros[t], tile[t - i]
                if has_seconds:
                    for j in range(width):
                        whole = np.int32(sums[j] - zero * off[j])
                        column = seconds[first - after * COLUMNS + j]
                        out[t, column] += np.float32(whole) * of_columns[j] * scale
                else:
                    made, start = out[t, first : first + width], bias[first : first + width]
                    for j in range(width):
                        whole = np.int32(sums[j] - zero * off[j])
                        made[j] = np.float32(whole) * of_columns[j] * scale + start[j]
    _ = codes.size + panels.size + tile.size + nothing.size  # still in use
