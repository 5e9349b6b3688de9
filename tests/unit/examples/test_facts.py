import numpy as np
import pytest

from tests.unit.examples.blocks import facts_of
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.masking import mask_examples


def test_pieces_inside_words_by_prefix():
    facts = facts_of(10, continuing=[8])
    assert facts.continues_word.tolist() == [0] * 8 + [1, 0]
    assert facts.is_special.tolist() == [1] * 5 + [0] * 5
    assert facts.ordinary.tolist() == [5, 6, 7, 8, 9]
    assert (facts.cls_id, facts.sep_id, facts.mask_id, facts.vocab_size) == (2, 3, 4, 10)


def test_pieces_inside_words_by_missing_space_marks():
    tokens = ["<s>", "Ġthe", "ing", "▁a", "."]
    facts = TokenFacts.of_tokens(tokens, {"<s>"}, {"cls": 0}, "")
    assert facts.continues_word.tolist() == [0, 0, 1, 0, 1]
    assert facts.mask_id == -1


def test_the_prefix_alone_is_a_word():
    facts = TokenFacts.of_tokens(["##", "##a"], set(), {}, "##")
    assert facts.continues_word.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("tokens", "prefix", "counted"),
    [
        (["<s>", "<unk>", "un", "##seen"], "##", [0, 1, 1, 0]),
        (["<s>", "<unk>", "Ġun", "seen"], "", [0, 1, 1, 0]),
        (["<s>", "<unk>", "un", "seen"], "", [0, 1, 1, 1]),
        (["<s>", "<unk>", "un", "seen</w>"], "", [0, 1, 1, 1]),
    ],
    ids=["pieces inside", "spaces before", "no marks", "ends of words"],
)
def test_tokens_that_are_counted_as_words(tokens, prefix, counted):
    facts = TokenFacts.of_tokens(tokens, tokens[:2], {"cls": 0, "unk": 1}, prefix)
    assert facts.counts_as_word.tolist() == counted


def test_ids_that_no_token_has_are_never_drawn():
    tokens = ["[CLS]", "[MASK]", "", "a", "", "##b", ""]
    facts = TokenFacts.of_tokens(tokens, {"[CLS]", "[MASK]"}, {"cls": 0, "mask": 1}, "##")
    assert facts.ordinary.tolist() == [3, 5] and facts.vocab_size == 7
    ids = np.tile(np.array([0, 3, 5], np.int32), 400)
    config = MaskConfig(masked_lm_prob=1, mask_replace_prob=0, random_replace_prob=1)
    offsets, keys = np.arange(0, len(ids) + 1, 3), np.arange(400, dtype=np.uint64)
    mask_examples(ids, offsets, keys, facts, config)
    assert set(ids.tolist()) == {0, 3, 5}
