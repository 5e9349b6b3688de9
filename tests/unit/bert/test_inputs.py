"""A batch that would reach outside a table is refused before a kernel sees it."""

import numpy as np
import pytest

from tokpipe.bert.config import BertConfig
from tokpipe.bert.inputs import check_input
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import InputError

CONFIG = BertConfig(vocab_size=10, hidden_size=8, num_attention_heads=2, max_position_embeddings=4)


def packed(**changes):
    arrays = {
        "input_ids": [1, 2, 3, 9, 5],
        "offsets": [0, 3, 5],
        "token_type_ids": [0, 0, 1, 0, 1],
        "masked_positions": [1, 4],
        "masked_ids": [7, 8],
        "next_sentence_label": [0, 1],
    } | changes
    return Batch(**{k: None if v is None else np.array(v, np.int32) for k, v in arrays.items()})


def test_a_good_batch_passes_with_and_without_labels():
    check_input(packed(), CONFIG)
    check_input(Batch(packed().input_ids, packed().offsets), CONFIG)
    check_input(packed(masked_ids=None, next_sentence_label=None), CONFIG)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"input_ids": [1, 2, 3, 10, 5]}, r"input_ids\[3\]=10"),
        ({"input_ids": [-1, 2, 3, 1, 5]}, r"input_ids\[0\]=-1"),
        ({"token_type_ids": [0, 0, 2, 0, 1]}, "token_type_ids"),
        ({"token_type_ids": [0, 0]}, "5 are needed"),
        ({"masked_positions": [1, 5]}, "masked_positions"),
        ({"masked_ids": [7]}, "masked_ids"),
        ({"masked_ids": [7, 10]}, "masked_ids"),
        ({"next_sentence_label": [0, 2]}, "next_sentence_label"),
        ({"next_sentence_label": [0]}, "2 are needed"),
        ({"offsets": [0, 3, 4]}, "offsets"),
        ({"offsets": [0, 5]}, "room for 4"),
        ({"offsets": [0, 3, 3, 5]}, "no token"),
    ],
)
def test_what_is_out_of_range_is_named(changes, named):
    with pytest.raises(InputError, match=named):
        check_input(packed(**changes), CONFIG)
