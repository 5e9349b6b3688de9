"""The embeddings of a token: of itself, its place and its segment; norm, dropout, projection."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.dropout import Dropout
from tokpipe.bert.linear import add_column_sums, input_backward, linear_forward, weight_backward
from tokpipe.bert.residual import (
    SavedNorm,
    drop,
    gather_rows,
    norm_backward,
    norm_forward,
    scatter_rows,
)
from tokpipe.bert.weights import EmbeddingWeights

Array = NDArray[np.floating]


class Tokens(NamedTuple):
    """What tells a token apart."""

    # `ids`, `positions`, `segments`: int32[T]: rows of the three tables
    ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    segments: NDArray[np.int32]
    sines: Array | None  # float32[S, E]: table of places where it is not learned


class SavedEmbeddings(NamedTuple):
    """What backward needs: the norm's, and the projected result, float32[T, H], if there is one."""

    norm: SavedNorm
    projected: Array | None


def embeddings_forward(
    tokens: Tokens, weights: EmbeddingWeights, eps: float, drops: Dropout, saved: SavedEmbeddings
) -> Array:
    """Return the first hidden states: float32[T, H].

    Parameters
    ----------
    tokens
        What to embed.
    weights
        Tables, norm and projection.
    eps
        Added to a variance.
    drops
        The dropout behind the norm.
    saved
        Where to keep what backward needs, the result with it.
    """
    normalised, scales, out = saved.norm
    gather_rows(weights.token, tokens.ids, normalised, False)
    places = tokens.sines if weights.position is None else weights.position
    if places is not None:
        gather_rows(places, tokens.positions, normalised, True)
    if weights.segment is not None:
        gather_rows(weights.segment, tokens.segments, normalised, True)
    norm_forward(normalised, *weights.norm, eps, normalised, scales, out)
    drop(out, *drops)
    if weights.projection is None or saved.projected is None:
        return out
    linear_forward(out, weights.projection, saved.projected)
    return saved.projected


def embeddings_backward(
    tokens: Tokens,
    layer: tuple[EmbeddingWeights, EmbeddingWeights, SavedEmbeddings],
    drops: Dropout,
    gradient: Array,
    spare: tuple[Array, Array],
) -> None:
    """Add the gradients of the tables, the norm and the projection.

    Parameters
    ----------
    tokens
        As before.
    layer
        Weights, their gradients, and what was kept.
    drops
        The dropout, as before.
    gradient : float32[T, H]
        Of the first hidden states; is overwritten.
    spare : (float32[T, E], float32[T, E])
        Spare arrays.
    """
    weights, gradients, saved = layer
    d_out, d_sum = spare
    if weights.projection is None or gradients.projection is None:
        d_out = gradient
    else:
        weight_backward(saved.norm.out, gradient, gradients.projection)
        add_column_sums(gradient, gradients.projection.bias)
        input_backward(gradient, weights.projection, d_out)
    drop(d_out, *drops)
    d_sum.fill(0)
    normalised, scales, _ = saved.norm
    norm_backward(d_out, normalised, scales, weights.norm.weight, d_sum, *gradients.norm)
    scatter_rows(d_sum, tokens.ids, gradients.token)
    if gradients.position is not None:
        scatter_rows(d_sum, tokens.positions, gradients.position)
    if gradients.segment is not None:
        scatter_rows(d_sum, tokens.segments, gradients.segment)
