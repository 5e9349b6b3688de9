import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import BERT, TOKENIZERS, WORDS
from tests.unit.tokenizer.test_foreign import unigram
from tokpipe.finetuning.encode_offsets import encode_located
from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=15)
__all__ = ["unigram"]


def shown(found, texts):
    """Return the text of each token."""
    return [
        [texts[i].encode()[a:b].decode() for a, b in found.spans[slice(*found.borders[i : i + 2])]]
        for i in range(len(texts))
    ]


def assert_places(tokenizer, texts):
    found = encode_located(tokenizer, Strings.from_list(texts))
    whole = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert found.ids.tolist() == [id for encoding in whole for id in encoding.ids]
    assert np.diff(found.borders).tolist() == [len(encoding.ids) for encoding in whole]
    for encoding, text, tokens in zip(whole, texts, shown(found, texts), strict=True):
        for (start, end), token in zip(encoding.offsets, tokens, strict=True):
            plain = text[start:end].strip(" \t\n\v\f\r")
            assert token.startswith(plain)
            assert {unicodedata.category(char)[0] for char in token[len(plain) :]} <= {"M"}


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(texts=st.lists(TEXT, max_size=4))
def test_tokens_stand_where_encodings_say(tokenizer, texts):
    with_spaces = replace(tokenizer.spec.template, trim=False)
    assert_places(Tokenizer(replace(tokenizer.spec, template=with_spaces)), texts)


def test_tokens_of_the_library_stand_where_encodings_say(unigram):
    assert_places(unigram[0], ["low löw lower", "", "日 low"])
    found = encode_located(unigram[0], Strings.from_list(["日e low", "löw e"]))
    assert shown(found, ["日e low", "löw e"])[0][-1] == "low"


def test_bytes_and_not_characters_are_counted():
    text = "京é a\u0301\u0302b 😀."
    found = encode_located(BERT, Strings.from_list(["東", text]))
    assert shown(found, ["東", text]) == [["東"], ["京", "é", "a\u0301\u0302", "b", "😀", "."]]
    assert found.spans.dtype == np.int32


def test_a_stripped_accent_belongs_to_the_letter_but_a_lost_character_to_none():
    texts = ["e\u0301", "e\u200b", "e\u0301\u200b\u0301 e"]
    found = encode_located(BERT, Strings.from_list(texts))
    assert shown(found, texts) == [["e\u0301"], ["e"], ["e\u0301", "e"]]


def test_blocks_threads_and_a_part_of_a_buffer_change_nothing(monkeypatch):
    texts = ["é the\n" * 20, "", "東京 a"] * 50
    whole = encode_located(BERT, Strings.from_list(texts))
    strings = Strings.from_list(["é", *texts])
    monkeypatch.setattr("tokpipe.tokenizer.engine.BLOCK_BYTES", 300)
    for threads in (1, 3):
        found = encode_located(BERT, Strings(strings.data, strings.offsets[1:]), threads)
        assert all(map(np.array_equal, found, whole))


def test_no_text_has_no_token():
    found = encode_located(BERT, Strings.from_list([]))
    assert found.borders.tolist() == [0] and found.spans.shape == (0, 2)
