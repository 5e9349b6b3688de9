"""The attention part of a layer: one map to queries, keys and values, and attention.

The map behind it is the encoder's: in the last layer it works on fewer tokens.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.dropout import Dropout
from tokpipe.bert.kernels import own_attention, rotation
from tokpipe.bert.linear import add_column_sums, input_backward, linear_forward, weight_backward
from tokpipe.bert.residual import SavedNorm
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import AttentionWeights

Array = NDArray[np.floating]

_WAYS = {
    name: (by_precision(forward), by_precision(backward))
    for name, (forward, backward) in own_attention.WAYS.items()
}
_rotate = by_precision(rotation.rotate)


class SavedAttention(NamedTuple):
    """What backward needs."""

    qkv: Array  # float32[T, 3H]: queries, keys and values, turned if positions are rotations
    logsums: Array  # float32[T, A]: logarithms of the sums of each row's exponentials
    attended: Array  # float32[T, H]: values weighted, before the map behind
    norm: SavedNorm  # what the norm keeps


class SequenceLayout(NamedTuple):
    """Which tokens belong together, and how their positions are told."""

    offsets: NDArray[np.int32]  # int32[B + 1]: borders of the sequences
    positions: NDArray[np.int32]  # int32[T]: place of each token in its sequence
    heads: int  # A, how many heads there are
    # (float32[S, D / 2], float32[S, D / 2]): cosines and sines for each place
    rotations: tuple[Array, Array] | None
    # `biases`, `d_biases`: float32[A, 2S - 1], or float32[A, 0]: what is added to scores by
    # distance, and its gradient over all layers
    biases: Array
    d_biases: Array


def attend_forward(
    x: Array,
    weights: AttentionWeights,
    layout: SequenceLayout,
    drop: Dropout,
    saved: SavedAttention,
) -> None:
    """Let each token look at those of its sequence; `saved.attended` is what it finds.

    Parameters
    ----------
    x : float32[T, H]
        The tokens.
    weights
        Of this layer.
    layout
        Of the tokens.
    drop
        The dropout of weights.
    saved
        Where to keep what backward needs.
    """
    qkv, logsums, attended, _ = saved
    linear_forward(x, weights.qkv, qkv)
    if layout.rotations:
        _rotate(qkv, layout.positions, layout.heads, *layout.rotations)
    with weights.qkv.products.for_attention() as (way, address):
        forward, _ = _WAYS[way]
        forward(
            *(qkv, address, layout.offsets, layout.heads, layout.biases),
            *(*drop, logsums, attended),
        )


def attend_backward(
    x: Array,
    layer: tuple[AttentionWeights, AttentionWeights, SavedAttention, Dropout],
    layout: SequenceLayout,
    buffers: tuple[Array, Array],
    into: Array,
    d_more: Array | None = None,
) -> None:
    """Add the gradients of `attend_forward`.

    Parameters
    ----------
    x : float32[T, H]
        The tokens.
    layer
        Weights, their gradients, what was kept, and the dropout of weights.
    layout
        Of the tokens.
    buffers : (float32[T, H], float32[T, 3H])
        Gradient of `saved.attended`; and a spare array.
    into : float32[T, H]
        Gradient of x, added to.
    d_more : float32[T, 3H] or None
        Gradient of queries, keys and values themselves, where they are learned from.
    """
    weights, gradients, (qkv, logsums, attended, _), drop = layer
    d_attended, d_qkv = buffers
    with weights.qkv.products.for_attention() as (way, address):
        _, backward = _WAYS[way]
        backward(
            *(qkv, address, layout.offsets, layout.heads, layout.biases, *drop),
            *(logsums, attended, d_attended, d_qkv, layout.d_biases),
        )
    if d_more is not None:
        d_qkv += d_more
    if layout.rotations:
        cosines, sines = layout.rotations
        _rotate(d_qkv, layout.positions, layout.heads, cosines, -sines)
    add_column_sums(d_qkv, gradients.qkv.bias)
    weight_backward(x, d_qkv, gradients.qkv)
    input_backward(d_qkv, weights.qkv, into, add=True)
