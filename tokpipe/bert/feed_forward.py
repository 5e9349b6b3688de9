"""The feed-forward part of a layer: out to the inner width, an activation, and back.

Kept are the values before the activation; backward makes the activation once more. With a gate the
map out makes two halves, and the activation of the first is multiplied by the second.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.products.maps import Rows
from tokpipe.bert.residual import SavedNorm
from tokpipe.bert.weights import FeedForwardWeights

Array = NDArray[np.floating]


class SavedFeedForward(NamedTuple):
    """What backward needs: the values before the activation, and the norm's.

    The values are float32[T, F], with a gate float32[T, 2F].
    """

    before: Array
    norm: SavedNorm


def feed_forward_forward(
    x: Array,
    weights: FeedForwardWeights,
    activation: Activation,
    saved: SavedFeedForward,
    inner: Rows,
    out: Array,
) -> None:
    """Work on each token by itself.

    Parameters
    ----------
    x : float32[T, H]
        The tokens.
    weights
        Of this layer.
    activation
        Between the two maps.
    saved
        Where to keep what backward needs.
    inner : float32[T, F]
        A spare array; bfloat16, where products take that.
    out : float32[T, H]
        The result.
    """
    linear_forward(x, weights.input, saved.before)
    activation.forward(saved.before, inner)
    linear_forward(inner, weights.output, out)


class FeedForwardScratch(NamedTuple):
    """Two spare arrays, float32[T, F]; the first bfloat16, where products take that."""

    inner: Rows
    d_inner: Array


def feed_forward_backward(
    x: Array,
    layer: tuple[FeedForwardWeights, FeedForwardWeights, SavedFeedForward],
    activation: Activation,
    scratch: FeedForwardScratch,
    gradient: Array,
    into: Array,
) -> None:
    """Add the gradients; that of the last bias was summed where `gradient` was made.

    Parameters
    ----------
    x : float32[T, H]
        The tokens.
    layer
        Weights, their gradients, and what was kept, of which a gated activation makes gradients.
    activation
        Between the two maps.
    scratch
        Spare arrays.
    gradient : float32[T, H]
        Of the result.
    into : float32[T, H]
        Gradient of x, added to.
    """
    weights, gradients, saved = layer
    inner, d_inner = scratch
    input_backward(gradient, weights.output, d_inner)
    activation.backward(saved.before, d_inner, inner, gradients.input.bias)
    d_before = saved.before if activation.is_gated else d_inner
    weight_backward(inner, gradient, gradients.output)
    weight_backward(x, d_before, gradients.input)
    input_backward(d_before, weights.input, into, add=True)
