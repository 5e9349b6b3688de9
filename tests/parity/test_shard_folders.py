"""What we build is opened by datasets, row for row."""

import os

import numpy as np
import pytest

from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.examples.config import MaskConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.shards.schema import columns_of
from tokpipe.tokenizer.build import train_vocab
from tokpipe.vocab.config import VocabConfig

os.environ["HF_HUB_OFFLINE"] = "1"
datasets = pytest.importorskip("datasets")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of what it imports

ENGLISH = bundled_corpus() / "english"


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    target = tmp_path_factory.mktemp("tokenizers") / "wp"
    train_vocab([ENGLISH], VocabConfig(model="wordpiece", vocab_size=(1200,)), output=target)
    return target


def built(vocabulary, folder, masking, **shards):
    config = BuildConfig(
        masks=MaskConfig(masking=masking, dupe_factor=2),
        shards=ShardConfig(validation_fraction=0.2, shard_bytes=20_000, **shards),
    )
    build_shards([ENGLISH], vocabulary, folder, config)
    return open_shards(folder, hashes=True)


def test_datasets_reads_the_rows_that_we_read(vocabulary, tmp_path):
    ours = built(vocabulary, tmp_path / "out", "dynamic", block_bytes=1 << 14)
    theirs = datasets.load_from_disk(str(tmp_path / "out"))
    assert len(ours.train.files) > 1
    assert set(theirs) == {"train", "validation"}
    for split in ours.splits:
        assert theirs[split.name].num_rows == split.rows > 0
        ids = np.concatenate(theirs[split.name].with_format("numpy")["input_ids"][:])
        assert np.array_equal(ids, np.concatenate([part.input_ids.values for part in split.parts]))


def test_datasets_reads_the_files_alone(vocabulary, tmp_path):
    ours = built(vocabulary, tmp_path / "out", "static")
    files = {split.name: str(tmp_path / "out" / split.name / "*.arrow") for split in ours.splits}
    cache = str(tmp_path / "cache")
    theirs = datasets.load_dataset("arrow", data_files=files, cache_dir=cache)
    assert theirs["train"].num_rows == ours.train.rows
    assert theirs["train"].column_names == [column.name for column in _columns(ours)]


def _columns(ours):
    return columns_of(ours.examples, ours.masks, ours.shards, ours.facts.vocab_size)
