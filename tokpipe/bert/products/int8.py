"""Products in 8 bits, for models that are only asked: weights by columns, activations by tokens.

What a map is given is measured once on a sample (`Watched`), which says three things of it. Its
mean is taken off each column and added to the bias again, in full. Columns that vary more than
others are made smaller and their weights larger, by the root of how much more they vary (as in
SmoothQuant). And a row of the weight in which one value is above 8 times the root of their mean
square is held by two rows of 8 bits, the second of which has what the first lost: some channels
of a BERT are so, and all else is lost beside them.

References
----------
G. Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language
Models" (ICML 2023); T. Dettmers et al., "LLM.int8()" (NeurIPS 2022), on outlying channels.
"""

from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.int8 import (
    DEEPEST,
    MOST,
    multiply_codes,
    pack_columns,
    quantise_rows,
)
from tokpipe.bert.products.maps import FLOAT32, Array, Linear, Rows
from tokpipe.foundation.product_intrinsics import ROWS

_BLOCK = 32 * ROWS  # rows at once: 0.2 to 1.4 MB of numbers, which stay in the second cache
_SLACK = 64  # bytes between rows, so that they do not all fall into the same lines of a cache
_SMALL = 16  # rows or columns of a weight that is left in float32: the classes of a head
_FAR = 8.0  # by how much the greatest weight of a row is above their root mean square
_LEAST_SHARE = 0.1  # of the usual deviation, which no column counts less than


class Columns(NamedTuple):
    """What a map was given: mean and deviation of each column, float64[in]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


class _Asked:
    """What products have in common by which nothing is learned: the weight does not change."""

    def gradient_in(self, y: Array) -> Rows:
        """Return y itself: where a loss is taken, its gradient is made, and not used."""
        return y

    def weight_gradient(self, x: Rows, gradient: Rows, d_linear: Linear) -> None:
        """Refuse."""
        raise _no_learning()

    def input_gradient(self, gradient: Rows, linear: Linear, into: Array, add: bool) -> None:
        """Refuse."""
        raise _no_learning()

    def for_attention(self) -> AbstractContextManager[tuple[str, int]]:
        """Lend what float32 has: attention is not made in 8 bits."""
        return FLOAT32.for_attention()


class Watched(_Asked):
    """Products in float32 that keep account of what is mapped. For one thread."""

    def __init__(self) -> None:
        self._rows = 0
        self._sums = np.zeros((2, 0))

    def forward(self, x: Rows, linear: Linear, out: Array) -> None:
        """Write y, and take account of x."""
        exact = x.astype(np.float64)
        found = np.stack([exact.sum(0), (exact * exact).sum(0)])
        self._sums = found if not self._rows else self._sums + found
        self._rows += len(x)
        FLOAT32.forward(x, linear, out)

    def columns(self) -> Columns | None:
        """Return what was seen; None if that was nothing, or no numbers."""
        if not self._rows or not np.isfinite(self._sums).all():
            return None
        mean, square = self._sums / self._rows
        return Columns(mean, np.sqrt(np.maximum(square - mean * mean, 0)))


class RowByRow(_Asked):
    """Products in float32 of a row at a time.

    BLAS may add in another order where there are other rows beside.
    """

    def forward(self, x: Rows, linear: Linear, out: Array) -> None:
        """Write y."""
        for row in range(len(x)):
            FLOAT32.forward(x[row : row + 1], linear, out[row : row + 1])


class Int8(_Asked):
    """Products of one weight in 8 bits; it may not change behind them.

    Parameters
    ----------
    weight : float32[out, in]
        The weight.
    seen
        What it was given.
    strength
        To which power of its deviation a column is made smaller: 0 leaves them all alike.
    """

    def __init__(self, weight: Array, seen: Columns, strength: float) -> None:
        usual = float(np.median(seen.deviation)) or 1.0
        grown = np.maximum(seen.deviation / usual, _LEAST_SHARE) ** strength
        self._factor = (1 / grown).astype(np.float32)
        self._shift = seen.mean.astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            self._offset = (weight.astype(np.float64) @ self._shift).astype(np.float32)
        self._columns = quantised_columns(weight / self._factor)

    def forward(self, x: Rows, linear: Linear, out: Array) -> None:
        """Write y, from rows that are rounded to 8 bits; the bias is added in float32."""
        bias = linear.bias + self._offset
        with _lent(x.shape[1]) as rows:
            for start in range(0, len(x), _BLOCK):
                quantise_rows(x[start : start + _BLOCK], self._shift, self._factor, *rows)
                multiply_codes(*rows, *self._columns, bias, out[start : start + _BLOCK])


class QuantisedColumns(NamedTuple):
    """A weight as right operand; see `multiply_codes`."""

    panels: NDArray[np.int8]  # int8[P, S, 32, 4]
    scales: NDArray[np.float32]  # float32[32 P]
    sums: NDArray[np.int32]  # int32[32 P]
    seconds: NDArray[np.int32]  # int32[E]


def quantised_columns(weight: Array) -> QuantisedColumns:
    """Return the rows of a weight, float32[N, K], as columns of a right operand."""
    with np.errstate(invalid="ignore", over="ignore"):
        first, scale = _nearest(weight)
        greatest = np.abs(weight).max(1)
        usual = np.sqrt(np.mean(np.square(weight, dtype=np.float64), 1))
        seconds = np.flatnonzero(greatest > _FAR * usual).astype(np.int32)
        lost = weight[seconds] - first[seconds] * scale[seconds, None]
        second, finer = _nearest(lost)
    parts = [pack_columns(first)] + ([pack_columns(second)] if len(seconds) else [])
    panels = np.concatenate(parts)
    scales = np.zeros(panels.shape[0] * panels.shape[2], np.float32)
    scales[: len(scale)] = scale
    behind = parts[0].shape[0] * panels.shape[2]
    scales[behind : behind + len(finer)] = finer
    sums = panels.sum((1, 3), dtype=np.int32).reshape(-1)
    return QuantisedColumns(panels, scales, sums, seconds)


def _nearest(rows: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows as numbers of 8 bits and the scale of each: 0 of zeros, NaN of what is none."""
    greatest = np.abs(rows).max(1, initial=0)
    scale = (greatest / MOST).astype(np.float32)
    is_plain = np.isfinite(scale) & (scale > np.finfo(np.float32).tiny)
    numbers = np.rint(rows / np.where(is_plain, scale, 1)[:, None])
    numbers = np.where(is_plain[:, None], np.clip(numbers, -MOST, MOST), 0)
    lost = np.where(np.isfinite(greatest), np.float32(0), np.float32(np.nan))
    return numbers.astype(np.int8), np.where(is_plain, scale, lost).astype(np.float32)


def is_left_to_float32(weight: Array) -> bool:
    """Return whether a weight is no matter for 8 bits: of few classes, or of too many columns."""
    return weight.dtype != np.float32 or min(weight.shape) < _SMALL or weight.shape[1] > DEEPEST


class _Rows(NamedTuple):
    """Memory for a block of rows in 8 bits."""

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zeros: NDArray[np.int32]


# A block of rows for each product at the same time: threads come and go.
_free: deque[_Rows] = deque()


@contextmanager
def _lent(depth: int) -> Generator[_Rows]:
    """Lend memory for rows of a depth that no other product has meanwhile."""
    row = -(-depth // 64) * 64 + _SLACK
    try:
        rows = _free.pop()
    except IndexError:
        rows = _Rows(np.zeros(0, np.uint8), np.zeros(_BLOCK, np.float32), np.zeros(_BLOCK, "i4"))
    if rows.codes.size < _BLOCK * row:
        rows = rows._replace(codes=np.zeros(_BLOCK * row, np.uint8))
    yield rows._replace(codes=rows.codes[: _BLOCK * row].reshape(_BLOCK, row))
    _free.append(rows)


def _no_learning() -> ValueError:
    return ValueError("products in 8 bits are for models that are only asked")
