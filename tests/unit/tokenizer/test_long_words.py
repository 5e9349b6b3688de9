"""Long words in windows against the same words whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vocab.counted import counted
from tokpipe.tokenizer import long_words
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.from_vocabulary import spec_from_vocabulary
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.words.config import BERT_UNCASED, GPT2

TEXTS = st.text("ab", max_size=200) | st.text("abcå€", max_size=200) | st.text("xyå", max_size=60)
MODELS = st.sampled_from(
    [
        {"model": "byte-bpe"},
        {"model": "bpe"},
        {"model": "bpe", "end_of_word_suffix": "</w>"},
        {"model": "bpe", "special_tokens": ()},
    ]
)


@st.composite
def engines(draw):
    """Yield tokenizers, half of them with ranks in an order that no training gives."""
    marks = draw(MODELS)
    size = draw(st.integers(30, 70)) + (256 if marks["model"] == "byte-bpe" else 0)
    words = draw(st.dictionaries(st.text("abc€", min_size=1), st.integers(1, 9), min_size=1))
    vocabulary = train(counted(words), VocabConfig(vocab_size=(size,), min_frequency=1, **marks))
    spec = spec_from_vocabulary(vocabulary, GPT2 if marks["model"] == "byte-bpe" else BERT_UNCASED)
    order = draw(st.permutations(range(len(spec.merges)))) if draw(st.booleans()) else slice(None)
    return Engine(replace(spec, merges=spec.merges[order], fuse_unk=draw(st.booleans())))


@given(engines(), TEXTS.filter(bool), st.integers(4, 64), st.integers(2, 8))
def test_windows_give_what_the_whole_word_gives(engine, text, window, overlap):
    word = np.frombuffer(text.encode(), np.uint8)
    whole = engine.encode_long(word)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"WINDOW": window, "_OVERLAP": overlap, "_WIDER": 2}.items():
            patch.setattr(long_words, name, value)
        parts = engine.encode_long(word)
    for ours, theirs in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_windows_of_one_letter_join():
    vocabulary = train(counted({"a" * 64: 9}), VocabConfig(model="byte-bpe", vocab_size=(265,)))
    engine = Engine(spec_from_vocabulary(vocabulary, GPT2))
    ids, ends = engine.encode_long(np.full(1_000_001, ord("a"), np.uint8))
    assert ends[-1] == 1_000_001 and len(ids) == 1_000_000 // 16 + 1
