"""What a word is: logits of its first piece alone, for other tokens carry no tag."""

from collections.abc import Iterator
from functools import partial

from numpy.typing import NDArray

from tokpipe.bert.classifier import class_losses, weight_of, without_job
from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity, Head, Index, New, Views
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.token_classifier import TokenScratch, token_logits, token_losses, token_scratch
from tokpipe.bert.weights import Linear, linear_of
from tokpipe.foundation.batch import Batch

NAME, OUTPUT = "token", "token.output"


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(OUTPUT, config.outputs, config.hidden_size)


def _weights(views: Views) -> Linear:
    return linear_of(views, OUTPUT)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> TokenScratch:
    return token_scratch(capacity.masks, config, new)


def _targets(batch: Batch) -> NDArray | None:
    return batch.tags


def _output_rows(batch: Batch) -> Index:
    assert batch.tag_positions is not None, "a batch without places of tags"
    return batch.tag_positions


HEAD = Head(
    fitted=without_job,
    shapes=_shapes,
    weights=_weights,
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=partial(token_logits, name=NAME),
    losses=partial(token_losses, name=NAME, gold=class_losses),
    total=weight_of,
)
