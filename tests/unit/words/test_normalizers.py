import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_words_split import BERT_CONFIGS, TEXTS
from tests.parity.peers_words import peer_normalizer, peer_spans
from tokpipe.foundation.arrays import PADDING, Strings
from tokpipe.words import normalizers as module
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.normalizers import (
    before_plain_split,
    before_split,
    normalize,
    normalize_aligned,
    original_spans,
)
from tokpipe.words.pre_tokenizers import pre_tokenize, split_words

FORM_CONFIGS = st.builds(
    WordsConfig,
    normalizer=st.sampled_from(["nfc", "nfd", "nfkc", "nfkd", "none"]),
    lowercase=st.booleans(),
)
STRIPPED = st.builds(
    WordsConfig,
    normalizer=st.sampled_from(["nfd", "nfkd"]),
    lowercase=st.booleans(),
    strip_accents=st.just(True),
)
CONFIGS = BERT_CONFIGS | FORM_CONFIGS | STRIPPED
SPLITS = st.sampled_from(
    [
        {"pre_tokenizer": "bert"},
        {"pre_tokenizer": "gpt2"},
        {"pre_tokenizer": "gpt2", "add_prefix_space": True},
        {"pre_tokenizer": "whitespace"},
        {"pre_tokenizer": "whitespace-split"},
        {"pre_tokenizer": "none"},
    ]
)


def with_split(config, split):
    return WordsConfig(**{**config.to_dict(), **split})


def texts_of(strings):
    return [text.decode() for text in strings.iter_bytes()]


def test_the_four_forms():
    texts = Strings.from_list(["Å ﬁ e\u0301 각"])
    forms = {form: WordsConfig(normalizer=form, lowercase=False) for form in module.FORMS}
    assert texts_of(normalize(texts, forms["nfc"])) == ["Å ﬁ é 각"]
    assert texts_of(normalize(texts, forms["nfkc"])) == ["Å fi é 각"]
    assert texts_of(normalize(texts, forms["nfd"])) == ["A\u030a ﬁ e\u0301 \u1100\u1161\u11a8"]
    assert texts_of(normalize(texts, forms["nfkd"])) == ["A\u030a fi e\u0301 \u1100\u1161\u11a8"]


@given(TEXTS, CONFIGS)
def test_normalized_texts_equal_the_tokenizers_library(texts, config):
    expected = [peer_normalizer(config).normalize_str(text) for text in texts]
    strings = Strings.from_list(texts)
    assert texts_of(normalize(strings, config)) == expected
    assert texts_of(normalize_aligned(strings, config).texts) == expected


@given(TEXTS, CONFIGS, SPLITS)
def test_original_spans_of_characters_equal_the_tokenizers_library(texts, config, split):
    config = with_split(config, split)
    strings = Strings.from_list(["before", *texts])  # sources are places in the whole batch
    aligned = before_plain_split(strings, config)
    starts, ends, text_words = pre_tokenize(aligned.texts, config)
    spans = np.stack(original_spans(aligned.sources, strings.data, starts, ends), axis=1)
    for i, text in enumerate(texts, 1):
        found = spans[text_words[i] : text_words[i + 1]] - strings.offsets[i]
        assert [tuple(span) for span in found.tolist()] == peer_spans(config)(text)


@given(TEXTS, CONFIGS, SPLITS)
def test_words_before_and_after_normalisation_are_the_same(texts, config, split):
    config = with_split(config, split)
    strings = Strings.from_list(texts)
    words, text_words = split_words(before_split(strings, config), config)
    aligned = before_plain_split(strings, config)
    starts, ends, plain_text_words = pre_tokenize(aligned.texts, config)
    data = aligned.texts.data.tobytes()
    assert list(words.iter_bytes()) == [data[a:b] for a, b in zip(starts, ends, strict=True)]
    assert text_words.tolist() == plain_text_words.tolist()


@given(TEXTS, CONFIGS | SPLITS.map(lambda s: with_split(GPT2, s)), st.integers(1, 9))
def test_the_result_does_not_depend_on_how_much_a_call_reads(texts, config, budget):
    strings = Strings.from_list(texts)
    whole = before_plain_split(strings, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BYTES_AT_ONCE", budget)
        pieces = before_plain_split(strings, config)
    assert texts_of(pieces.texts) == texts_of(whole.texts)
    assert pieces.sources.tolist() == whole.sources.tolist()
    assert not pieces.texts.data[pieces.texts.offsets[-1] :][:PADDING].any()


@given(TEXTS, CONFIGS | SPLITS.map(lambda s: with_split(GPT2, s)))
def test_a_slice_of_a_batch_is_normalised_like_the_texts_alone(texts, config):
    longer = Strings.from_list(["É ", *texts, "é"])
    cut = Strings(longer.data, longer.offsets[1:-1])
    alone = before_plain_split(Strings.from_list(texts), config)
    assert texts_of(before_plain_split(cut, config).texts) == texts_of(alone.texts)
    moved = before_plain_split(cut, config).sources - longer.offsets[1]
    assert moved.tolist() == alone.sources.tolist()


def test_bert_before_its_own_split_needs_no_stage():
    texts = Strings.from_list(["a"])
    assert before_split(texts, BERT_UNCASED) is texts
    assert before_split(texts, GPT2) is texts


@pytest.mark.parametrize("form", ["nfc", "nfd", "nfkc", "nfkd"])
def test_a_long_run_of_marks_is_sorted_in_linear_time(form):
    text = "a" + "\u0301\u0323\u0345\u0334" * 50_000
    config = WordsConfig(normalizer=form, lowercase=False)
    expected = peer_normalizer(config).normalize_str(text)
    assert texts_of(normalize(Strings.from_list([text]), config)) == [expected]
