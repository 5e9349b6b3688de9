import gc

import numpy as np
import pytest

from tests.manifests import forge_manifest
from tests.unit.shards.folders import TOKENS, batch, write_folder
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.shards.columns import token_type_ids
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.shards.schema import columns_of


def test_what_was_written_is_read(tmp_path):
    shards = open_shards(write_folder(tmp_path / "shards"), hashes=True)
    assert (shards.train.rows, shards.train.tokens) == (12, 72)
    assert (shards.validation.rows, shards.validation.tokens) == (0, 0)
    assert shards.train.lengths.tolist() == [5, 6, 7] * 4
    assert shards.facts.mask_id == TOKENS.index("[MASK]")
    part = shards.train.parts[3]
    assert (part.shard, part.first_row, part.rows) == (1, 3, 3)
    assert part.input_ids.values[:5].tolist() == [2, 4, 5, 6, 3]
    assert part.input_ids.values.dtype == np.uint16
    assert part.segment_b_start.tolist() == [3, 3, 3]
    assert part.labels.tolist() == [0, 1, 0]
    assert part.masked_positions.values.tolist() == [1, 1, 1]
    assert part.masked_ids.offsets.tolist() == [0, 1, 2, 3]


def test_views_outlive_what_opened_them(tmp_path):
    ids = open_shards(write_folder(tmp_path / "shards")).train.parts[0].input_ids.values
    gc.collect()
    assert not ids.flags.writeable
    assert ids[0] == 2


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_shards_are_read_too(tmp_path, codec):
    shards = open_shards(write_folder(tmp_path / "shards", compression=codec))
    assert shards.train.lengths.tolist() == [5, 6, 7] * 4


def test_dynamic_shards_hold_no_masks(tmp_path):
    folder = write_folder(tmp_path / "shards", MaskConfig())
    part = open_shards(folder).train.parts[0]
    assert part.masked_positions is None
    assert part.masked_ids is None


def test_dense_labels_are_minus_100_but_where_asked():
    config = ShardConfig(dense_labels=True)
    columns = columns_of(ExampleConfig(), MaskConfig(masking="static"), config, len(TOKENS))
    made = batch(columns, 0)
    assert made.column("labels").to_pylist()[0] == [-100, 7, -100, -100, -100]
    assert made.column("token_type_ids").to_pylist()[1] == [0, 0, 0, 1, 1, 1]
    assert made.column("attention_mask").to_pylist()[0] == [1] * 5


def test_a_row_without_a_segment_b_is_all_zeros():
    assert token_type_ids(np.array([0, 2, 2, 4]), np.array([2, 0, 0])).tolist() == [0, 0, 1, 1]


def test_dense_labels_need_static_masks():
    with pytest.raises(ConfigError, match="static"):
        columns_of(ExampleConfig(), MaskConfig(), ShardConfig(dense_labels=True), 10)


def test_large_vocabularies_have_wide_ids():
    columns = columns_of(ExampleConfig(), MaskConfig(), ShardConfig(), 65_537)
    assert columns[0].dtype == "int32"


def test_a_missing_shard_is_named(tmp_path):
    folder = write_folder(tmp_path / "shards")
    (folder / "train/data-00001-of-00002.arrow").unlink()
    with pytest.raises(ArtifactError, match="data-00001-of-00002"):
        open_shards(folder)


def test_a_cut_shard_is_named(tmp_path):
    folder = write_folder(tmp_path / "shards")
    file = folder / "train/data-00000-of-00002.arrow"
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(ArtifactError, match="bytes"):
        open_shards(folder)


def test_a_changed_byte_is_found_by_its_hash(tmp_path):
    folder = write_folder(tmp_path / "shards")
    file = folder / "train/data-00000-of-00002.arrow"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="sha256"):
        open_shards(folder, hashes=True)


@pytest.mark.parametrize("key", ["rows", "tokens"])
def test_counts_are_compared(tmp_path, key):
    folder = write_folder(tmp_path / "shards")

    def promise_more(manifest):
        manifest["facts"]["shards"]["train"][1][key] += 1

    forge_manifest(folder, promise_more)
    with pytest.raises(ArtifactError, match="the manifest says"):
        open_shards(folder)


@pytest.mark.parametrize("facts", [{}, {"shards": 3}, {"shards": {"train": [1]}}])
def test_a_manifest_without_shards_is_refused(tmp_path, facts):
    folder = write_folder(tmp_path / "shards")
    wanted = {"vocab_size": len(TOKENS), **facts}
    forge_manifest(folder, lambda manifest: manifest.update(facts=wanted))
    with pytest.raises(ArtifactError, match="manifest"):
        open_shards(folder)


def test_another_tokenizer_is_refused(tmp_path):
    folder = write_folder(tmp_path / "shards")
    forge_manifest(folder, lambda manifest: manifest["facts"].update(vocab_size=99))
    with pytest.raises(ArtifactError, match="9 tokens, the manifest says 99"):
        open_shards(folder)
