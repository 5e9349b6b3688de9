"""The embeddings and the layers, forward and backward, over one packed batch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.attention import attend_backward, attend_forward
from tokpipe.bert.dropout import Dropout, dropout_at
from tokpipe.bert.embeddings import (
    embeddings_backward,
    embeddings_forward,
    gather_rows,
    scatter_rows,
)
from tokpipe.bert.feed_forward import (
    FeedForwardSpare,
    feed_forward_backward,
    feed_forward_forward,
)
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.passes import Pass, behind_attention
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
from tokpipe.bert.weights import Linear

Array = NDArray[np.floating]


def encode(now: Pass) -> Iterator[tuple[int, Array]]:
    """Go forward; yield the number and the result, float32[T, H], of the embeddings (0) and layers.

    A result is good until the next is asked for. The last has the rows that are asked for.
    """
    config = now.config
    drop = dropout_at(now.dropout_key, config.hidden_dropout_prob, 0)
    eps = config.layer_norm_eps
    stream = embeddings_forward(now.tokens, now.weights.embeddings, eps, drop, now.embeddings)
    yield 0, stream
    for number in range(config.num_hidden_layers):
        stream = _layer_forward(now, number, stream)
        final_norm = behind_attention(now, number).final_norm
        if final_norm is not None and number == config.num_hidden_layers - 1:
            assert now.weights.final_norm is not None
            norm_forward(stream, *now.weights.final_norm, eps, *final_norm)
            stream = final_norm.out
        yield number + 1, stream


def _layer_forward(now: Pass, number: int, stream: Array) -> Array:
    attention, ffn = now.weights.layers[number]
    saved = now.layers[number][0]
    join, drop = _attention_join(now, number)
    attend_forward(enter_forward(join, stream), attention, now.places, drop, saved)
    attended, here = saved.attended, behind_attention(now, number)
    if here is not now:
        attended, stream = _picked(now, here, attended, stream)
    made = here.spare.made
    linear_forward(attended, attention.output, made)
    join, _ = _attention_join(here, number)
    stream = leave_forward(join, made, stream)
    join = _ffn_join(here, number)
    x, saved_ffn = enter_forward(join, stream), here.layers[number][1]
    feed_forward_forward(x, ffn, now.activation, saved_ffn, here.spare.inner, made)
    return leave_forward(join, made, stream)


def _picked(now: Pass, end: Pass, attended: Array, stream: Array) -> tuple[Array, Array]:
    """Return what attention made and what it was made from, at the tokens asked for."""
    assert now.asked is not None
    gather_rows(attended, now.asked, end.picked.attended, False)
    gather_rows(stream, now.asked, end.picked.stream, False)
    return end.picked


def encode_backward(now: Pass, gradient: Array) -> None:
    """Go back through the layers and the embeddings.

    Parameters
    ----------
    now
        The pass, after `encode`.
    gradient : float32[T, H] or float32[R, H]
        Of the last result: the array `spare.stream` of `now`, or of its end if it has one, which
        is overwritten.
    """
    weights, gradients, config = now.weights, now.gradients, now.config
    assert gradients is not None
    last = behind_attention(now, config.num_hidden_layers - 1)
    if last.final_norm is not None and weights.final_norm is not None:
        assert gradients.final_norm is not None
        into = _other(last, gradient)
        into.fill(0)
        normalised, scales, _ = last.final_norm
        weight = weights.final_norm.weight
        norm_backward(gradient, normalised, scales, weight, into, *gradients.final_norm)
        gradient = into
    for number in reversed(range(config.num_hidden_layers)):
        gradient = _ffn_backward(behind_attention(now, number), number, gradient)
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
    saved, here = now.layers[number][0], behind_attention(now, number)
    made = here.spare.made
    join, _ = _attention_join(here, number)
    d_stream = leave_backward(join, d_stream, _other(here, d_stream), made, gradients.output.bias)
    if here is now:
        attended, d_attended = saved.attended, _other(now, d_stream)
    else:
        attended, d_attended = here.picked
    weight_backward(attended, made, gradients.output.weight)
    input_backward(made, weights.output.weight, d_attended)
    if here is not now:
        d_stream, d_attended = _spread(now, here, d_stream, d_attended)
    into = _entered(now, d_stream)
    join, drop = _attention_join(now, number)
    attend_backward(
        saved.norm.out if join.is_pre else _made_before(now, number),
        (weights, gradients, saved, drop),
        now.places,
        (d_attended, now.spare.d_qkv),
        into,
    )
    enter_backward(join, into, d_stream)
    return d_stream


def _spread(now: Pass, end: Pass, d_stream: Array, d_attended: Array) -> tuple[Array, Array]:
    """Return gradients at the tokens asked for as those at all tokens: the others have none."""
    assert now.asked is not None
    first, second = now.spare.other, now.spare.stream
    if d_stream is not end.spare.stream:
        first, second = second, first  # `first` is the one that does not hold it
    for rows, all_rows in ((d_stream, first), (d_attended, second)):
        all_rows.fill(0)
        scatter_rows(rows, now.asked, all_rows)
    return first, second


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
