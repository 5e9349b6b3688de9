import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_words_split import BERT_CONFIGS, PLAIN_CONFIGS, TEXTS
from tests.parity.peers_words import peer_words
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError
from tokpipe.words.config import BERT_CASED, BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.pre_tokenizers import split_words


def words_of(text, config):
    words, _ = split_words(Strings.from_list([text]), config)
    return [word.decode(errors="replace") for word in words.iter_bytes()]


def test_bert_lowers_and_keeps_accents_unless_asked():
    text = "Ångström's naïve café: 東京"
    assert words_of(text, BERT_UNCASED) == ["ångström", "'", "s", "naïve", "café", ":", "東", "京"]
    assert words_of(text, BERT_CASED) == ["Ångström", "'", "s", "naïve", "café", ":", "東", "京"]
    stripped = WordsConfig(strip_accents=True)
    assert words_of(text, stripped) == ["angstrom", "'", "s", "naive", "cafe", ":", "東", "京"]


def test_gpt2_keeps_the_space_before_a_word_and_cuts_contractions():
    assert words_of("don't  go 12 x\n\nno ", GPT2) == [
        "don", "'t", " ", " go", " 12", " x", "\n", "\n", "no", " ",
    ]  # fmt: skip


def test_whitespace_and_its_split():
    config = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace")
    assert words_of("a_b... c-d\u00a0é", config) == ["a_b", "...", "c", "-", "d", "é"]
    config = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
    assert words_of(" a_b... c-d\u00a0é", config) == ["a_b...", "c-d", "é"]


def test_a_text_without_pre_tokenizer_is_one_word():
    config = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="none")
    words, text_words = split_words(Strings.from_list(["a b", "", "c"]), config)
    assert list(words.iter_bytes()) == [b"a b", b"c"]
    assert text_words.tolist() == [0, 1, 1, 2]


@given(TEXTS, BERT_CONFIGS | PLAIN_CONFIGS)
def test_words_equal_the_tokenizers_library(texts, config):
    words, text_words = split_words(Strings.from_list(texts), config)
    expected = [peer_words(config)(text) for text in texts]
    assert list(words.iter_bytes()) == [word for text in expected for word in text]
    assert np.diff(text_words).tolist() == [len(text) for text in expected]


@given(st.integers(0, 40), st.sampled_from(["가", "ΐ", "İ", "\U0001d160", "Ⱥ", "\u302e\U0001d165"]))
def test_words_that_grow_stay_inside_the_scratch(count, character):
    for config in (WordsConfig(strip_accents=True), BERT_UNCASED):
        expected = peer_words(config)(character * count)
        assert list(
            split_words(Strings.from_list([character * count]), config)[0].iter_bytes()
        ) == (expected)


@pytest.mark.parametrize("character", ["a", "É", "İ", "가", "\u302e\U0001d165", "'", " ", "\u00a0"])
def test_a_text_that_is_one_long_run_takes_linear_time(character):
    text = character * 40_000
    for config in (BERT_UNCASED, WordsConfig(strip_accents=True), GPT2):
        words, _ = split_words(Strings.from_list([text]), config)
        assert list(words.iter_bytes()) == peer_words(config)(text)


def test_accents_cannot_be_stripped_where_they_are_joined():
    with pytest.raises(ConfigError, match="strip_accents"):
        WordsConfig(normalizer="nfc", strip_accents=True)
    with pytest.raises(ConfigError, match="add_prefix_space"):
        WordsConfig(add_prefix_space=True)


def test_settings_without_effect_do_not_tell_configs_apart():
    one = WordsConfig(normalizer="nfc", clean_text=False)
    assert one != WordsConfig(normalizer="nfc")
    assert one.effective() == WordsConfig(normalizer="nfc").effective()
    assert BERT_CASED.effective() != BERT_UNCASED.effective()
