"""Texts that are split into words already, held against the `tokenizers` library."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_tokenizer import specs
from tests.unit.tokenizer.judge import assert_equal, library_of
from tests.unit.tokenizer.test_tokenizer import BERT, FLAGS, ROBERTA, SPECIAL, TEXT, roberta
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer import native
from tokpipe.tokenizer.spec import AddedToken
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.config import GPT2

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


@st.composite
def sentences(draw):
    many = draw(st.lists(WORDS, min_size=1, max_size=4))
    pairs = draw(st.none() | st.lists(WORDS, min_size=len(many), max_size=len(many)))
    return many, pairs


def given_to_library(many, pairs):
    return many if pairs is None else list(zip(many, pairs, strict=True))


@BOTH
@given(given=sentences(), special=st.booleans())
def test_words_are_encoded_as_the_library_does(tokenizer, given, special):
    many, pairs = given
    ours = tokenizer.encode_words(many, pairs, add_special_tokens=special)
    theirs = library_of(tokenizer).encode_batch(
        given_to_library(many, pairs), is_pretokenized=True, add_special_tokens=special
    )
    for one, other in zip(ours, theirs, strict=True):
        assert_equal(one, other)


@BOTH
@given(given=sentences(), length=st.integers(5, 12), stride=st.integers(0, 1))
def test_windows_of_words_are_the_librarys(tokenizer, given, length, stride):
    many, pairs = given
    theirs = library_of(tokenizer)
    theirs.enable_truncation(length, stride=stride)
    try:
        expected = theirs.encode_batch(given_to_library(many, pairs), is_pretokenized=True)
    except BaseException as error:  # a panic is no Exception
        assert type(error).__name__ in ("Exception", "PanicException")
        with pytest.raises(ConfigError):
            tokenizer.encode_words(many, pairs, max_length=length, stride=stride)
        return
    how = {} if stride == 0 else {"stride": stride}
    ours = tokenizer.encode_words(many, pairs, max_length=length, **how)
    for one, other in zip(ours, expected, strict=True):
        assert_equal(one, other)
    for one in tokenizer.encode_words(many, pairs, max_length=length, stride=None):
        assert one.overflowing == []


@given(spec=specs(), words=st.lists(st.text("abcå日AB .,'\n", max_size=9), max_size=6))
def test_any_small_vocabulary_encodes_words_as_the_library_does(spec, words):
    tokenizer = Tokenizer(spec)
    assert_equal(tokenizer.encode_words(words), library_of(tokenizer).encode(words, None, True))


@given(
    contents=st.lists(st.text("ab A[é ", min_size=1, max_size=3), max_size=3, unique=True),
    flags=st.lists(FLAGS, min_size=3, max_size=3),
    words=st.lists(st.text("ab A[é _\n\u3000", max_size=20), min_size=1, max_size=4),
    prefix=st.booleans(),
)
def test_added_tokens_and_prefix_spaces_are_those_of_each_word(contents, flags, words, prefix):
    spaced = replace(GPT2, add_prefix_space=prefix)
    for plain in (BERT, roberta(words=spaced)):
        known = {token.content for token in plain.spec.added_tokens} | set(plain.tokens)
        new = [content for content in contents if content not in known]
        added = [
            AddedToken(len(plain.tokens) + i, content, **flag)
            for i, (content, flag) in enumerate(zip(new, flags, strict=False))
        ]
        spec = replace(plain.spec, added_tokens=(*plain.spec.added_tokens, *added))
        tokenizer = Tokenizer(spec)
        theirs = library_of(tokenizer).encode(words, is_pretokenized=True)
        assert_equal(tokenizer.encode_words(words), theirs)
        ids, _ = tokenizer.encode_word_strings(Strings.from_list(words))
        assert tokenizer.encode_words(words, add_special_tokens=False).ids == ids.tolist()


@BOTH
@given(words=WORDS, pair=st.none() | WORDS, padding=st.sampled_from([None, 12]))
def test_places_are_looked_up_as_the_library_does(tokenizer, words, pair, padding):
    theirs = library_of(tokenizer)
    if padding:
        theirs.enable_padding(length=padding)
    other = theirs.encode(words, pair, is_pretokenized=True)
    compare_lookups(tokenizer.encode_words(words, pair, padding=padding), other)
    text = " ".join(words)
    compare_lookups(tokenizer.encode(text, padding=padding), theirs.encode(text))


def compare_lookups(ours, theirs):
    texts = sorted({text for text in theirs.sequence_ids if text is not None})
    for i in range(len(theirs) + 1):
        for name in ("token_to_sequence", "token_to_word", "token_to_chars"):
            assert getattr(ours, name)(i) == getattr(theirs, name)(i), name
        for text in texts:
            for name in ("word_to_tokens", "word_to_chars", "char_to_token", "char_to_word"):
                assert getattr(ours, name)(i, text) == getattr(theirs, name)(i, text), name


def test_what_is_not_there_has_no_place():
    one = BERT.encode_words(["the", ""])
    assert one.word_to_tokens(0) == (1, 2) and one.word_to_tokens(1) is None
    assert one.word_to_tokens(0, 1) is one.char_to_token(0, 1) is one.char_to_word(0, 1) is None
    assert one.token_to_word(0) is one.token_to_chars(9) is one.token_to_sequence(-1) is None


def test_chunks_of_words_are_cut_between_texts(monkeypatch):
    many = [["un", "seen"], [], [""], ["a b", "c"] * 9, ["the"]] * 3
    expected = BERT.encode_words(many, many)
    monkeypatch.setattr(native, "_CHUNK_BYTES", 5)
    assert BERT.encode_words(many, many) == expected


def test_one_text_or_many():
    assert BERT.encode_words([]) == BERT.encode_words(()) == BERT.encode("")
    assert BERT.encode_words([[]]) == [BERT.encode("")]
    assert BERT.encode_words(np.array(["a", "b"])).ids == BERT.encode("a b").ids
    batch = BERT.encode_words([["a"], ["a", "b"]], padding=True)
    assert [len(one) for one in batch] == [4, 4]


@pytest.mark.parametrize(
    ("words", "pair", "said"),
    [
        ("abc", None, r"words: a str \('abc'\), a list of strings is needed"),
        (["a", None], None, "word 2 is None: strings are needed"),
        ([["a"], "b"], None, r"text 2, words: a str \('b'\)"),
        ([["a"], ["b", 3]], None, r"text 2, word 2 is an int \(3\)"),
        ([None], None, "text 1, words: None"),
        (["a", "b\ud800"], None, r"the text, word 2, has a lone surrogate U\+D800 at character 1"),
        ([["a"], ["b", "\ud801"]], None, "text 2, word 2, has a lone surrogate"),
        (["a"], "b", r"pair's words: a str \('b'\)"),
        ([["a"]], [["b", "\ud801"]], "the second text, word 2, has a lone surrogate"),
        ([["a"]] * 2, [["b"], [1]], "pair 2, word 1 is an int"),
    ],
)
def test_what_are_no_words(words, pair, said):
    with pytest.raises(InputError, match=said):
        BERT.encode_words(words, pair)
    with pytest.raises(ConfigError, match="1 texts and 2 pairs"):
        BERT.encode_words([["a"]], [["b"], ["c"]])
