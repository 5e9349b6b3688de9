"""Texts that are split into words already, held against the `tokenizers` library."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tokenizer.judge import library_of
from tests.unit.tokenizer.test_tokenizer import BERT, ROBERTA, SPECIAL, TEXT
from tokpipe.foundation.arrays import Strings

BOTH = pytest.mark.parametrize("tokenizer", [BERT, ROBERTA], ids=["bert", "roberta"])
WORDS = st.lists(TEXT | SPECIAL | st.just(""), max_size=8)


@BOTH
@given(words=WORDS)
def test_buffers_of_words_have_the_ids_of_the_library(tokenizer, words):
    ids, borders = tokenizer.encode_word_strings(Strings.from_list(words))
    theirs = library_of(tokenizer).encode(words, is_pretokenized=True, add_special_tokens=False)
    assert ids.tolist() == theirs.ids and ids.dtype == np.int32 and borders.dtype == np.int64
    assert np.repeat(np.arange(len(words)), np.diff(borders)).tolist() == theirs.word_ids


@BOTH
def test_many_words_on_any_threads_are_the_same(tokenizer):
    words = Strings.from_list(["unseen", "the", "[MASK]", "", "a b", "\u0301", "the\n"] * 60_000)
    one, two = (tokenizer.encode_word_strings(words, threads=n) for n in (1, 2))
    assert all(map(np.array_equal, one, two)) and len(one[1]) == len(words) + 1
