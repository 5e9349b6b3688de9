"""The embeddings and the layers, forward and backward, over one packed batch."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation, activation_named
from tokpipe.bert.attention import (
    AttentionSpare,
    Places,
    SavedAttention,
    attention_backward,
    attention_forward,
)
from tokpipe.bert.config import BertConfig
from tokpipe.bert.dropout import Dropout, dropout_at
from tokpipe.bert.embeddings import (
    SavedEmbeddings,
    Tokens,
    embeddings_backward,
    embeddings_forward,
    scatter_rows,
)
from tokpipe.bert.feed_forward import (
    FeedForwardSpare,
    SavedFeedForward,
    feed_forward_backward,
    feed_forward_forward,
)
from tokpipe.bert.residual import (
    Join,
    SavedNorm,
    enter_backward,
    enter_forward,
    leave_backward,
    leave_forward,
    norm_backward,
    norm_forward,
)
from tokpipe.bert.weights import Linear, Weights
from tokpipe.bert.workspace import Inputs, Spare, Workspace, front

Array = NDArray[np.floating]


class Pass(NamedTuple):
    """One pass over one batch: the workspace, cut to its size.

    Attributes
    ----------
    config, weights, activation
        Of the model.
    gradients
        Added to; None in a pass without any.
    inputs
        The batch.
    tokens, places
        The parts of it that embeddings and attention want.
    embeddings, layers, final_norm
        What is kept for backward.
    spare, d_embedded
        For results of a moment.
    buckets : int32[2S - 1]
        Bucket of each distance, where positions are relative.
    dropout_key
        Of this pass; None: nothing is dropped.
    """

    config: BertConfig
    weights: Weights
    activation: Activation
    gradients: Weights | None
    inputs: Inputs
    tokens: Tokens
    places: Places
    embeddings: SavedEmbeddings
    layers: list[tuple[SavedAttention, SavedFeedForward]]
    final_norm: SavedNorm | None
    spare: Spare
    d_embedded: tuple[Array, Array]
    buckets: NDArray[np.int32]
    dropout_key: int | None


def begin_pass(
    weights: Weights,
    gradients: Weights | None,
    workspace: Workspace,
    inputs: Inputs,
    dropout_key: int | None,
) -> Pass:
    """Return a pass over a batch that lies in the workspace."""
    config, count = workspace.config, len(inputs.ids)
    if weights.relative is not None:
        workspace.biases[:] = weights.relative[workspace.buckets].T
        workspace.d_biases.fill(0)
    heads = config.num_attention_heads
    places = Places(
        *(inputs.offsets, inputs.positions, heads),
        *(workspace.rotations, workspace.biases, workspace.d_biases),
    )
    return Pass(
        config=config,
        weights=weights,
        activation=activation_named(config.hidden_act),
        gradients=gradients,
        inputs=inputs,
        tokens=Tokens(inputs.ids, inputs.positions, inputs.segments, workspace.sines),
        places=places,
        embeddings=front(workspace.embeddings, count),
        layers=[front(layer, count) for layer in workspace.layers],
        final_norm=front(workspace.final_norm, count),
        spare=front(workspace.spare, count),
        d_embedded=front(workspace.d_embedded, count),
        buckets=workspace.buckets,
        dropout_key=dropout_key,
    )


def encode(now: Pass) -> Iterator[tuple[int, Array]]:
    """Go forward; yield the number and the result, float32[T, H], of the embeddings (0) and layers.

    A result is good until the next is asked for.
    """
    config = now.config
    drop = dropout_at(now.dropout_key, config.hidden_dropout_prob, 0)
    eps = config.layer_norm_eps
    stream = embeddings_forward(now.tokens, now.weights.embeddings, eps, drop, now.embeddings)
    yield 0, stream
    for number in range(config.num_hidden_layers):
        stream = _layer_forward(now, number, stream)
        if now.final_norm is not None and number == config.num_hidden_layers - 1:
            assert now.weights.final_norm is not None
            norm_forward(stream, *now.weights.final_norm, eps, *now.final_norm)
            stream = now.final_norm.out
        yield number + 1, stream


def _layer_forward(now: Pass, number: int, stream: Array) -> Array:
    attention, ffn = now.weights.layers[number]
    saved, saved_ffn = now.layers[number]
    join, drop = _attention_join(now, number)
    x = enter_forward(join, stream)
    attention_forward(x, attention, now.places, drop, saved, now.spare.made)
    stream = leave_forward(join, now.spare.made, stream)
    join = _ffn_join(now, number)
    x = enter_forward(join, stream)
    feed_forward_forward(x, ffn, now.activation, saved_ffn, now.spare.inner, now.spare.made)
    return leave_forward(join, now.spare.made, stream)


def encode_backward(now: Pass, gradient: Array) -> None:
    """Go back through the layers and the embeddings.

    Parameters
    ----------
    now
        The pass, after `encode`.
    gradient : float32[T, H]
        Of the last result: the array `now.spare.stream`, which is overwritten.
    """
    weights, gradients, config = now.weights, now.gradients, now.config
    assert gradients is not None
    if now.final_norm is not None and weights.final_norm is not None:
        assert gradients.final_norm is not None
        into = _other(now, gradient)
        into.fill(0)
        normalised, scales, _ = now.final_norm
        weight = weights.final_norm.weight
        norm_backward(gradient, normalised, scales, weight, into, *gradients.final_norm)
        gradient = into
    for number in reversed(range(config.num_hidden_layers)):
        gradient = _ffn_backward(now, number, gradient)
        gradient = _attention_backward(now, number, gradient)
    if gradients.relative is not None:
        per_distance = np.ascontiguousarray(now.places.d_biases.T)
        scatter_rows(per_distance, now.buckets, gradients.relative)
    drop = dropout_at(now.dropout_key, config.hidden_dropout_prob, 0)
    layer = (weights.embeddings, gradients.embeddings, now.embeddings)
    embeddings_backward(now.tokens, layer, drop, gradient, now.d_embedded)


def _ffn_backward(now: Pass, number: int, d_stream: Array) -> Array:
    assert now.gradients is not None
    weights, gradients = now.weights.layers[number][1], now.gradients.layers[number][1]
    saved_attention, saved = now.layers[number]
    join, spare = _ffn_join(now, number), now.spare
    bias = gradients.output.bias
    d_stream = leave_backward(join, d_stream, _other(now, d_stream), spare.made, bias)
    into = _entered(now, d_stream)
    feed_forward_backward(
        saved.norm.out if join.is_pre else saved_attention.norm.out,
        (weights, gradients, saved),
        now.activation,
        FeedForwardSpare(spare.inner, spare.d_inner),
        spare.made,
        into,
    )
    enter_backward(join, into, d_stream)
    return d_stream


def _attention_backward(now: Pass, number: int, d_stream: Array) -> Array:
    assert now.gradients is not None
    weights, gradients = now.weights.layers[number][0], now.gradients.layers[number][0]
    saved, _ = now.layers[number]
    join, drop = _attention_join(now, number)
    bias = gradients.output.bias
    d_stream = leave_backward(join, d_stream, _other(now, d_stream), now.spare.made, bias)
    into = _entered(now, d_stream)
    attention_backward(
        saved.norm.out if join.is_pre else _made_before(now, number),
        (weights, gradients, saved, drop),
        now.places,
        AttentionSpare(_other(now, d_stream), now.spare.d_qkv),
        now.spare.made,
        into,
    )
    enter_backward(join, into, d_stream)
    return d_stream


def _attention_join(now: Pass, number: int) -> tuple[Join, Dropout]:
    saved = now.layers[number][0].norm
    gradients = None if now.gradients is None else now.gradients.layers[number][0].norm
    probability = now.config.attention_probs_dropout_prob
    drop = dropout_at(now.dropout_key, probability, 3 * number + 1)
    return _join(now, 3 * number + 2, now.weights.layers[number][0].norm, gradients, saved), drop


def _ffn_join(now: Pass, number: int) -> Join:
    saved = now.layers[number][1].norm
    gradients = None if now.gradients is None else now.gradients.layers[number][1].norm
    return _join(now, 3 * number + 3, now.weights.layers[number][1].norm, gradients, saved)


def _join(now: Pass, place: int, norm: Linear, d_norm: Linear | None, saved: SavedNorm) -> Join:
    config = now.config
    drop = dropout_at(now.dropout_key, config.hidden_dropout_prob, place)
    return Join(config.norm_position == "pre", config.layer_norm_eps, norm, d_norm, saved, drop)


def _made_before(now: Pass, number: int) -> Array:
    """Return what a layer was given, in post-norm: the layer's before it, or the embeddings."""
    if number:
        return now.layers[number - 1][1].norm.out
    projected = now.embeddings.projected
    return now.embeddings.norm.out if projected is None else projected


def _other(now: Pass, d_stream: Array) -> Array:
    """Return the array of the two for the stream's gradient that does not hold it."""
    return now.spare.other if d_stream is now.spare.stream else now.spare.stream


def _entered(now: Pass, d_stream: Array) -> Array:
    """Return to which array a part adds the gradient of what it worked on."""
    if now.config.norm_position == "post":
        return d_stream
    now.spare.entered.fill(0)
    return now.spare.entered
