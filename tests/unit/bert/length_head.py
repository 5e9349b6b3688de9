"""A head that no model has: the length of a sequence, by regression, from its first token."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Array, Capacity, Head, HeadContext, Index, New
from tokpipe.bert.losses import Tally
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.registry import Entry
from tokpipe.bert.residual import gather_rows, scatter_rows
from tokpipe.bert.weights import Linear, linear_of
from tokpipe.foundation.batch import Batch

NAME = "length"
ENTRY = Entry(NAME, "lengths of sequences", "lengths", __name__)


class LengthScratch(NamedTuple):
    """Hidden states of the first tokens and their gradient, float32[B, H]."""

    first: Array
    d_first: Array


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(NAME, 1, config.hidden_size)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> LengthScratch:
    return LengthScratch(*(new(capacity.sequences, config.hidden_size) for _ in range(2)))


def _output_rows(batch: Batch) -> Index:
    return batch.offsets[:-1]


def _targets(batch: Batch) -> NDArray:
    return np.log(np.diff(batch.offsets))


def _logits(ctx: HeadContext) -> Array:
    weights: Linear = ctx.weights.heads[NAME]
    first = ctx.scratch.first[: len(ctx.rows)]
    gather_rows(ctx.hidden, ctx.rows, first, False)
    return first @ weights.weight.T + weights.bias


def _losses(ctx: HeadContext) -> Tally:
    missed = _logits(ctx)[:, 0] - ctx.targets
    if ctx.gradients is not None:
        gradients: Linear = ctx.gradients.heads[NAME]
        first, d_first = (array[: len(ctx.rows)] for array in ctx.scratch)
        slopes = (2 * ctx.factor * missed).astype(first.dtype)[:, None]
        gradients.weight[...] += slopes.T @ first
        gradients.bias[...] += slopes.sum(0)
        d_first[:] = slopes * ctx.weights.heads[NAME].weight
        scatter_rows(d_first, ctx.rows, ctx.d_hidden)
    return Tally(float((missed**2).sum()), len(missed))


HEAD = Head(
    shapes=_shapes,
    weights=lambda views: linear_of(views, NAME),
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=_logits,
    losses=_losses,
)
