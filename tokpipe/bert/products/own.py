"""Products by our own micro-kernels: in float32, or in bfloat16 with float32 sums.

Weights, gradients and activations are float32 with either, but for what is made to be multiplied
alone (the inner activation, the gradient of logits): rounded is what a product takes, and no sum.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, RIGHT
from tokpipe.bert.kernels import bfloat16, float32
from tokpipe.bert.kernels.blocks import new_scratch, scratch_address
from tokpipe.bert.kernels.own_attention import BY_PAIRS, BY_SINGLES, IN_FLOAT32
from tokpipe.bert.products.maps import FLOAT32, Array, Linear, Products, Rows

_SMALL = 16  # rows, columns or depth of a product that is left to sgemm: a tile is 14 x 32
_NO_BIAS = np.empty(0, np.float32)


class Own:
    """Products by a kernel of ours; by BLAS where there are only a few rows.

    Parameters
    ----------
    multiply
        The kernel: `kernels.float32.multiply_in_float32`, or one with the same parameters.
    scratch_bytes
        How much memory it takes for blocks of operands.
    way
        The kernels of attention that make their products so: of `own_attention.WAYS`.
    """

    def __init__(self, multiply: Callable[..., Any], scratch_bytes: int, way: str) -> None:
        self._multiply, self._scratch_bytes, self._way = multiply, scratch_bytes, way
        # for each product at the same time: threads come and go
        self._free: deque[NDArray[np.uint8]] = deque()

    def forward(self, x: Rows, linear: Linear, out: Array) -> None:
        """Write y; sums begin with the bias."""
        if len(x) < _SMALL:
            FLOAT32.forward(x, linear, out)
            return
        x, halves = _taken(x, LEFT)
        with self._scratch() as scratch:
            self._multiply(x, linear.weight, linear.bias, RIGHT, False, out, scratch, halves)

    def gradient_in(self, y: Array) -> Rows:
        """Return y, seen as bfloat16 where that is multiplied."""
        return y if self._way == IN_FLOAT32 else y.view(np.uint16)

    def weight_gradient(self, x: Rows, gradient: Rows, d_linear: Linear) -> None:
        """Add ``gradient^T x``."""
        if len(x) < _SMALL:
            FLOAT32.weight_gradient(x, gradient, d_linear)
            return
        (one, left), (other, right) = _taken(gradient, LEFT), _taken(x, RIGHT)
        into, halves = d_linear.weight, left | right
        with self._scratch() as scratch:
            self._multiply(one, other, _NO_BIAS, LEFT, True, into, scratch, halves)

    def input_gradient(self, gradient: Rows, linear: Linear, into: Array, add: bool) -> None:
        """Write or add ``gradient W``."""
        if len(gradient) < _SMALL:
            FLOAT32.input_gradient(gradient, linear, into, add)
            return
        one, halves = _taken(gradient, LEFT)
        with self._scratch() as scratch:
            self._multiply(one, linear.weight, _NO_BIAS, NOT, add, into, scratch, halves)

    @contextmanager
    def for_attention(self) -> Generator[tuple[str, int]]:
        """Lend scratch memory to the kernels of attention, and say which these are."""
        with self._scratch() as scratch:
            yield self._way, scratch

    @contextmanager
    def _scratch(self) -> Generator[int]:
        """Lend memory that no other product has meanwhile: its address."""
        try:
            scratch = self._free.pop()
        except IndexError:
            scratch = new_scratch(self._scratch_bytes)
        yield scratch_address(scratch)
        self._free.append(scratch)


def _taken(x: Rows, operand: int) -> tuple[Array, int]:
    """Return an operand as kernels take it, and whether it is bfloat16: `operand`, or 0."""
    return (x.view(np.float32), operand) if x.dtype == np.uint16 else (cast(Array, x), 0)


OWN_FLOAT32 = Own(float32.multiply_in_float32, float32.BLOCKS.scratch_bytes, IN_FLOAT32)
BFLOAT16_PAIRS = Own(bfloat16.multiply_by_pairs, bfloat16.PAIRS.scratch_bytes, BY_PAIRS)
BFLOAT16_SINGLES = Own(bfloat16.multiply_by_singles, bfloat16.SINGLES.scratch_bytes, BY_SINGLES)


def own_or_blas(own: Own, weight: Array) -> Products:
    """Return what multiplies for a weight, or its gradient: BLAS where a side is short."""
    is_left_to_blas = weight.dtype != np.float32 or min(weight.shape) < _SMALL
    return FLOAT32 if is_left_to_blas else own
