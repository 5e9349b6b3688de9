"""A linear map carries what multiplies for it: layers ask the map, and know nothing of kinds."""

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, RIGHT, gemm, sgemm_address
from tokpipe.bert.kernels import rows
from tokpipe.bert.kernels.bfloat16 import to_float32
from tokpipe.bert.kernels.own_attention import BY_SGEMM
from tokpipe.bert.twins import by_precision

Array = NDArray[np.floating]
Rows = Array | NDArray[np.uint16]  # what is mapped; in bfloat16 where products take that

_fill_rows = by_precision(rows.fill_rows)


class Products(Protocol):
    """The three products of a linear map ``y = x W^T + b``, of T rows.

    x is float32[T, in], or uint16[T, in or more] where bfloat16 is what products make of it, and so
    is the gradient of y.
    """

    def forward(self, x: Rows, linear: "Linear", out: Array) -> None:
        """Write y, float32[T, out]."""
        ...

    def gradient_in(self, y: Array) -> Rows:
        """Return the memory of y, as its gradient may be written there."""
        ...

    def weight_gradient(self, x: Rows, gradient: Rows, d_linear: "Linear") -> None:
        """Add the gradient of W to ``d_linear.weight``, from that of y."""
        ...

    def input_gradient(self, gradient: Rows, linear: "Linear", into: Array, add: bool) -> None:
        """Write the gradient of x, or add it to what is there."""
        ...

    def for_attention(self) -> AbstractContextManager[tuple[str, int]]:
        """Say which kernels of attention multiply in the same way, and lend their address."""
        ...


class Float32:
    """Products by BLAS; by NumPy where the arrays are float64."""

    def forward(self, x: Rows, linear: "Linear", out: Array) -> None:
        """Write the bias first, and add the product.

        Without it a prediction would take 2 % less time (MiniLM, Intel).
        """
        _fill_rows(linear.bias, out)
        inputs = linear.weight.shape[1]
        gemm(_floats(x, inputs), linear.weight, out, transposed=RIGHT, add=True)

    def gradient_in(self, y: Array) -> Rows:
        """Return y itself."""
        return y

    def weight_gradient(self, x: Rows, gradient: Rows, d_linear: "Linear") -> None:
        """Add ``gradient^T x``."""
        outputs, inputs = d_linear.weight.shape
        one, other = _floats(gradient, outputs), _floats(x, inputs)
        gemm(one, other, d_linear.weight, transposed=LEFT, add=True)

    def input_gradient(self, gradient: Rows, linear: "Linear", into: Array, add: bool) -> None:
        """Write or add ``gradient W``."""
        outputs = len(linear.weight)
        gemm(_floats(gradient, outputs), linear.weight, into, transposed=NOT, add=add)

    def for_attention(self) -> AbstractContextManager[tuple[str, int]]:
        """Lend the address of SGEMM."""
        return nullcontext((BY_SGEMM, sgemm_address()))


def _floats(x: Rows, width: int) -> Array:
    if x.dtype != np.uint16:
        return cast(Array, x)
    return to_float32(cast(NDArray[np.uint16], x)[:, :width])


FLOAT32 = Float32()


class Linear(NamedTuple):
    """A linear map: weight [out, in], bias [out], and what multiplies for it."""

    weight: Array
    bias: Array
    products: Products = FLOAT32
