import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tasks.models import CONFIG, tokenizer
from tokpipe.bert.config import BertConfig
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tasks.sequences import (
    Masked,
    batches_by_length,
    encode_pairs,
    encode_texts,
    pack,
)


def test_texts_get_special_tokens_and_are_cut_to_the_model():
    found = encode_texts(tokenizer(), ["the cats sat", "", "dog " * 40], CONFIG)
    tokens = tokenizer().tokens
    first = found.input_ids[: found.offsets[1]]
    assert [tokens[i] for i in first] == ["[CLS]", "the", "cat", "##s", "sat", "[SEP]"]
    assert np.diff(found.offsets).tolist() == [6, 2, 24]
    assert found.cut == 1
    assert found.input_ids[-1] == 3
    short = encode_texts(tokenizer(), ["the cats sat"], CONFIG, max_length=4)
    assert [tokens[i] for i in short.input_ids] == ["[CLS]", "the", "cat", "[SEP]"]


def test_pairs_get_segments_and_the_longer_text_is_cut():
    found = encode_pairs(tokenizer(), [("the cat", "it ran"), ("dog " * 40, "it")], CONFIG)
    assert np.diff(found.offsets).tolist() == [7, 24]
    assert found.token_type_ids[:7].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert found.input_ids[-2:].tolist() == [tokenizer().ids["it"], 3]
    assert found.cut == 1


PAIRS = [("", ""), ("the cat", ""), ("", "it ran"), ("the cats sat " * 9, "it ran " * 9)]
PAIRS += [("dog " * 40, "it"), ("it", "dog " * 40), ("no-such-word Ä", "the cat")]


@pytest.mark.parametrize("longest", [4, 5, 9, 24, 200])
def test_pairs_are_what_the_tokenizer_makes_of_each(longest):
    config = BertConfig.from_dict(CONFIG.to_dict() | {"max_position_embeddings": longest})
    found = encode_pairs(tokenizer(), PAIRS, config)
    one_by_one = [tokenizer().encode(*pair, max_length=longest, padding=False) for pair in PAIRS]
    assert found.offsets.tolist() == np.cumsum([0, *(len(e.ids) for e in one_by_one)]).tolist()
    assert found.input_ids.tolist() == [id for e in one_by_one for id in e.ids]
    assert found.token_type_ids.tolist() == [kind for e in one_by_one for kind in e.type_ids]
    whole = [tokenizer().encode(*pair, max_length=1_000, padding=False) for pair in PAIRS]
    assert found.cut == sum(len(encoding.ids) > longest for encoding in whole)


def test_a_text_of_a_pair_that_is_none_is_named():
    with pytest.raises(InputError, match=r"pair 2 is None"):
        encode_pairs(tokenizer(), [("a", "b"), ("c", None)], CONFIG)
    with pytest.raises(InputError, match=r"pair 1 has a lone surrogate"):
        encode_pairs(tokenizer(), [("a", "\ud800"), ("c", "d")], CONFIG)


def test_what_no_sequence_can_be_made_of_is_refused():
    with pytest.raises(InputError, match=r"text 2 has a lone surrogate U\+D800 at character 1"):
        encode_texts(tokenizer(), ["ok", "a\ud800"], CONFIG)
    with pytest.raises(InputError, match="text 2 is None"):
        encode_texts(tokenizer(), ["ok", None], CONFIG)
    with pytest.raises(ConfigError, match="max_length=2"):
        encode_texts(tokenizer(), ["ok"], CONFIG, max_length=2)


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 60))
def test_each_sequence_goes_into_one_batch_of_at_most_so_many_tokens(lengths, most):
    lengths = np.array(lengths, np.int64)
    batches = list(batches_by_length(lengths, most))
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(len(lengths)))
    assert all(lengths[rows].sum() <= most or len(rows) == 1 for rows in batches)


def test_a_batch_holds_its_sequences_and_the_places_of_their_masks():
    texts = ["the [MASK] sat", "dog", "[MASK] and [MASK]"]
    sequences = encode_texts(tokenizer(), texts, CONFIG)
    masked = Masked.where(sequences, 4)
    assert np.diff(masked.borders).tolist() == [1, 0, 2]
    packed = pack(sequences, np.array([2, 0]), masked)
    assert packed.offsets.tolist() == [0, 5, 10]
    assert packed.masked_positions.tolist() == [1, 3, 7]
    assert (packed.input_ids[packed.masked_positions] == 4).all()
