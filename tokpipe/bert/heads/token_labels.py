"""What a word is: logits of its first piece alone, for other tokens carry no tag."""

from numpy.typing import NDArray

from tokpipe.bert.classifier import class_losses, weight_of
from tokpipe.bert.head import Index
from tokpipe.bert.token_classifier import token_head
from tokpipe.foundation.batch import Batch


def _targets(batch: Batch) -> NDArray | None:
    return batch.tags


def _output_rows(batch: Batch) -> Index:
    assert batch.tag_positions is not None, "a batch without places of tags"
    return batch.tag_positions


HEAD = token_head(
    "token", "masks", class_losses, targets=_targets, output_rows=_output_rows, total=weight_of
)
