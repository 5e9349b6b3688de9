"""Products in bfloat16 with float32 sums, of float32 arrays: weights stand in panels.

The weights, gradients and activations stay float32: rounded is what a product takes, and no sum.
Panels are made for the way forward, where a weight would have to be turned each time. On the way
back it is rounded as it is used, which is a hundredth of the product with 500 rows and more, and
saves half of the memory for panels.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, sgemm_address
from tokpipe.bert.kernels.panels import (
    multiply_both,
    multiply_panels,
    new_panels,
    new_scratch,
    pack_panels,
    scratch_address,
)
from tokpipe.bert.products.maps import FLOAT32, Array, Linear, Products

_SMALL = 16  # rows, columns or depth of a product that is left to sgemm: a tile is 14 x 32
_PART = 1 << 20  # values of a weight that are packed at once, about a millisecond
# Memory for blocks of operands, 3 MB for each product at the same time: threads come and go.
_free: deque[NDArray[np.uint8]] = deque()


class Bfloat16:
    """Products of one weight, which has to be told when the weight has changed.

    Parameters
    ----------
    weight : float32[out, in]
        The weight; None: of a gradient, which is only added to.
    """

    def __init__(self, weight: Array | None) -> None:
        self._weight = weight
        self._panels = None
        if weight is not None:
            out, into = weight.shape
            self._panels = new_panels(out, into)  # of the weight's transpose
            for renew in self.parts():
                renew()

    def parts(self) -> list[Callable[[], None]]:
        """Return what renews the panels, in parts that threads may share."""
        if self._weight is None or self._panels is None:
            return []
        count, step = len(self._panels), max(1, _PART // self._panels[0].size)
        return [
            partial(_pack, self._weight, self._panels, first, min(first + step, count))
            for first in range(0, count, step)
        ]

    def forward(self, x: Array, linear: Linear, out: Array) -> None:
        """Write y; sums begin with the bias."""
        if len(x) < _SMALL:
            FLOAT32.forward(x, linear, out)
            return
        assert self._panels is not None, "a gradient maps nothing"
        with _scratch() as scratch:
            multiply_panels(x, self._panels, linear.bias, False, out, scratch)

    def weight_gradient(self, x: Array, gradient: Array, d_linear: Linear) -> None:
        """Add ``gradient^T x``."""
        if len(x) < _SMALL:
            FLOAT32.weight_gradient(x, gradient, d_linear)
            return
        with _scratch() as scratch:
            multiply_both(gradient, x, LEFT, True, d_linear.weight, scratch)

    def input_gradient(self, gradient: Array, linear: Linear, into: Array, add: bool) -> None:
        """Write or add ``gradient W``."""
        if len(gradient) < _SMALL:
            FLOAT32.input_gradient(gradient, linear, into, add)
            return
        with _scratch() as scratch:
            multiply_both(gradient, linear.weight, NOT, add, into, scratch)


_GRADIENT = Bfloat16(None)


def of_weight(weight: Array) -> Products:
    """Return the products of a weight."""
    return FLOAT32 if _is_left_to_sgemm(weight) else Bfloat16(weight)


def of_gradient(weight: Array) -> Products:
    """Return the products of the gradient of a weight."""
    return FLOAT32 if _is_left_to_sgemm(weight) else _GRADIENT


@contextmanager
def address_for_attention(products: Products) -> Generator[int]:
    """Lend what attention multiplies by, beside maps that have such products: see its kernels."""
    if isinstance(products, Bfloat16):
        with _scratch() as scratch:
            yield -scratch
    else:
        yield sgemm_address()


def _is_left_to_sgemm(weight: Array) -> bool:
    return weight.dtype != np.float32 or min(weight.shape) < _SMALL


def _pack(weight: Array, panels: NDArray[np.uint16], first: int, last: int) -> None:
    with _scratch() as scratch:
        pack_panels(weight, True, panels, scratch, first, last)


@contextmanager
def _scratch() -> Generator[int]:
    """Lend memory that no other product has meanwhile: its address."""
    try:
        scratch = _free.pop()
    except IndexError:
        scratch = new_scratch()
    yield scratch_address(scratch)
    _free.append(scratch)
