"""Activations: what they make of a value, and their slopes.

What an activation makes is only multiplied: it may be written as bfloat16.

Forward keeps only the values before the activation; backward makes the activation once more, for
the product that needs it, so that the widest array of a layer is stored once and not twice.

An activation is a file ``act_NAME.py`` beside this one: a formula that returns value and slope, and
its NumPy twin. Its kernels are made of them, and `hidden_act` takes its name.

Gated, it works on rows of two halves: the activation of the first, the gate, times the second. The
gradient is twice as wide as that of the result then, and takes the place of what it is of.

References
----------
N. Shazeer, "GLU Variants Improve Transformer" (2020).
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.bfloat16 import write_values
from tokpipe.bert.kernels.hidden_acts import HIDDEN_ACTS
from tokpipe.foundation.float_intrinsics import stored
from tokpipe.foundation.jit import FUSED, copied_around, kernel

Array = NDArray[np.floating]
Pair = Callable[[Array], tuple[Array, Array]]


def _forward_twin(pair: Pair) -> Callable[..., None]:
    def forward(before: Array, out: Array) -> None:
        """Apply an activation.

        Parameters
        ----------
        before : float32[T, F]
            The values.
        out : float32[T, F] or uint16[T, F or more]
            What the activation makes of them, in bfloat16 where it is uint16.
        """
        write_values(pair(before)[0], out)

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
        out : float32[T, F] or uint16[T, F or more]
            What the activation makes of them, written again.
        d_bias : float32[F]
            Gradient of the bias inside the values, added to.
        """
        value, slope = pair(before)
        write_values(value, out)
        gradient *= slope
        d_bias += gradient.sum(0)

    return backward


def _gated_forward_twin(pair: Pair) -> Callable[..., None]:
    def forward(before: Array, out: Array) -> None:
        """Apply an activation to a gate, and multiply.

        Parameters
        ----------
        before : float32[T, 2F]
            The gate, and the values behind it.
        out : float32[T, F] or uint16[T, F or more]
            The values times what the activation makes of the gate.
        """
        gate, values = np.split(before, 2, axis=1)
        write_values(pair(gate)[0] * values, out)

    return forward


def _gated_backward_twin(pair: Pair) -> Callable[..., None]:
    def backward(before: Array, gradient: Array, out: Array, d_bias: Array) -> None:
        """Take the gradient of a gated activation, and apply it once more.

        Parameters
        ----------
        before : float32[T, 2F]
            The gate, and the values behind it; becomes their gradient.
        gradient : float32[T, F]
            Of the result.
        out : float32[T, F] or uint16[T, F or more]
            The result, written again.
        d_bias : float32[2F]
            Gradient of the bias inside gate and values, added to.
        """
        gate, values = np.split(before, 2, axis=1)
        opened, slope = pair(gate)
        write_values(opened * values, out)
        before[:] = np.concatenate([gradient * values * slope, gradient * opened], axis=1)
        d_bias += before.sum(0)

    return backward


formula: Any = None  # of the loops below; each copy of them has its own


def _forward(before, out):
    for t in range(len(before)):
        row, target = before[t], out[t]
        for j in range(len(row)):
            target[j] = stored(target, formula(row[j])[0])


def _backward(before, gradient, out, d_bias):
    for t in range(len(before)):
        row, change, target = before[t], gradient[t], out[t]
        for j in range(len(row)):
            value, slope = formula(row[j])
            target[j] = stored(target, value)
            slope *= change[j]
            change[j] = slope
            d_bias[j] += slope


def _gated_forward(before, out):
    inner = before.shape[1] // 2
    for t in range(len(out)):
        gate, values, target = before[t, :inner], before[t, inner:], out[t]
        for j in range(inner):
            target[j] = stored(target, formula(gate[j])[0] * values[j])


def _gated_backward(before, gradient, out, d_bias):
    inner = before.shape[1] // 2
    d_gate, d_values = d_bias[:inner], d_bias[inner:]
    for t in range(len(out)):
        gate, values, target = before[t, :inner], before[t, inner:], out[t]
        change = gradient[t]
        for j in range(inner):
            opened, slope = formula(gate[j])
            target[j] = stored(target, opened * values[j])
            slope *= change[j] * values[j]
            opened *= change[j]
            gate[j] = slope
            values[j] = opened
            d_gate[j] += slope
            d_values[j] += opened


def _compiled(name: str, loop: Any, of: Any, twin: Any) -> Any:
    """Compile a copy of a loop around a formula."""
    return kernel(reference=twin, rounding=FUSED)(copied_around(loop, name, formula=of))


def kernels_of(name: str) -> tuple[Any, Any]:
    """Make the two kernels of an activation, forward and backward, of what its file holds."""
    file = import_module(f"tokpipe.bert.kernels.act_{name}")
    return (
        _compiled(f"{name}_forward", _forward, file.formula, _forward_twin(file.reference)),
        _compiled(f"{name}_backward", _backward, file.formula, _backward_twin(file.reference)),
    )


def gated_kernels_of(name: str) -> tuple[Any, Any]:
    """Make the two kernels of a gated activation, as `kernels_of` does."""
    file = import_module(f"tokpipe.bert.kernels.act_{name}")
    twins = _gated_forward_twin(file.reference), _gated_backward_twin(file.reference)
    return (
        _compiled(f"{name}_gated_forward", _gated_forward, file.formula, twins[0]),
        _compiled(f"{name}_gated_backward", _gated_backward, file.formula, twins[1]),
    )


# What `hidden_act` may be, and the same with a gate
ACTIVATIONS: dict[str, tuple[Any, Any]] = {name: kernels_of(name) for name in HIDDEN_ACTS}
GATED: dict[str, tuple[Any, Any]] = {name: gated_kernels_of(name) for name in HIDDEN_ACTS}
