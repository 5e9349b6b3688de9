"""Activations: what they make of a value, and their slopes.

Forward keeps only the values before the activation; backward makes the activation once more, for
the product that needs it, so that the widest array of a layer is stored once and not twice.

An activation is a formula that returns value and slope, its NumPy twin, and a line in `_FORMULAS`;
its two kernels are made of them. `tokpipe.bert.config.HIDDEN_ACTS` has its name.

References
----------
D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units" (2016): gelu and its tanh form, gelu_new.
S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-Weighted Linear Units" (2018): silu.
D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Exponential Linear Units" (2016): elu.
"""

from collections.abc import Callable
from types import FunctionType
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

_ROOT_HALF = np.float32(np.sqrt(0.5))  # the normal distribution is (1 + erf(x * sqrt(1/2))) / 2
_BELL = np.float32(1 / np.sqrt(2 * np.pi))  # its density at 0
# The tanh form of GELU, 0.044715 being its authors' fit (Hendrycks and Gimpel 2016, section 2), and
# the cube's derivative
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


def _gelu_new_reference(x: Array) -> tuple[Array, Array]:
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


@inlined_formula
def _gelu_new(x):
    t = hyperbolic_tangent(_ROOT_2_PI * (x + _CUBE * x * x * x))
    share = HALF + HALF * t
    return x * share, share + HALF * x * (ONE - t * t) * _ROOT_2_PI * (ONE + _CUBE_3 * x * x)


def _relu_reference(x: Array) -> tuple[Array, Array]:
    return np.where(x > 0, x, x * 0), (x > 0).astype(x.dtype)


@inlined_formula
def _relu(x):
    return (x, ONE) if x > ZERO else (x * ZERO, ZERO)


def _silu_reference(x: Array) -> tuple[Array, Array]:
    share = 0.5 + 0.5 * np.tanh(0.5 * x)
    return x * share, share * (1 + x * (1 - share))


@inlined_formula
def _silu(x):
    share = logistic(x)
    return x * share, share * (ONE + x * (ONE - share))


def _tanh_reference(x: Array) -> tuple[Array, Array]:
    t = np.tanh(x)
    return t, 1 - t * t


@inlined_formula
def _tanh(x):
    t = hyperbolic_tangent(x)
    return t, ONE - t * t


def _sigmoid_reference(x: Array) -> tuple[Array, Array]:
    share = 0.5 + 0.5 * np.tanh(0.5 * x)
    return share, share * (1 - share)


@inlined_formula
def _sigmoid(x):
    share = logistic(x)
    return share, share * (ONE - share)


def _elu_reference(x: Array) -> tuple[Array, Array]:
    power = np.exp(np.minimum(x, 0))
    return np.where(x > 0, x, power - 1), power


@inlined_formula
def _elu(x):
    power = exponential(x if x < ZERO else ZERO)
    return (x, ONE) if x > ZERO else (power - ONE, power)


formula: Any = None  # of the two loops below; each copy of them has its own


def _forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = formula(row[j])[0]


def _backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = formula(row[j])
            target[j] = value
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _compiled(name: str, loop: Any, of: Any, twin: Any) -> Any:
    """Compile a copy of a loop around a formula.

    The copy has globals of its own, and a name: so numba finds it in its cache, as it never finds
    a closure.
    """
    copied = FunctionType(loop.__code__, {**globals(), "formula": of}, name)
    copied.__qualname__ = name
    return kernel(reference=twin, rounding=FUSED)(copied)


_FORMULAS: dict[str, tuple[Any, Pair]] = {
    "gelu": (_gelu, _gelu_reference),
    "gelu_new": (_gelu_new, _gelu_new_reference),
    "relu": (_relu, _relu_reference),
    "silu": (_silu, _silu_reference),
    "tanh": (_tanh, _tanh_reference),
    "sigmoid": (_sigmoid, _sigmoid_reference),
    "elu": (_elu, _elu_reference),
}

# What `hidden_act` may be: forward and backward
ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    name: (
        _compiled(f"{name}_forward", _forward, formula, _forward_twin(twin)),
        _compiled(f"{name}_backward", _backward, formula, _backward_twin(twin)),
    )
    for name, (formula, twin) in _FORMULAS.items()
}
