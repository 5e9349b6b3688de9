"""Products in bfloat16 with float32 sums, of float32 arrays.

Weights, gradients and activations stay float32: rounded is what a product takes, and no sum.
"""

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, RIGHT, sgemm_address
from tokpipe.bert.kernels.panels import multiply_in_bfloat16, new_scratch, scratch_address
from tokpipe.bert.products.maps import FLOAT32, Array, Linear, Products

_SMALL = 16  # rows, columns or depth of a product that is left to sgemm: a tile is 14 x 32
_NO_BIAS = np.empty(0, np.float32)
# Memory for blocks of operands, 2.6 MB for each product at the same time: threads come and go.
_free: deque[NDArray[np.uint8]] = deque()


class Bfloat16:
    """Products by our own kernel; by BLAS where there are only a few rows."""

    def forward(self, x: Array, linear: Linear, out: Array) -> None:
        """Write y; sums begin with the bias."""
        if len(x) < _SMALL:
            FLOAT32.forward(x, linear, out)
            return
        with _scratch() as scratch:
            multiply_in_bfloat16(x, linear.weight, linear.bias, RIGHT, False, out, scratch)

    def weight_gradient(self, x: Array, gradient: Array, d_linear: Linear) -> None:
        """Add ``gradient^T x``."""
        if len(x) < _SMALL:
            FLOAT32.weight_gradient(x, gradient, d_linear)
            return
        with _scratch() as scratch:
            multiply_in_bfloat16(gradient, x, _NO_BIAS, LEFT, True, d_linear.weight, scratch)

    def input_gradient(self, gradient: Array, linear: Linear, into: Array, add: bool) -> None:
        """Write or add ``gradient W``."""
        if len(gradient) < _SMALL:
            FLOAT32.input_gradient(gradient, linear, into, add)
            return
        with _scratch() as scratch:
            multiply_in_bfloat16(gradient, linear.weight, _NO_BIAS, NOT, add, into, scratch)


_BFLOAT16 = Bfloat16()


def for_weight(weight: Array) -> Products:
    """Return what multiplies for a weight, or its gradient: BLAS where a side is short."""
    is_left_to_blas = weight.dtype != np.float32 or min(weight.shape) < _SMALL
    return FLOAT32 if is_left_to_blas else _BFLOAT16


@contextmanager
def address_for_attention(products: Products) -> Generator[int]:
    """Lend what attention multiplies by, beside maps that have such products: see its kernels."""
    if isinstance(products, Bfloat16):
        with _scratch() as scratch:
            yield -scratch
    else:
        yield sgemm_address()


@contextmanager
def _scratch() -> Generator[int]:
    """Lend memory that no other product has meanwhile: its address."""
    try:
        scratch = _free.pop()
    except IndexError:
        scratch = new_scratch()
    yield scratch_address(scratch)
    _free.append(scratch)
