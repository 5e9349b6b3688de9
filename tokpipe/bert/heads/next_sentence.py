"""Which pair of segments belongs together: two logits (follows, random) of the pooler's vector."""

from collections.abc import Iterator
from dataclasses import replace

from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import (
    Array,
    Capacity,
    Frequencies,
    Head,
    HeadContext,
    Index,
    New,
    Views,
    entropy,
)
from tokpipe.bert.kernels.losses import cross_entropy
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.losses import Tally
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.pooler import (
    PooledScratch,
    Pooling,
    pooled_scratch,
    pooler_backward,
    pooler_forward,
)
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear, linear_of
from tokpipe.foundation.batch import Batch

NAME = "nsp"

_cross_entropy = by_precision(cross_entropy)


def _fitted(config: BertConfig, pairs: bool) -> BertConfig:
    return replace(config, nsp_head=pairs and config.pooler)


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(NAME, 2, config.hidden_size)


def _weights(views: Views) -> Linear:
    return linear_of(views, NAME)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> PooledScratch:
    return pooled_scratch(capacity.sequences, config.hidden_size, 2, new)


def _targets(batch: Batch) -> NDArray | None:
    return batch.next_sentence_label


def _output_rows(batch: Batch) -> Index:
    return batch.offsets[:-1]


def _forward(ctx: HeadContext, scratch: PooledScratch) -> Array:
    pooled = pooler_forward(Pooling(ctx.weights.pooler), ctx.hidden, ctx.rows, scratch.pooler)
    linear_forward(pooled, ctx.weights.heads[NAME], scratch.logits)
    return scratch.logits


def _logits(ctx: HeadContext) -> Array:
    return _forward(ctx, ctx.scratch.front(len(ctx.rows))).copy()


def _losses(ctx: HeadContext) -> Tally:
    assert ctx.targets is not None
    scratch: PooledScratch = ctx.scratch.front(len(ctx.rows))
    logits, gradients = _forward(ctx, scratch), ctx.gradients
    d_bias = scratch.d_bias if gradients is None else gradients.heads[NAME].bias
    loss, correct = _cross_entropy(logits, ctx.targets, ctx.factor, d_bias, logits)
    if gradients is not None:
        weight_backward(scratch.pooler.pooled, logits, gradients.heads[NAME])
        input_backward(logits, ctx.weights.heads[NAME], scratch.pooler.d_pooled)
        pooler_backward(
            Pooling(ctx.weights.pooler), gradients.pooler, ctx.rows, scratch.pooler, ctx.d_hidden
        )
    return Tally(loss, len(ctx.targets), correct)


def _guessing(frequencies: Frequencies) -> float | None:
    return None if frequencies.labels is None else entropy(frequencies.labels)


HEAD = Head(
    fitted=_fitted,
    shapes=_shapes,
    weights=_weights,
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=_logits,
    losses=_losses,
    guessing=_guessing,
)
