"""Activations: what they make of a value, and their slopes.

Forward keeps only the values before the activation; backward makes the activation once more, for
the product that needs it, so that the widest array of a layer is stored once and not twice.

An activation is a file ``act_NAME.py`` beside this one: a formula that returns value and slope, and
its NumPy twin. Its two kernels are made of them, and `hidden_act` takes its name.
"""

from collections.abc import Callable
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.hidden_acts import HIDDEN_ACTS
from tokpipe.foundation.jit import FUSED, kernel

Array = NDArray[np.floating]
Pair = Callable[[Array], tuple[Array, Array]]


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


def kernels_of(name: str) -> tuple[Any, Any]:
    """Make the two kernels of an activation, forward and backward, of what its file holds."""
    file = import_module(f"tokpipe.bert.kernels.act_{name}")
    return (
        _compiled(f"{name}_forward", _forward, file.formula, _forward_twin(file.reference)),
        _compiled(f"{name}_backward", _backward, file.formula, _backward_twin(file.reference)),
    )


# What `hidden_act` may be
ACTIVATIONS: dict[str, tuple[Any, Any]] = {name: kernels_of(name) for name in HIDDEN_ACTS}
