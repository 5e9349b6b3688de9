"""Ids of whole corpora, and every field of samples, against the `tokenizers` library."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.tokenizer.judge import assert_equal, library_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.tokenizer.blocks import join_ids
from tokpipe.tokenizer.build import train_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig
from tokpipe.words.config import WordsConfig

VOCABULARIES = {
    "bert-base-uncased": "vocab/bert-base-uncased-vocab.txt",
    "bert-base-cased": "vocab/bert-base-cased-vocab.txt",
    "gpt2": "vocab/gpt2-encoder.json",
}
TRAINED = {  # ours, of other normalizers and pre-tokenizers
    "wordpiece-nfkd": (
        "wordpiece",
        WordsConfig(normalizer="nfkd", strip_accents=True, pre_tokenizer="whitespace"),
    ),
    "bpe-nfc": ("bpe", WordsConfig(normalizer="nfc", pre_tokenizer="whitespace-split")),
    "byte-bpe": ("byte-bpe", None),
}
BATCH = 2000


def texts_of(path: Path) -> Iterator[str]:
    """Yield the lines of a corpus, line ends included."""
    config = ReadConfig(format="txt")  # a TSV is lines too
    for piece in open_corpus([str(path)], config).pieces():
        for text in piece.load().texts.iter_bytes():
            yield text.decode()


def corpora(shared_data: Path) -> list[Path]:
    """Return the files that are compared: many languages, and one clean English one."""
    multi = sorted((shared_data / "corpora" / "multi").iterdir())
    return [*multi, shared_data / "corpora" / "wiki-en-small.txt.xz"]


def make(name: str, shared_data: Path) -> Tokenizer:
    """Open a published vocabulary, or train one."""
    if name in VOCABULARIES:
        return Tokenizer.load(shared_data / VOCABULARIES[name])
    model, words = TRAINED[name]
    inputs = sorted(str(p) for p in (shared_data / "corpora" / "multi").glob("*-novels*"))
    return train_vocab(inputs, VocabConfig(model=model, vocab_size=(6000,)), words=words)


def ids_of(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Encode texts as one Arrow column."""
    return tokenizer.encode_arrow(pa.array(texts, pa.large_string())).to_pylist()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*VOCABULARIES, *TRAINED])
def test_ids_of_whole_corpora_are_the_librarys(name, shared_data, capsys):
    tokenizer = make(name, shared_data)
    theirs = library_of(tokenizer)
    compared = different = 0
    for path in corpora(shared_data):
        texts = list(texts_of(path))
        texts = texts if name in VOCABULARIES else texts[::10]
        ours = ids_of(tokenizer, texts)
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            found = theirs.encode_batch_fast(batch, add_special_tokens=False)
            for one, other in zip(ours[first : first + BATCH], found, strict=True):
                compared += len(other.ids)
                different += one != other.ids
    with capsys.disabled():
        print(f"\n{name}: {compared:,} ids compared, {different} texts differ")
    assert compared > 1_000_000 and different == 0


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_field_of_samples_is_the_librarys(name, shared_data):
    tokenizer = Tokenizer.load(shared_data / VOCABULARIES[name])
    theirs = library_of(tokenizer)
    naughty = json.loads((shared_data / "pathological" / "blns.json").read_bytes())
    samples = [text for path in corpora(shared_data) for text in list(texts_of(path))[:2000:50]]
    for text, pair in zip(naughty + samples, (samples + naughty)[::-1], strict=True):
        assert_equal(tokenizer.encode(text), theirs.encode(text))
        encoding = tokenizer.encode(text, pair, max_length=40)
        theirs.enable_truncation(40)
        expected = theirs.encode(text, pair)
        theirs.no_truncation()
        assert encoding.ids == expected.ids and encoding.offsets == expected.offsets
        assert tokenizer.decode(encoding.ids) == theirs.decode(encoding.ids)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_code_point_is_encoded_as_the_library_does(name, shared_data):
    tokenizer = Tokenizer.load(shared_data / VOCABULARIES[name])
    theirs = library_of(tokenizer)
    points = [i for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    chars = [f"a{chr(i)}b {chr(i)}" for i in points[:: 1 if name != "gpt2" else 7]]
    texts = ["\n".join(chars[i : i + 500]) for i in range(0, len(chars), 500)]
    ours = ids_of(tokenizer, texts)
    found = theirs.encode_batch_fast(texts, add_special_tokens=False)
    assert ours == [other.ids for other in found]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_decoding_random_ids_is_the_librarys(name, shared_data):
    tokenizer = Tokenizer.load(shared_data / VOCABULARIES[name])
    theirs = library_of(tokenizer)
    rng = np.random.default_rng(1)
    for _ in range(300):
        ids = rng.integers(0, tokenizer.vocab_size, 30).tolist()
        for skip in (True, False):
            assert tokenizer.decode(ids, skip_special_tokens=skip) == theirs.decode(
                ids, skip_special_tokens=skip
            )


def test_threads_and_blocks_make_no_difference(shared_data):
    tokenizer = Tokenizer.load(shared_data / VOCABULARIES["bert-base-uncased"])
    piece = next(open_corpus([str(shared_data / "corpora/wiki-en-small.txt.xz")]).pieces())
    texts = piece.load().texts
    one, two = (join_ids(tokenizer.encode_strings(texts, threads=n)) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
