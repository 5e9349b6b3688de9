"""The pooler: a vector a sequence, from the hidden state of its first token.

A head for texts that has a map of its own there goes the same way, with another activation or with
dropout before it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation, activation_named
from tokpipe.bert.dropout import NO_DROPOUT, Dropout
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.residual import drop, gather_rows, scatter_rows
from tokpipe.bert.weights import Linear

Array = NDArray[np.floating]
Index = NDArray[np.int32]


class Pooling(NamedTuple):
    """The map, what follows it, and what is dropped in front of it."""

    weights: Linear
    activation: Activation = activation_named("tanh")
    drop: Dropout = NO_DROPOUT


class PoolerScratch(NamedTuple):
    """What the pooler keeps, and its spare arrays."""

    # `first`, `d_first`: float32[B, H]: hidden states of the first tokens, and their gradient
    first: Array
    d_first: Array
    # `before`, `pooled`, `d_pooled`: float32[B, H]: around the activation
    before: Array
    pooled: Array
    d_pooled: Array


class PooledScratch(NamedTuple):
    """What a head on the pooler's vectors keeps, and its spare arrays."""

    pooler: PoolerScratch  # of what stands in front
    logits: Array  # float32[B, C]: one row a sequence
    d_bias: Array  # float32[C]: spare, where nothing is learned

    def front(self, count: int) -> "PooledScratch":
        """Return the rows of so many sequences."""
        pooler = PoolerScratch(*(array[:count] for array in self.pooler))
        return PooledScratch(pooler, self.logits[:count], self.d_bias)


def pooled_scratch(
    sequences: int, hidden: int, classes: int, new: Callable[..., Array]
) -> PooledScratch:
    """Return the arrays for so many sequences, made by `new` of a shape."""
    pooler = PoolerScratch(*(new(sequences, hidden) for _ in PoolerScratch._fields))
    return PooledScratch(pooler, new(sequences, classes), new(classes))


def pooler_forward(pooler: Pooling, hidden: Array, first: Index, scratch: PoolerScratch) -> Array:
    """Return one vector a sequence, float32[B, H], from its first token.

    Parameters
    ----------
    pooler
        The map.
    hidden : float32[R, H]
        Last hidden states.
    first : int32[B]
        Rows of the first tokens.
    scratch
        Where to keep what backward needs.
    """
    gather_rows(hidden, first, scratch.first, False)
    drop(scratch.first, *pooler.drop)
    linear_forward(scratch.first, pooler.weights, scratch.before)
    pooler.activation.forward(scratch.before, scratch.pooled)
    return scratch.pooled


def pooler_backward(
    pooler: Pooling, gradients: Linear, first: Index, scratch: PoolerScratch, into: Array
) -> None:
    """Add the gradients of the pooler, from that of its result in `scratch.d_pooled`.

    Parameters
    ----------
    pooler, gradients
        The map, and its gradients, added to.
    first : int32[B]
        As before.
    scratch
        As forward left it.
    into : float32[R, H]
        Gradient of the last hidden states, added to.
    """
    pooler.activation.backward(scratch.before, scratch.d_pooled, scratch.pooled, gradients.bias)
    weight_backward(scratch.first, scratch.d_pooled, gradients)
    input_backward(scratch.d_pooled, pooler.weights, scratch.d_first)
    drop(scratch.d_first, *pooler.drop)
    scatter_rows(scratch.d_first, first, into)
