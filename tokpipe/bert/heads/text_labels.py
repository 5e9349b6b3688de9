"""What a text is: one of some classes, a number, or any of some classes; one row of logits a text.

In front of the map to the classes stands the pooler (BERT, ALBERT), or a map of the head's own with
tanh (RoBERTa) or GELU (ELECTRA) and dropout on both sides, or with ReLU (DistilBERT).
"""

from collections.abc import Iterator
from typing import NamedTuple

from numpy.typing import NDArray

from tokpipe.bert.activations import activation_named
from tokpipe.bert.classifier import (
    Classifier,
    class_losses,
    classifier_backward,
    classifier_forward,
    weight_of,
    without_job,
)
from tokpipe.bert.config import BertConfig
from tokpipe.bert.distillation import with_teacher
from tokpipe.bert.dropout import NO_DROPOUT
from tokpipe.bert.head import Array, Capacity, Head, HeadContext, Index, New, Objective, Views
from tokpipe.bert.kernels import losses
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

NAME, DENSE, OUTPUT = "text", "text.dense", "text.output"

_LOSSES = {
    "regression": by_precision(losses.squared_error),
    "multilabel": by_precision(losses.binary_cross_entropy),
}


class TextHeadWeights(NamedTuple):
    """The head's own map [H, H], None where it stands on the pooler; the map to the classes."""

    dense: Linear | None
    output: Linear


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    if config.classifier != "pooler":
        yield from linear_shapes(DENSE, config.hidden_size, config.hidden_size)
    yield from linear_shapes(OUTPUT, config.outputs, config.hidden_size)


def _weights(views: Views) -> TextHeadWeights:
    dense = linear_of(views, DENSE) if f"{DENSE}.weight" in views else None
    return TextHeadWeights(dense, linear_of(views, OUTPUT))


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> PooledScratch:
    return pooled_scratch(capacity.sequences, config.hidden_size, config.outputs, new)


def _targets(batch: Batch) -> NDArray | None:
    return batch.labels


def _output_rows(batch: Batch) -> Index:
    return batch.offsets[:-1]


def _total(targets: NDArray, objective: Objective, config: BertConfig) -> float:
    if config.problem != "classification":
        return len(targets)
    return weight_of(targets, objective, config)


def _pooling(ctx: HeadContext) -> Pooling:
    """Return what stands in front of the map to the classes."""
    dense, kind = ctx.weights.heads[NAME].dense, ctx.config.classifier
    if dense is None:
        return Pooling(ctx.weights.pooler)
    return Pooling(dense, activation_named(kind), NO_DROPOUT if kind == "relu" else ctx.dropout(1))


def _forward(ctx: HeadContext, scratch: PooledScratch) -> Classifier:
    pooled = pooler_forward(_pooling(ctx), ctx.hidden, ctx.rows, scratch.pooler)
    gradients = ctx.gradients and ctx.gradients.heads[NAME].output
    output = ctx.weights.heads[NAME].output
    classifier = Classifier(output, gradients, ctx.dropout(0), pooled, scratch.logits)
    classifier_forward(classifier)
    return classifier


def _logits(ctx: HeadContext) -> Array:
    return _forward(ctx, ctx.scratch.front(len(ctx.rows))).logits.copy()


def _losses(ctx: HeadContext) -> Tally:
    scratch: PooledScratch = ctx.scratch.front(len(ctx.rows))
    classifier = _forward(ctx, scratch)
    d_bias = scratch.d_bias if classifier.gradients is None else classifier.gradients.bias
    tally = with_teacher(ctx, classifier.logits, d_bias, _tally)
    if ctx.gradients is not None:
        classifier_backward(classifier, scratch.pooler.d_pooled)
        gradients = ctx.gradients.heads[NAME].dense or ctx.gradients.pooler
        pooler_backward(_pooling(ctx), gradients, ctx.rows, scratch.pooler, ctx.d_hidden)
    return tally


def _tally(ctx: HeadContext, logits: Array, d_bias: Array) -> Tally:
    if ctx.config.problem == "classification":
        return class_losses(ctx, logits, d_bias)
    assert ctx.targets is not None
    targets = ctx.targets.reshape(logits.shape)
    loss = _LOSSES[ctx.config.problem](logits, targets, ctx.factor, d_bias)
    return Tally(loss, len(targets))


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
