import hashlib
import json

import numpy as np
import pytest

from tests.unit.tokenizer.judge import assert_equal
from tokpipe.foundation import folders
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, StorageError
from tokpipe.foundation.manifest import Manifest
from tokpipe.tokenizer import trained
from tokpipe.tokenizer.build import train_vocab, train_vocabularies
from tokpipe.tokenizer.quality import measure
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig
from tokpipe.words import counter
from tokpipe.words.config import GPT2, WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.counts import WordCounts

TEXT = "the lower the newer the widest lowest new wide low\nnew låg, ny! Newest\n" * 20


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT)
    return path


def hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
def test_a_trained_folder_opens_and_encodes_the_same(tmp_path, corpus, model):
    config = VocabConfig(model=model, vocab_size=(300,))
    trained = train_vocab([corpus], config, output=tmp_path / "out")
    loaded = Tokenizer.load(tmp_path / "out")
    assert loaded.tokens == trained.tokens
    assert_equal(loaded.encode("the lowest nyhet"), trained.encode("the lowest nyhet"))
    manifest = Manifest.read(tmp_path / "out", "tokenizer")
    manifest.check_files(tmp_path / "out")
    assert manifest.settings["vocab"]["model"] == model
    assert list(manifest.inputs.values()) == [hashlib.sha256(TEXT.encode()).hexdigest()]


def test_folders_of_two_runs_are_the_same_bytes(tmp_path, corpus):
    config = VocabConfig(model="bpe", vocab_size=(60,))
    for name, threads in (("one", 1), ("two", 2)):
        train_vocab([corpus], config, output=tmp_path / name, threads=threads)
    counts = count_words([corpus])
    train_vocab(counts, config, output=tmp_path / "three")
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two") == hashes(tmp_path / "three")


def test_several_sizes_are_nested_in_one_folder(tmp_path, corpus):
    config = VocabConfig(vocab_size=(50, 60))
    small, large = train_vocabularies([corpus], config, output=tmp_path / "out")
    assert [small.size, large.size] == [50, 60]
    assert large.tokenizer.tokens[:50] == small.tokenizer.tokens
    assert Tokenizer.load(tmp_path / "out" / "50").tokens == small.tokenizer.tokens
    alone = train_vocab([corpus], VocabConfig(vocab_size=(50,)))
    assert alone.tokens == small.tokenizer.tokens
    facts = json.loads((tmp_path / "out" / "tokpipe.json").read_text())["facts"]
    assert facts["50"] == small.quality.to_dict()


def test_quality_by_hand(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("ab ab ab abc")
    config = VocabConfig(model="bpe", vocab_size=(9,), min_frequency=2)
    [trained] = train_vocabularies([path], config)
    # <s> <pad> </s> <unk> <mask> a b c ab: "ab" is one token, "abc" two; 9 bytes in 5 tokens
    quality = trained.quality
    assert trained.tokenizer.tokens[-1] == "ab"
    assert quality.tokens_per_word == 5 / 4 and quality.bytes_per_token == 9 / 5
    assert quality.whole_words == 75 and quality.unknown_words == 0


def test_quality_is_measured_on_held_out_texts_if_there_are_any(corpus):
    corpus.write_text("\n".join(f"word{i} the" for i in range(400)))
    config = VocabConfig(vocab_size=(60,))
    [trained] = train_vocabularies([corpus], config, held_out=0.5)
    assert trained.quality.measured_on == "held-out texts"
    [trained] = train_vocabularies([corpus], config)
    assert trained.quality.measured_on == "the training texts"


def test_model_and_pre_tokenizer_must_agree(corpus):
    with pytest.raises(ConfigError, match="does not go with pre_tokenizer"):
        train_vocab([corpus], VocabConfig(model="byte-bpe"), words=WordsConfig())


def test_a_folder_that_is_there_stays(tmp_path, corpus):
    config = VocabConfig(vocab_size=(50,))
    train_vocab([corpus], config, output=tmp_path / "out")
    before = hashes(tmp_path / "out")
    with pytest.raises(StorageError, match="exists"):
        train_vocab([corpus], VocabConfig(vocab_size=(60,)), output=tmp_path / "out")
    assert hashes(tmp_path / "out") == before


def test_quality_of_a_huge_word_is_that_of_its_beginning():
    words = Strings.from_list(["å" * 100_000, "ab"])
    counts = WordCounts(words=words, counts=np.array([1, 3]), config=GPT2)
    tokenizer = train_vocab(counts, VocabConfig(model="byte-bpe", vocab_size=(262,)))
    quality = measure(tokenizer, counts)
    assert quality.bytes_per_token == pytest.approx((65536 + 6) / (32768 + 6), abs=1e-4)


@pytest.mark.parametrize("place", ["train", "folder_files", "_sync_tree", "_put_in_place"])
def test_counts_are_not_counted_again_after_a_stop_behind_them(
    tmp_path, corpus, monkeypatch, place
):
    def stop(*arguments):
        raise KeyboardInterrupt

    def run():
        train_vocab([corpus], VocabConfig(vocab_size=(300,)), output=tmp_path / "out")

    monkeypatch.setattr(counter, "_WORTH_KEEPING", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(folders if place.startswith("_") else trained, place, stop)
        with pytest.raises(KeyboardInterrupt):
            run()
    with monkeypatch.context() as patch:
        patch.setattr(counter.ThreadCounter, "count", stop)
        run()
    train_vocab([corpus], VocabConfig(vocab_size=(300,)), output=tmp_path / "other")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "other")
