"""Linear maps: y = x W^T + b, and their gradients."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, NOT, RIGHT, gemm
from tokpipe.bert.kernels import rows
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear

Array = NDArray[np.floating]

fill_rows = by_precision(rows.fill_rows)
add_column_sums = by_precision(rows.add_column_sums)


def linear_forward(x: Array, weights: Linear, out: Array) -> None:
    """Map rows: the bias is written first and the product added to it, which costs BLAS nothing.

    Parameters
    ----------
    x : float32[T, in]
        The rows.
    weights
        Weight [out, in] and bias [out].
    out : float32[T, out]
        The result.
    """
    fill_rows(weights.bias, out)
    gemm(x, weights.weight, out, transposed=RIGHT, add=True)


def weight_backward(x: Array, gradient: Array, d_weight: Array) -> None:
    """Add the gradient of the weight; that of the bias is summed where `gradient` is made.

    Parameters
    ----------
    x : float32[T, in]
        What was mapped.
    gradient : float32[T, out]
        Of the result.
    d_weight : float32[out, in]
        Gradient of the weight, added to.
    """
    gemm(gradient, x, d_weight, transposed=LEFT, add=True)


def input_backward(gradient: Array, weight: Array, into: Array, *, add: bool = False) -> None:
    """Take the gradient of what was mapped.

    Parameters
    ----------
    gradient : float32[T, out]
        Of the result.
    weight : float32[out, in]
        Of the map.
    into : float32[T, in]
        Gradient of x, written or added to.
    add
        Whether to add.
    """
    gemm(gradient, weight, into, transposed=NOT, add=add)
