"""LayerNorm, alone and with the residual sum and dropout in front of it (post-norm).

`normalised` and `scales` (one over the deviation) are what the backward pass needs; the input of a
norm is not kept.

The mean is corrected by the mean of what it leaves: its own rounding would otherwise be seen in
rows that differ by little (values of 1.228 and 1.242 came out 9e-6 off).

References
----------
T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for Computing the Sample Variance" (1983).
J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization" (2016).
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.dropout import dropout_factors, kept
from tokpipe.bert.kernels.formulas import ONE, ZERO
from tokpipe.foundation.jit import FUSED_SUMS, inlined_sums, kernel
from tokpipe.foundation.seeds import child_key

Array = NDArray[np.floating]


def norm_forward_reference(
    x: Array, weight: Array, bias: Array, eps: float, normalised: Array, scales: Array, out: Array
) -> None:
    """Normalise each row, then scale and shift its columns.

    Parameters
    ----------
    x : float32[T, H]
        The rows; may be `normalised`.
    weight, bias : float32[H]
        Scale and shift of the columns.
    eps
        Added to the variance.
    normalised : float32[T, H]
        Rows of mean 0 and variance 1.
    scales : float32[T]
        What each row was multiplied by.
    out : float32[T, H]
        The result; may be `x`.
    """
    centred = (x - x.mean(1, np.float64, keepdims=True)).astype(x.dtype)
    scales[:] = 1 / np.sqrt((centred * centred).mean(1) + x.dtype.type(eps))
    normalised[:] = centred * scales[:, None]
    out[:] = normalised * weight + bias


@inlined_sums
def _finish_row(row, mean, weight, bias, eps, out):
    """Normalise a row in place, given its mean; return what it was multiplied by."""
    count = np.float32(len(row))
    rest, squares = ZERO, ZERO
    for j in range(len(row)):
        value = row[j] - mean
        row[j] = value
        rest += value
    rest /= count
    for j in range(len(row)):
        value = row[j] - rest
        row[j] = value
        squares += value * value
    scale = ONE / np.sqrt(squares / count + eps)
    for j in range(len(row)):
        value = row[j] * scale
        row[j] = value
        out[j] = value * weight[j] + bias[j]
    return scale


@kernel(reference=norm_forward_reference, rounding=FUSED_SUMS)
def norm_forward(x, weight, bias, eps, normalised, scales, out):
    count = np.float32(x.shape[1])
    for t in range(len(x)):
        source, row = x[t], normalised[t]
        total = ZERO
        for j in range(len(row)):
            row[j] = source[j]
            total += source[j]
        scales[t] = _finish_row(row, total / count, weight, bias, np.float32(eps), out[t])


def norm_backward_reference(
    gradient: Array,
    normalised: Array,
    scales: Array,
    weight: Array,
    into: Array,
    d_weight: Array,
    d_bias: Array,
) -> None:
    """Add the gradients of `norm_forward`.

    Parameters
    ----------
    gradient : float32[T, H]
        Of the result.
    normalised : float32[T, H]
        As kept.
    scales : float32[T]
        As kept.
    weight : float32[H]
        Scale of the columns.
    into : float32[T, H]
        Gradient of x, added to.
    d_weight, d_bias : float32[H]
        Gradients of scale and shift, added to.
    """
    d_weight += (gradient * normalised).sum(0)
    d_bias += gradient.sum(0)
    inner = gradient * weight
    along = (inner * normalised).mean(1, keepdims=True)
    into += (inner - inner.mean(1, keepdims=True) - normalised * along) * scales[:, None]


@inlined_sums
def _take_sums(source, row, weight, d_weight, d_bias):
    """Add the gradients of scale and shift; return the means that the row's gradient lacks."""
    count = np.float32(len(source))
    total, along = ZERO, ZERO
    for j in range(len(source)):
        value = source[j]
        d_weight[j] += value * row[j]
        d_bias[j] += value
        total += value * weight[j]
        along += value * weight[j] * row[j]
    return total / count, along / count


@kernel(reference=norm_backward_reference, rounding=FUSED_SUMS)
def norm_backward(gradient, normalised, scales, weight, into, d_weight, d_bias):
    for t in range(len(gradient)):
        source, row, target, scale = gradient[t], normalised[t], into[t], scales[t]
        total, along = _take_sums(source, row, weight, d_weight, d_bias)
        for j in range(len(source)):
            target[j] += (source[j] * weight[j] - total - row[j] * along) * scale


def sum_norm_forward_reference(
    x: Array,
    residual: Array,
    weight: Array,
    bias: Array,
    eps: float,
    key: np.uint64,
    threshold: np.uint32,
    scale: float,
    normalised: Array,
    scales: Array,
    out: Array,
) -> None:
    """Drop from x, add the residual, normalise.

    Parameters
    ----------
    x, residual : float32[T, H]
        What a layer made, and what it was made from.
    weight, bias, eps, normalised, scales, out
        As in `norm_forward`.
    key, threshold, scale
        Of the dropout.
    """
    factors = dropout_factors(key, x.shape, threshold, scale).astype(x.dtype)
    total = residual + x.astype(np.float64) * factors  # rounded once, as a fused product is
    norm_forward_reference(total.astype(x.dtype), weight, bias, eps, normalised, scales, out)


@kernel(reference=sum_norm_forward_reference, rounding=FUSED_SUMS)
def sum_norm_forward(
    x, residual, weight, bias, eps, key, threshold, scale, normalised, scales, out
):
    count, factor = np.float32(x.shape[1]), np.float32(scale)
    for t in range(len(x)):
        source, beside, row, row_key = x[t], residual[t], normalised[t], child_key(key, t)
        total = ZERO
        for j in range(len(row)):
            value = beside[j] + source[j] * kept(row_key, j, threshold, factor)
            row[j] = value
            total += value
        scales[t] = _finish_row(row, total / count, weight, bias, np.float32(eps), out[t])


def sum_norm_backward_reference(
    gradient: Array,
    normalised: Array,
    scales: Array,
    weight: Array,
    key: np.uint64,
    threshold: np.uint32,
    scale: float,
    d_residual: Array,
    d_x: Array,
    d_weight: Array,
    d_bias: Array,
    d_x_bias: Array,
) -> None:
    """Take the gradients of `sum_norm_forward`.

    Parameters
    ----------
    gradient : float32[T, H]
        Of the result.
    normalised, scales, weight
        As in `norm_backward`.
    key, threshold, scale
        Of the dropout, as before.
    d_residual, d_x : float32[T, H]
        Gradients of the two summands, written.
    d_weight, d_bias : float32[H]
        Gradients of scale and shift, added to.
    d_x_bias : float32[H]
        Gradient of the bias inside x, added to.
    """
    d_residual[:] = 0
    norm_backward_reference(gradient, normalised, scales, weight, d_residual, d_weight, d_bias)
    factors = dropout_factors(key, gradient.shape, threshold, scale)
    d_x[:] = d_residual * factors.astype(gradient.dtype)
    d_x_bias += d_x.sum(0)


@kernel(reference=sum_norm_backward_reference, rounding=FUSED_SUMS)
def sum_norm_backward(
    gradient, normalised, scales, weight, key, threshold, scale, d_residual, d_x, d_weight, d_bias,
    d_x_bias,
):  # fmt: skip
    factor = np.float32(scale)
    for t in range(len(gradient)):
        source, row, row_scale, row_key = gradient[t], normalised[t], scales[t], child_key(key, t)
        beside, target = d_residual[t], d_x[t]
        total, along = _take_sums(source, row, weight, d_weight, d_bias)
        for j in range(len(source)):
            value = (source[j] * weight[j] - total - row[j] * along) * row_scale
            beside[j] = value
            dropped = value * kept(row_key, j, threshold, factor)
            target[j] = dropped
            d_x_bias[j] += dropped
