"""Activations: what they make of a value, and their slopes.

Forward keeps only the values before the activation; backward makes the activation once more, for
the product that needs it, so that the widest array of a layer is stored once and not twice.

References
----------
D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units" (2016): gelu and its tanh form, gelu_new.
S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-Weighted Linear Units" (2018): silu.
D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Exponential Linear Units" (2016): elu.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from tokpipe.bert.kernels.formulas import (
    HALF,
    ONE,
    ZERO,
    error_function,
    exponential,
    hyperbolic_tangent,
    logistic,
)
from tokpipe.foundation.jit import FUSED, inlined_formula, kernel

Array = NDArray[np.floating]
Pair = Callable[[Array], tuple[Array, Array]]

_ROOT_HALF = np.float32(np.sqrt(0.5))
_BELL = np.float32(1 / np.sqrt(2 * np.pi))
_ROOT_2_PI = np.float32(np.sqrt(2 / np.pi))
_CUBE, _CUBE_3 = np.float32(0.044715), np.float32(3 * 0.044715)


def _forward_twin(pair: Pair) -> Callable[..., None]:
    def forward(before: Array, out: Array) -> None:
        """Apply an activation.

        Parameters
        ----------
        before : float32[T, F]
            The values.
        out : float32[T, F]
            What the activation makes of them.
        """
        out[:] = pair(before)[0]

    return forward


def _backward_twin(pair: Pair) -> Callable[..., None]:
    def backward(before: Array, gradient: Array, out: Array, d_bias: Array) -> None:
        """Take the gradient of an activation, and apply it once more.

        Parameters
        ----------
        before : float32[T, F]
            The values.
        gradient : float32[T, F]
            Of the result; becomes that of the values.
        out : float32[T, F]
            What the activation makes of them, written again.
        d_bias : float32[F]
            Gradient of the bias inside the values, added to.
        """
        value, slope = pair(before)
        out[:] = value
        gradient *= slope
        d_bias += gradient.sum(0)

    return backward


def _gelu_reference(x: Array) -> tuple[Array, Array]:
    share = 0.5 * (1 + erf(x * np.sqrt(0.5)))
    bell = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return x * share, share + x * bell


@inlined_formula
def _gelu(x):
    share = HALF + HALF * error_function(x * _ROOT_HALF)
    return x * share, share + x * _BELL * exponential(-HALF * x * x)


@kernel(reference=_forward_twin(_gelu_reference), rounding=FUSED)
def gelu_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _gelu(row[j])[0]


@kernel(reference=_backward_twin(_gelu_reference), rounding=FUSED)
def gelu_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _gelu(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _gelu_new_reference(x: Array) -> tuple[Array, Array]:
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


@inlined_formula
def _gelu_new(x):
    t = hyperbolic_tangent(_ROOT_2_PI * (x + _CUBE * x * x * x))
    share = HALF + HALF * t
    return x * share, share + HALF * x * (ONE - t * t) * _ROOT_2_PI * (ONE + _CUBE_3 * x * x)


@kernel(reference=_forward_twin(_gelu_new_reference), rounding=FUSED)
def gelu_new_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _gelu_new(row[j])[0]


@kernel(reference=_backward_twin(_gelu_new_reference), rounding=FUSED)
def gelu_new_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _gelu_new(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _relu_reference(x: Array) -> tuple[Array, Array]:
    return np.where(x > 0, x, x * 0), (x > 0).astype(x.dtype)


@inlined_formula
def _relu(x):
    return (x, ONE) if x > ZERO else (x * ZERO, ZERO)


@kernel(reference=_forward_twin(_relu_reference), rounding=FUSED)
def relu_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _relu(row[j])[0]


@kernel(reference=_backward_twin(_relu_reference), rounding=FUSED)
def relu_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _relu(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _silu_reference(x: Array) -> tuple[Array, Array]:
    share = 0.5 + 0.5 * np.tanh(0.5 * x)
    return x * share, share * (1 + x * (1 - share))


@inlined_formula
def _silu(x):
    share = logistic(x)
    return x * share, share * (ONE + x * (ONE - share))


@kernel(reference=_forward_twin(_silu_reference), rounding=FUSED)
def silu_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _silu(row[j])[0]


@kernel(reference=_backward_twin(_silu_reference), rounding=FUSED)
def silu_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _silu(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _tanh_reference(x: Array) -> tuple[Array, Array]:
    t = np.tanh(x)
    return t, 1 - t * t


@inlined_formula
def _tanh(x):
    t = hyperbolic_tangent(x)
    return t, ONE - t * t


@kernel(reference=_forward_twin(_tanh_reference), rounding=FUSED)
def tanh_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _tanh(row[j])[0]


@kernel(reference=_backward_twin(_tanh_reference), rounding=FUSED)
def tanh_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _tanh(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _sigmoid_reference(x: Array) -> tuple[Array, Array]:
    share = 0.5 + 0.5 * np.tanh(0.5 * x)
    return share, share * (1 - share)


@inlined_formula
def _sigmoid(x):
    share = logistic(x)
    return share, share * (ONE - share)


@kernel(reference=_forward_twin(_sigmoid_reference), rounding=FUSED)
def sigmoid_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _sigmoid(row[j])[0]


@kernel(reference=_backward_twin(_sigmoid_reference), rounding=FUSED)
def sigmoid_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _sigmoid(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _elu_reference(x: Array) -> tuple[Array, Array]:
    power = np.exp(np.minimum(x, 0))
    return np.where(x > 0, x, power - 1), power


@inlined_formula
def _elu(x):
    power = exponential(x if x < ZERO else ZERO)
    return (x, ONE) if x > ZERO else (power - ONE, power)


@kernel(reference=_forward_twin(_elu_reference), rounding=FUSED)
def elu_forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = _elu(row[j])[0]


@kernel(reference=_backward_twin(_elu_reference), rounding=FUSED)
def elu_backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = _elu(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


# What `hidden_act` may be: forward and backward
ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "gelu": (gelu_forward, gelu_backward),
    "gelu_new": (gelu_new_forward, gelu_new_backward),
    "relu": (relu_forward, relu_backward),
    "silu": (silu_forward, silu_backward),
    "tanh": (tanh_forward, tanh_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "elu": (elu_forward, elu_backward),
}
