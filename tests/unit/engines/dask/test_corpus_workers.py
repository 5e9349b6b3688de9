"""What a corpus's readers are given, done by the workers of a real cluster."""

from functools import partial

import pytest

from tests.fault.conftest import hashes, write_corpus
from tests.fault.shards import write_tokenizer
from tokpipe.corpus.reader import open_corpus
from tokpipe.corpus.workers import Workers
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.errors import InputError
from tokpipe.shards.build import build_shards
from tokpipe.shards.config import BuildConfig, ShardConfig
from tokpipe.shards.spread import Spread


@pytest.fixture
def workers(cluster):
    from tokpipe.engines.dask.items import run_items
    from tokpipe.engines.dask.seen import require_shared

    return Workers(partial(run_items, cluster, ordered=True), partial(require_shared, cluster))


def test_digests_are_those_of_threads(workers, tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"{number}\n" * 50)
    (tmp_path / "empty.txt").write_text("")
    corpus = open_corpus([tmp_path, tmp_path / "7.txt"])
    assert list(workers.digest(corpus).items()) == list(corpus.digest().items())


def test_shards_have_the_bytes_of_threads(workers, tmp_path):
    (tmp_path / "in").mkdir()
    write_corpus(tmp_path / "in/a.txt")
    write_corpus(tmp_path / "in/b.txt", 90)
    tokenizer = write_tokenizer(tmp_path / "tokenizer.json")
    shards = ShardConfig(block_bytes=2 << 10, shard_bytes=8 << 10, validation_fraction=0.2)
    config = BuildConfig(shards=shards, masks=MaskConfig(masking="static", dupe_factor=3))
    build_shards([tmp_path / "in"], tokenizer, tmp_path / "one", config, threads=1)
    engine = Spread(workers)
    build_shards([tmp_path / "in"], tokenizer, tmp_path / "two", config, engine=engine)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_the_first_bad_line_is_told(workers, tmp_path):
    good = "harbour gull\n" * 500_000
    for name, text in {"a": good, "b": good + "\xff", "c": "\xff"}.items():
        (tmp_path / f"{name}.txt").write_text(text, "latin-1")
    tokenizer = write_tokenizer(tmp_path / "tokenizer.json")
    inputs = [tmp_path / f"{name}.txt" for name in "abc"]
    with pytest.raises(InputError, match=r"b\.txt:500001: byte 0xFF"):
        build_shards(inputs, tokenizer, tmp_path / "out", engine=Spread(workers))
    assert not list(tmp_path.glob(".*")) and not (tmp_path / "out").exists()
