"""Where an answer is: of each token whether one begins there, and whether one ends there."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.classifier import (
    Classifier,
    classifier_backward,
    classifier_forward,
    without_job,
)
from tokpipe.bert.config import BertConfig
from tokpipe.bert.distillation import with_teacher
from tokpipe.bert.head import Array, Capacity, Head, HeadContext, Index, New, Objective, Views
from tokpipe.bert.kernels import losses
from tokpipe.bert.losses import Tally
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.residual import gather_rows, scatter_rows
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear, linear_of
from tokpipe.foundation.batch import Batch

NAME, OUTPUT = "span", "span.output"

_span_cross_entropy = by_precision(losses.span_cross_entropy)


class SpanHeadScratch(NamedTuple):
    """What the head keeps, and its spare arrays."""

    # `taken`, `d_taken`: float32[T, H]: hidden states of all tokens, and their gradient
    taken: Array
    d_taken: Array
    logits: Array  # float32[T, 2]: begins there, ends there
    d_bias: Array  # float32[2]: spare, where nothing is learned

    def front(self, count: int) -> "SpanHeadScratch":
        """Return the rows of so many tokens."""
        rows = self.taken[:count], self.d_taken[:count], self.logits[:count]
        return SpanHeadScratch(*rows, self.d_bias)


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(OUTPUT, config.outputs, config.hidden_size)


def _weights(views: Views) -> Linear:
    return linear_of(views, OUTPUT)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> SpanHeadScratch:
    t, hidden, ends = capacity.tokens, config.hidden_size, config.outputs
    return SpanHeadScratch(new(t, hidden), new(t, hidden), new(t, ends), new(ends))


def _targets(batch: Batch) -> NDArray | None:
    """Return the spans, -1 where an end lies outside of its sequence."""
    if batch.answer_spans is None:
        return None
    is_inside = batch.answer_spans.max(1) < np.diff(batch.offsets)
    return np.where(is_inside[:, None], batch.answer_spans, np.int32(-1))


def _total(targets: NDArray, objective: Objective, config: BertConfig) -> float:
    return float((targets[:, 0] >= 0).sum())


def _output_rows(batch: Batch) -> Index:
    return np.arange(len(batch.input_ids), dtype=np.int32)


def _forward(ctx: HeadContext, scratch: SpanHeadScratch) -> Classifier:
    gather_rows(ctx.hidden, ctx.rows, scratch.taken, False)
    gradients = ctx.gradients and ctx.gradients.heads[NAME]
    classifier = Classifier(
        *(ctx.weights.heads[NAME], gradients, ctx.dropout(0), scratch.taken, scratch.logits)
    )
    classifier_forward(classifier)
    return classifier


def _logits(ctx: HeadContext) -> Array:
    return _forward(ctx, ctx.scratch.front(len(ctx.rows))).logits.copy()


def _losses(ctx: HeadContext) -> Tally:
    scratch: SpanHeadScratch = ctx.scratch.front(len(ctx.rows))
    classifier = _forward(ctx, scratch)
    d_bias = scratch.d_bias if classifier.gradients is None else classifier.gradients.bias
    tally = with_teacher(ctx, classifier.logits, d_bias, _tally)
    if classifier.gradients is not None:
        classifier_backward(classifier, scratch.d_taken)
        scatter_rows(scratch.d_taken, ctx.rows, ctx.d_hidden)
    return tally


def _tally(ctx: HeadContext, logits: Array, d_bias: Array) -> Tally:
    assert ctx.targets is not None
    loss, correct = _span_cross_entropy(logits, ctx.offsets, ctx.targets, ctx.factor, d_bias)
    return Tally(loss, int(_total(ctx.targets, ctx.objective, ctx.config)), correct)


HEAD = Head(
    fitted=without_job,
    shapes=_shapes,
    weights=_weights,
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=_logits,
    losses=_losses,
    total=_total,
)
