"""The trainer against tokenizers' BpeTrainer on real text of ten languages."""

import bz2
import lzma
import os
from collections import Counter
from functools import cache

import pytest
from tokenizers import normalizers, pre_tokenizers

from tests.parity.huggingface import assert_agrees
from tests.unit.vocab.counted import counted
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.vocab.vocabulary import CHAR_TO_BYTE

FILES = [
    "ar-diacritized.txt.bz2",
    "ar-plain.txt.xz",
    "de-novels.txt.xz",
    "hi-sentences.txt.bz2",
    "ja-aozora.txt.bz2",
    "ko-wiki.txt.bz2",
    "ru-novels.txt.xz",
    "sv-novels.txt.xz",
    "tatoeba.tsv.bz2",
    "zh-wiki.txt.xz",
]
CONFIGS = [
    VocabConfig(model="byte-bpe", vocab_size=(3000,)),
    VocabConfig(model="bpe", vocab_size=(9000,), limit_alphabet=10_000, max_token_length=6),
    VocabConfig(model="wordpiece", vocab_size=(14_000,), limit_alphabet=10_000),
]
# Characters of each file; TOKPIPE_PARITY=all takes the whole files (some minutes).
SAMPLE = None if os.environ.get("TOKPIPE_PARITY") == "all" else 300_000

BERT = pre_tokenizers.BertPreTokenizer()
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
LOWER = normalizers.BertNormalizer(lowercase=True, strip_accents=False)


@cache
def text_of(path, characters):
    kind = lzma if path.suffix == ".xz" else bz2
    with kind.open(path, "rt", encoding="utf-8", newline="") as file:
        return file.read(characters)


def words_of(text, config):
    words = Counter()
    for line in text.splitlines(keepends=True):
        if config.model == "byte-bpe":
            words.update(word for word, _ in GPT2.pre_tokenize_str(line))
        else:
            words.update(w for w, _ in BERT.pre_tokenize_str(LOWER.normalize_str(line)))
    if config.model == "byte-bpe":
        return {bytes(CHAR_TO_BYTE[c] for c in w).decode(): n for w, n in words.items()}
    return dict(words)


def compare(path, config):
    words, learned = words_of(text_of(path, SAMPLE), config), []

    def learn(words, config, order):
        learned.append(train(counted(words), config, marked_order=order))
        return learned[-1]

    assert_agrees(learn, words, config)
    assert len(learned[-1].steps) > 300  # and the size was not refused
    print(f"{path.name}: {config.model}, {len(words):,} words, {sum(words.values()):,} in all")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model)
@pytest.mark.parametrize("name", FILES)
def test_merges_and_ids_equal_tokenizers(name, config, shared_data):
    compare(shared_data / "corpora" / "multi" / name, config)
