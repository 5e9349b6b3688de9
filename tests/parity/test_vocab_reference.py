"""The plain-Python twin of the trainer against tokenizers' BpeTrainer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parity.huggingface import assert_agrees
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.reference import train_reference

LETTERS = st.text("abc", min_size=1, max_size=9)


def words_of(texts):
    return st.dictionaries(texts, st.integers(1, 9), min_size=1, max_size=9)


@settings(max_examples=300)
@given(words_of(LETTERS), st.integers(3, 40), st.integers(0, 4), st.none() | st.integers(1, 6))
def test_characters(words, size, floor, longest):
    config = VocabConfig(
        model="bpe",
        vocab_size=(size,),
        min_frequency=floor,
        max_token_length=longest,
        special_tokens=("[U]", "ab"),
    )
    assert_agrees(train_reference, words, config)


@settings(max_examples=300)
@given(words_of(st.text("ab#", min_size=1, max_size=9)), st.integers(10, 60))
def test_prefix_in_the_text_makes_one_token_by_two_merges(words, size):
    config = VocabConfig(vocab_size=(size,), special_tokens=(), min_frequency=1)
    assert_agrees(train_reference, words, config)
