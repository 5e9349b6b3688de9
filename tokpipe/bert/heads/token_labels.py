"""What a word is: logits of its first piece alone, for other tokens carry no tag."""

from collections.abc import Iterator
from typing import NamedTuple

from numpy.typing import NDArray

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
from tokpipe.bert.head import Array, Capacity, Head, HeadContext, Index, New, Views
from tokpipe.bert.losses import Tally
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.residual import gather_rows, scatter_rows
from tokpipe.bert.weights import Linear, linear_of
from tokpipe.foundation.batch import Batch

NAME, OUTPUT = "token", "token.output"


class TokenHeadScratch(NamedTuple):
    """What the head keeps, and its spare arrays."""

    # `taken`, `d_taken`: float32[N, H]: hidden states at the places of tags, and their gradient
    taken: Array
    d_taken: Array
    logits: Array  # float32[N, C]: one row a word
    d_bias: Array  # float32[C]: spare, where nothing is learned

    def front(self, count: int) -> "TokenHeadScratch":
        """Return the rows of so many words."""
        rows = self.taken[:count], self.d_taken[:count], self.logits[:count]
        return TokenHeadScratch(*rows, self.d_bias)


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(OUTPUT, config.outputs, config.hidden_size)


def _weights(views: Views) -> Linear:
    return linear_of(views, OUTPUT)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> TokenHeadScratch:
    n, hidden, classes = capacity.masks, config.hidden_size, config.outputs
    return TokenHeadScratch(new(n, hidden), new(n, hidden), new(n, classes), new(classes))


def _targets(batch: Batch) -> NDArray | None:
    return batch.tags


def _output_rows(batch: Batch) -> Index:
    assert batch.tag_positions is not None, "a batch without places of tags"
    return batch.tag_positions


def _forward(ctx: HeadContext, scratch: TokenHeadScratch) -> Classifier:
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
    scratch: TokenHeadScratch = ctx.scratch.front(len(ctx.rows))
    classifier = _forward(ctx, scratch)
    d_bias = scratch.d_bias if classifier.gradients is None else classifier.gradients.bias
    tally = with_teacher(ctx, classifier.logits, d_bias, class_losses)
    if classifier.gradients is not None:
        classifier_backward(classifier, scratch.d_taken)
        scatter_rows(scratch.d_taken, ctx.rows, ctx.d_hidden)
    return tally


HEAD = Head(
    fitted=without_job,
    shapes=_shapes,
    weights=_weights,
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=_logits,
    losses=_losses,
    total=weight_of,
)
