"""Linear maps: y = x W^T + b, and their gradients."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels import rows
from tokpipe.bert.products.maps import Linear, Rows
from tokpipe.bert.twins import by_precision

Array = NDArray[np.floating]

add_column_sums = by_precision(rows.add_column_sums)


def linear_forward(x: Rows, linear: Linear, out: Array) -> None:
    """Map rows.

    Parameters
    ----------
    x : float32[T, in]
        The rows; bfloat16, where the products take that.
    linear
        The map.
    out : float32[T, out]
        The result.
    """
    linear.products.forward(x, linear, out)


def weight_backward(x: Rows, gradient: Rows, d_linear: Linear) -> None:
    """Add the gradient of the weight; that of the bias is summed where `gradient` is made.

    Parameters
    ----------
    x : float32[T, in]
        What was mapped; bfloat16, where the products take that.
    gradient : float32[T, out]
        Of the result; bfloat16 likewise.
    d_linear
        Gradients of the map; that of its weight is added to.
    """
    d_linear.products.weight_gradient(x, gradient, d_linear)


def input_backward(gradient: Rows, linear: Linear, into: Array, *, add: bool = False) -> None:
    """Take the gradient of what was mapped.

    Parameters
    ----------
    gradient : float32[T, out]
        Of the result; bfloat16, where the products take that.
    linear
        The map.
    into : float32[T, in]
        Gradient of x, written or added to.
    add
        Whether to add.
    """
    linear.products.input_gradient(gradient, linear, into, add)
