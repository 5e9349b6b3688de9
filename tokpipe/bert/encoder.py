"""The embeddings and the layers, forward and backward, over one packed batch."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.attention import attend_backward, attend_forward
from tokpipe.bert.context import ForwardContext, behind_attention
from tokpipe.bert.embeddings import embeddings_backward, embeddings_forward
from tokpipe.bert.feed_forward import (
    FeedForwardScratch,
    feed_forward_backward,
    feed_forward_forward,
)
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.residual import (
    StreamGradient,
    after_backward,
    after_forward,
    before_backward,
    before_forward,
    gather_rows,
    norm_backward,
    norm_forward,
    scatter_rows,
)

Array = NDArray[np.floating]


def encode(ctx: ForwardContext) -> Iterator[tuple[int, Array]]:
    """Go forward; yield the number and the result, float32[T, H], of the embeddings (0) and layers.

    A result is good until the next is asked for. The last has the output rows only.
    """
    config, eps = ctx.config, ctx.config.layer_norm_eps
    stream = embeddings_forward(
        ctx.tokens, ctx.weights.embeddings, eps, ctx.embeddings_drop, ctx.embeddings
    )
    yield 0, stream
    for number in range(config.num_hidden_layers):
        stream = _layer_forward(ctx, number, stream)
        final_norm = ctx.last.final_norm
        if final_norm is not None and number == config.num_hidden_layers - 1:
            assert ctx.weights.final_norm is not None
            norm_forward(stream, *ctx.weights.final_norm, eps, *final_norm)
            stream = final_norm.out
        yield number + 1, stream


def _layer_forward(ctx: ForwardContext, number: int, stream: Array) -> Array:
    attention, ffn = ctx.weights.layers[number]
    layer, here = ctx.layers[number], behind_attention(ctx, number)
    x = before_forward(layer.around_attention, stream)
    attend_forward(x, attention, ctx.layout, layer.weights_drop, layer.attention)
    attended = layer.attention.attended
    if here is not ctx:
        assert ctx.output_rows is not None
        gather_rows(attended, ctx.output_rows, here.selected.attended, False)
        gather_rows(stream, ctx.output_rows, here.selected.stream, False)
        attended, stream = here.selected
    made, layer = here.scratch.made, here.layers[number]
    linear_forward(attended, attention.output, made)
    stream = after_forward(layer.around_attention, made, stream)
    x = before_forward(layer.around_ffn, stream)
    feed_forward_forward(x, ffn, ctx.activation, layer.ffn, here.scratch.inner, made)
    return after_forward(layer.around_ffn, made, stream)


def nobody_waits(layer: int) -> None:
    """Do nothing when the gradients of a layer are there."""


class WayBack(NamedTuple):
    """How far gradients are wanted, and who waits for them."""

    lowest: int = -1  # the lowest layer whose gradients are wanted; -1: the embeddings', too
    # called with the number of each layer as soon as its gradients, and those of all above it and
    # of the heads, are there
    behind: Callable[[int], None] = nobody_waits


ALL_THE_WAY = WayBack()


def encode_backward(
    ctx: ForwardContext,
    d_last: Array,
    way: WayBack = ALL_THE_WAY,
    d_qkv: Array | None = None,
) -> None:
    """Go back through the layers and the embeddings.

    Parameters
    ----------
    ctx
        The pass, after `encode`.
    d_last : float32[T, H] or float32[R, H]
        Gradient of the last result, at the output rows: the first rows of ``scratch.stream[0]``,
        which is overwritten.
    way
        How far.
    d_qkv : float32[T, 3H] or None
        Gradient of queries, keys and values in the last layer, where they are learned from.
    """
    weights, gradients, config = ctx.weights, ctx.gradients, ctx.config
    assert gradients is not None
    stream = StreamGradient(ctx.scratch.stream, len(d_last))
    final_norm = ctx.last.final_norm
    if final_norm is not None and weights.final_norm is not None:
        assert gradients.final_norm is not None
        stream.spare.fill(0)
        normalised, scales, _ = final_norm
        norm_backward(
            *(stream.values, normalised, scales, weights.final_norm.weight),
            *(stream.spare, *gradients.final_norm),
        )
        stream.swap()
    for number in reversed(range(max(way.lowest, 0), config.num_hidden_layers)):
        _ffn_backward(behind_attention(ctx, number), number, stream)
        _attention_backward(ctx, number, stream, d_qkv)
        d_qkv = None  # of the last layer alone
        way.behind(number)
    if way.lowest >= 0:
        return
    if gradients.relative is not None:
        per_distance = np.ascontiguousarray(ctx.layout.d_biases.T)
        scatter_rows(per_distance, ctx.buckets, gradients.relative)
    layer = (weights.embeddings, gradients.embeddings, ctx.embeddings)
    embeddings_backward(ctx.tokens, layer, ctx.embeddings_drop, stream.values, ctx.d_embedded)


def _ffn_backward(ctx: ForwardContext, number: int, stream: StreamGradient) -> None:
    assert ctx.gradients is not None
    weights, gradients = ctx.weights.layers[number][1], ctx.gradients.layers[number][1]
    layer, scratch = ctx.layers[number], ctx.scratch
    after_backward(layer.around_ffn, stream, scratch.made, gradients.output.bias)
    d_part = _d_part(ctx, stream)
    around = layer.around_ffn if layer.around_ffn.is_pre else layer.around_attention
    feed_forward_backward(
        around.saved.out,
        (weights, gradients, layer.ffn),
        ctx.activation,
        FeedForwardScratch(scratch.inner, scratch.d_inner),
        scratch.made,
        d_part,
    )
    before_backward(layer.around_ffn, d_part, stream)


def _attention_backward(
    ctx: ForwardContext, number: int, stream: StreamGradient, d_qkv: Array | None
) -> None:
    assert ctx.gradients is not None
    weights, gradients = ctx.weights.layers[number][0], ctx.gradients.layers[number][0]
    layer, here = ctx.layers[number], behind_attention(ctx, number)
    made = here.scratch.made
    after_backward(here.layers[number].around_attention, stream, made, gradients.output.bias)
    is_cut = here is not ctx
    attended, d_attended = here.selected if is_cut else (layer.attention.attended, stream.spare)
    weight_backward(attended, made, gradients.output)
    input_backward(made, weights.output, d_attended)
    if is_cut:
        assert ctx.output_rows is not None
        stream.spread(ctx.output_rows, len(ctx.batch.input_ids))
        stream.spare.fill(0)
        scatter_rows(d_attended, ctx.output_rows, stream.spare)
        d_attended = stream.spare
    d_part = _d_part(ctx, stream)
    attend_backward(
        layer.attention.norm.out if layer.around_attention.is_pre else _made_before(ctx, number),
        (weights, gradients, layer.attention, layer.weights_drop),
        ctx.layout,
        (d_attended, ctx.scratch.d_qkv),
        d_part,
        d_qkv,
    )
    before_backward(layer.around_attention, d_part, stream)


def _made_before(ctx: ForwardContext, number: int) -> Array:
    """Return what a layer was given, in post-norm: the layer's before it, or the embeddings."""
    if number:
        return ctx.layers[number - 1].ffn.norm.out
    projected = ctx.embeddings.projected
    return ctx.embeddings.norm.out if projected is None else projected


def _d_part(ctx: ForwardContext, stream: StreamGradient) -> Array:
    """Return to which array a part adds the gradient of what it worked on."""
    if ctx.config.norm_position == "post":
        return stream.values
    d_part = ctx.scratch.d_part[: len(stream.values)]
    d_part.fill(0)
    return d_part
