"""Traces are a second opinion on the kernels: both must come to the same ids."""

import json
import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.inspection.folders import bpe, wordpiece, write
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.inspection.check.finding import WARNING
from tokpipe.inspection.corpus_use import check_corpus, count_as
from tokpipe.inspection.opening import open_tokenizer

TEXTS = [
    "Ångström's naïve café: 東京 😀 don't",
    "  two  spaces\n\nand lines\t\ttabs ",
    "e\u0301 \u200d zero\u200bwidth ﬁ Ⅳ ½",
    "कीबोर्ड ไทย العربية \u202eabc",
    "a" * 150,
    "1234567 3.14 C++ <tag> [MASK] it's",
]


def traced_ids(opened, text):
    return [id for trace in opened.trace(text) for id in trace.ids]


def encoded_ids(opened, text):
    return opened.tokenizer.encode(text, add_special_tokens=False).ids


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    vocab, gpt2 = shared_data / "vocab", tmp_path_factory.mktemp("gpt2")
    (gpt2 / "vocab.json").write_bytes((vocab / "gpt2-encoder.json").read_bytes())
    (gpt2 / "merges.txt").write_bytes((vocab / "gpt2-vocab.bpe").read_bytes())
    names = ("bert-base-uncased-vocab.txt", "bert-base-cased-vocab.txt")
    return [open_tokenizer(path) for path in (*(vocab / name for name in names), gpt2)]


@pytest.mark.parametrize("text", TEXTS)
def test_traces_end_in_the_ids_that_encode_gives(published, text):
    for opened in published:
        plain = text.replace("[MASK]", "")  # a special token is no word
        assert traced_ids(opened, plain) == encoded_ids(opened, plain)


def test_traces_of_real_sentences_end_in_the_ids_that_encode_gives(published, shared_data):
    with lzma.open(shared_data / "corpora" / "wiki-en-small.txt.xz", "rt", encoding="utf-8") as f:
        lines = [line for line, _ in zip(f, range(40), strict=False)]
    for opened in published:
        for line in lines:
            assert traced_ids(opened, line) == encoded_ids(opened, line)


@given(st.text(alphabet="abchugs .東", max_size=12))
def test_traces_of_small_vocabularies_end_in_the_ids_that_encode_gives(small, text):
    for opened in small:
        assert traced_ids(opened, text) == encoded_ids(opened, text)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    content = bpe()
    content["model"]["vocab"] |= {c: 6 + i for i, c in enumerate("hugs.東")}
    return [
        open_tokenizer(write(folder / "wp", wordpiece())),
        open_tokenizer(write(folder / "bpe", content)),
    ]


BPE_SETTINGS = {
    "unknown": {},
    "fused": {"fuse_unk": True},
    "left out": {"unk_token": None},
    "whole": {"ignore_merges": True},
    "ends": {"end_of_word_suffix": "</w>"},
    "inner": {"continuing_subword_prefix": "##"},
    "bytes": {"byte_fallback": True},
}


@pytest.mark.parametrize(
    "text", ["abc", "abx", "xx", "axxbé", "cab abc", "東abc東", "x", "aab", ""]
)
@pytest.mark.parametrize("settings", BPE_SETTINGS)
def test_traces_follow_what_a_vocabulary_says_of_what_it_lacks(tmp_path, settings, text):
    content, given = bpe(), BPE_SETTINGS[settings]
    content["model"] |= given
    more = {
        "ends": ["c</w>", "b</w>", "abc</w>"],
        "inner": ["##a", "##b", "##c"],
        "bytes": ["<0x78>", "<0xC3>", "<0xA9>", "<0xE6>"],  # those of x and é, not of 東
        "whole": ["cab"],
    }.get(settings, [])
    content["model"]["vocab"] |= {token: 6 + i for i, token in enumerate(more)}
    if settings == "ends":
        content["model"]["merges"] = [["a", "b"], ["ab", "c</w>"]]
    if settings == "inner":
        content["model"]["merges"] = [["a", "##b"]]
    opened = open_tokenizer(write(tmp_path / "t", content))
    assert traced_ids(opened, text) == encoded_ids(opened, text)


def test_words_of_a_corpus_are_encoded_as_they_are(small):
    words = Strings.from_list(["hugs", "東", "a.b"])
    ids, offsets = small[0].encode_words(words)
    assert np.split(ids, offsets[1:-1])[0].tolist() == [15, 14]
    assert offsets.tolist() == [0, 2, 3, 4] and ids[3] == 1  # a.b as one word is unknown


def unigram():
    return {
        **dict.fromkeys(("normalizer", "post_processor", "truncation", "padding")),
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["▁hug", -1], ["s", -2]]},
    }


def test_other_models_are_looked_at_but_not_traced(tmp_path):
    opened = open_tokenizer(write(tmp_path / "t", unigram()))
    view = opened.view("hugs 東", None, add_special_tokens=True)
    assert view.about == "unigram, 3 tokens"
    assert [row.parts[0].kind for row in view.rows[:2]] == ["space", "text"]
    assert view.rows[-1].unknown and view.rows[-1].source == " 東"
    with pytest.raises(InputError, match="no trace"):
        opened.trace("hugs")


def test_words_of_a_corpus_are_made_as_the_tokenizer_makes_them(tmp_path):
    ours = {"normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}}
    text = tmp_path / "text.txt"
    text.write_text("Hug, hug!")
    for steps, words in (
        (unigram() | ours, [b"!", b",", b"hug"]),
        (unigram(), [b"Hug,", b"hug!"]),
    ):
        opened = open_tokenizer(write(tmp_path / str(len(words)), steps))
        assert opened.spec is None
        assert sorted(count_as(opened, [text]).words.iter_bytes()) == words


@pytest.mark.parametrize(
    ("content", "text", "share", "said"),
    [
        (wordpiece(), "hugs " * 98 + "z z", "2.0 %", "characters outside its alphabet"),
        (wordpiece(), "hug " * 4 + "a" * 101, "20.0 %", "longer than 100 characters"),
        (wordpiece(), "hugs " * 99 + "z", "", ""),
        (wordpiece(), "\n", "", ""),
        (bpe(), "abc " * 9 + "d", "10.0 %", "characters outside its alphabet"),
        (unigram(), "hug " * 4 + "東", "20.0 %", "characters outside its alphabet"),
    ],
)
def test_unknown_words_of_a_corpus_are_warned_of_with_cause_and_cure(
    tmp_path, content, text, share, said
):
    (tmp_path / "text.txt").write_text(text, "utf-8")
    found = check_corpus(write(tmp_path / "t", content), [tmp_path / "text.txt"])
    warned = [finding for finding in found if "words are unknown" in finding.problem]
    assert len(warned) == (share != "")
    for finding in warned:
        assert finding.level == WARNING and finding.problem.startswith(f"{share} of the words")
        assert said in finding.problem and finding.hint.startswith("Train one with ")


def test_bpe_behind_foreign_steps_is_traced(tmp_path):
    content = bpe() | {"pre_tokenizer": {"type": "Digits", "individual_digits": True}}
    opened = open_tokenizer(write(tmp_path / "t", content))
    assert opened.spec is None
    assert traced_ids(opened, "abcab") == [5, 4] == encoded_ids(opened, "abcab")


def test_what_cannot_be_opened_is_an_input_error(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": 1}))
    with pytest.raises(InputError):
        open_tokenizer(tmp_path)


@pytest.mark.parametrize("document", [wordpiece, bpe, unigram])
def test_what_only_fills_an_encoding_up_is_not_shown(tmp_path, document):
    plain = document()
    padding = {
        "strategy": {"Fixed": 40},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    filled = open_tokenizer(write(tmp_path / "filled", plain | {"padding": padding}))
    bare = open_tokenizer(write(tmp_path / "bare", plain))
    assert len(filled.tokenizer.encode("hugs").ids) == 40
    views = [one.view("hugs", None, add_special_tokens=True) for one in (filled, bare)]
    assert views[0].rows == views[1].rows
