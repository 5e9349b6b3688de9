"""Batches from shard files on the disk."""

import gc

import numpy as np
import pytest

from tests.unit.shards.folders import STATIC, write_folder
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.examples.config import MaskConfig
from tokpipe.shards.reader import open_shards


def loader_of(folder):
    shards = open_shards(folder)
    return Loader(shards.train, BatchConfig(batch_size=5), shards.facts, shards.masks, 1)


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_rows_come_from_the_files(tmp_path, codec):
    loader = loader_of(write_folder(tmp_path / "shards", compression=codec))
    gc.collect()  # the loader alone keeps the files mapped
    seen = set()
    for batch in loader.batches(0):
        for i, (shard, row) in enumerate(batch.rows.tolist()):
            begin, end = batch.offsets[i : i + 2]
            size = 5 + row % 3
            token = 5 + (2 * shard + row // 3) % 3
            assert batch.input_ids[begin:end].tolist() == [2, 4, token, *[6] * (size - 4), 3]
            assert batch.token_type_ids[begin:end].tolist() == [0] * 3 + [1] * (size - 3)
            assert batch.next_sentence_label[i] == (row % 3 == 1)
            seen.add((shard, row))
        assert (batch.masked_positions == batch.offsets[:-1] + 1).all()
        assert set(batch.masked_ids.tolist()) == {7}
    assert seen == {(shard, row) for shard in range(2) for row in range(6)}


def test_dynamic_masks_leave_the_files_alone(tmp_path):
    folder = write_folder(tmp_path / "shards", MaskConfig())
    before = {path: path.read_bytes() for path in folder.rglob("*.arrow")}
    loader = loader_of(folder)
    masks = {
        np.concatenate([b.masked_positions for b in loader.batches(e)]).tobytes() for e in range(4)
    }
    assert len(masks) > 1
    assert before == {path: path.read_bytes() for path in folder.rglob("*.arrow")}


def test_an_empty_validation_split_has_no_batches(tmp_path):
    shards = open_shards(write_folder(tmp_path / "shards"))
    loader = Loader(shards.validation, BatchConfig(), shards.facts, STATIC, 1)
    assert list(loader.batches(0)) == []
