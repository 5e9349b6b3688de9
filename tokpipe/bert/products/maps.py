"""A linear map carries what multiplies for it: layers ask the map, and know nothing of kinds."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, RIGHT, gemm
from tokpipe.bert.kernels import rows
from tokpipe.bert.twins import by_precision

Array = NDArray[np.floating]

_fill_rows = by_precision(rows.fill_rows)


class Products(Protocol):
    """The three products of a linear map ``y = x W^T + b``, of T rows."""

    def forward(self, x: Array, linear: "Linear", out: Array) -> None:
        """Write y, float32[T, out], from x, float32[T, in]."""
        ...

    def weight_gradient(self, x: Array, gradient: Array, d_linear: "Linear") -> None:
        """Add the gradient of W to ``d_linear.weight``, from that of y, float32[T, out]."""
        ...

    def input_gradient(self, gradient: Array, linear: "Linear", into: Array, add: bool) -> None:
        """Write the gradient of x, or add it to what is there."""
        ...


class Float32:
    """Products by BLAS; by NumPy where the arrays are float64."""

    def forward(self, x: Array, linear: "Linear", out: Array) -> None:
        """Write the bias first, which is 5 % of a prediction (MiniLM, Intel); add the product."""
        _fill_rows(linear.bias, out)
        gemm(x, linear.weight, out, transposed=RIGHT, add=True)

    def weight_gradient(self, x: Array, gradient: Array, d_linear: "Linear") -> None:
        """Add ``gradient^T x``."""
        gemm(gradient, x, d_linear.weight, transposed=LEFT, add=True)

    def input_gradient(self, gradient: Array, linear: "Linear", into: Array, add: bool) -> None:
        """Write or add ``gradient W``."""
        gemm(gradient, linear.weight, into, transposed=NOT, add=add)


FLOAT32 = Float32()


class Linear(NamedTuple):
    """A linear map: weight [out, in], bias [out], and what multiplies for it."""

    weight: Array
    bias: Array
    products: Products = FLOAT32
