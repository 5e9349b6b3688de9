"""Activations by name."""

from collections.abc import Callable
from typing import NamedTuple

from tokpipe.bert.kernels.activations import ACTIVATIONS
from tokpipe.bert.twins import by_precision


class Activation(NamedTuple):
    """An activation: ``forward(before, out)``, ``backward(before, gradient, out, d_bias)``."""

    forward: Callable[..., None]
    backward: Callable[..., None]


def activation_named(name: str) -> Activation:
    """Return an activation by the name that `hidden_act` has for it."""
    return Activation(*(by_precision(kernel) for kernel in ACTIVATIONS[name]))
