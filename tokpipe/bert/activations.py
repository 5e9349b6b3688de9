"""Activations by name."""

from collections.abc import Callable
from typing import NamedTuple

from tokpipe.bert.kernels.activations import ACTIVATIONS, GATED
from tokpipe.bert.twins import by_precision


class Activation(NamedTuple):
    """An activation: ``forward(before, out)``, ``backward(before, gradient, out, d_bias)``.

    Backward leaves the gradient of the values in `gradient`, or in `before` where they are gated:
    they are twice as wide then.
    """

    forward: Callable[..., None]
    backward: Callable[..., None]
    is_gated: bool = False


def activation_named(name: str, *, is_gated: bool = False) -> Activation:
    """Return an activation by the name that `hidden_act` has for it."""
    forward, backward = map(by_precision, (GATED if is_gated else ACTIVATIONS)[name])
    return Activation(forward, backward, is_gated)
