"""Where an answer is: of each token whether one begins there, and whether one ends there."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Array, HeadContext, Index, Objective
from tokpipe.bert.kernels import losses
from tokpipe.bert.losses import Tally
from tokpipe.bert.token_classifier import token_head
from tokpipe.bert.twins import by_precision
from tokpipe.foundation.batch import Batch

_span_cross_entropy = by_precision(losses.span_cross_entropy)


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


def _tally(ctx: HeadContext, logits: Array, d_bias: Array) -> Tally:
    assert ctx.targets is not None
    loss, correct = _span_cross_entropy(logits, ctx.offsets, ctx.targets, ctx.factor, d_bias)
    return Tally(loss, int(_total(ctx.targets, ctx.objective, ctx.config)), correct)


HEAD = token_head(
    "span", "tokens", _tally, targets=_targets, output_rows=_output_rows, total=_total
)
