"""Z2 and P1: shard folders of damaged, forged, cut, missing and strange files."""

import json
import os
import random
import shutil
import time
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest

from tests.manifests import forge_manifest
from tests.unit.shards import folders
from tests.unit.shards.folders import write_folder
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.examples.build import Rows
from tokpipe.examples.masking import Masks
from tokpipe.foundation.errors import ArtifactError, TokpipeError
from tokpipe.foundation.manifest import describe_file
from tokpipe.shards.columns import record_batch
from tokpipe.shards.reader import open_shards

SHARD = "train/data-00000-of-00002.arrow"


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "shards")


def everything(shards):
    """Return a copy of every value of every row: all of the mapped bytes are read."""
    found = []
    for split in shards.splits:
        for part in split.parts:
            lists = (part.input_ids, part.masked_positions, part.masked_ids)
            arrays = [array for column in lists for array in column]
            arrays += [part.segment_b_start, part.labels]
            found += [array.tolist() for array in arrays]
    return found


def sign(folder, *names):
    """Make the manifest say of files what they are now."""

    def change(manifest):
        manifest["files"].update({name: describe_file(folder / name) for name in names})

    forge_manifest(folder, change)


@pytest.mark.parametrize("count", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_one_changed_byte_is_refused_or_changes_no_row(count, folder):
    wanted = everything(open_shards(folder, hashes=True))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    draw = random.Random(count)
    for _ in range(count):
        file = draw.choice(files)
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= draw.randrange(1, 256)
        file.write_bytes(changed)
        with suppress(TokpipeError):
            assert everything(open_shards(folder, hashes=True)) == wanted
            assert file.name == "tokpipe.json"  # and there white space alone
            assert json.loads(changed) == json.loads(whole)
        file.write_bytes(whole)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_changed_bytes_of_a_shard_that_its_hash_confirms_do_no_harm(count, folder):
    """Whoever forges the manifest as well gets other values in, but no list that leads out."""
    rows = open_shards(folder).train.rows
    file, draw, refused = folder / SHARD, random.Random(count), 0
    whole = file.read_bytes()
    for _ in range(count):
        changed = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            changed[draw.randrange(len(whole))] = draw.randrange(256)
        file.write_bytes(changed)
        try:
            shards = open_shards(folder, hashes=False)
            everything(shards)
            assert shards.train.rows == rows
        except ArtifactError:
            refused += 1
    assert refused > count / 10


@pytest.mark.parametrize(
    "forged",
    [
        [0, 5, 11, 2**31 - 1],
        [0, 5, 11, 17],
        [0, 5, 11, -1],
        [0, 11, 5, 18],
        [-4, 5, 11, 18],
        [1, 5, 11, 18],
        [0, -(2**31), 11, 18],
        [0, 2**31 - 1, -(2**31), 18],  # each difference wraps round to a positive one
    ],
)
def test_forged_borders_of_lists_are_refused(forged, folder):
    borders = np.array([0, 5, 11, 18], np.int32).tobytes()
    content = (folder / SHARD).read_bytes()
    assert content.count(borders) == 2  # of input_ids, in both batches
    (folder / SHARD).write_bytes(content.replace(borders, np.array(forged, np.int32).tobytes(), 1))
    sign(folder, SHARD)
    with pytest.raises(ArtifactError, match="data-00000-of-00002"):
        open_shards(folder, hashes=True)


FORGED_ROWS = [
    ({"labels": (0, 2)}, "neither 0 nor 1"),
    ({"labels": (-1, 0)}, "neither 0 nor 1"),
    ({"ids": [2, *[5] * 200, 3]}, "202 tokens, longer than max_seq_length=128"),
    ({"ids": []}, "an example of no token"),
    ({"start": 60_000}, "the columns of a row do not fit"),
    ({"ids": [2, 4, 60_000, 6, 3]}, "the id 60000"),
    ({"positions": [7]}, "for position 7 of 5"),
    ({"was": [40_000]}, "the id 40000"),
]


@pytest.mark.parametrize(("content", "said"), FORGED_ROWS)
def test_forged_rows_under_a_valid_seal_are_refused(content, said, tmp_path, monkeypatch):
    ids = np.array(content.get("ids", [2, 4, 5, 6, 3]), np.int32)

    def batch(columns, first):
        rows = Rows(
            np.tile(ids, 2), np.arange(3) * len(ids), np.full(2, content.get("start", 3))
        )  # fmt: skip
        positions, was = content.get("positions", [1]), content.get("was", [7])
        masks = Masks(np.array(positions * 2), np.array(was * 2), np.arange(3))
        if not len(ids):
            masks = Masks(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(3, np.int64))
            rows = rows._replace(segment_b_start=np.zeros(2, np.int32))
        return record_batch(columns, rows, np.array(content.get("labels", (0, 1))), masks)

    monkeypatch.setattr(folders, "batch", batch)
    folder = folders.write_folder(tmp_path / "shards")
    with pytest.raises(ArtifactError, match=said):
        shards = open_shards(folder)
        loader = Loader(shards.train, BatchConfig(), shards.facts, shards.masks, 0)
        list(loader.batches(0, threads=1))


@pytest.mark.parametrize("count", [2**63, -1, 1.5, "6", None, [6]])
@pytest.mark.parametrize("key", ["rows", "tokens"])
def test_forged_counts_are_refused(count, key, folder):
    forge_manifest(folder, lambda m: m["facts"]["shards"]["train"][0].update({key: count}))
    with pytest.raises(ArtifactError, match="the manifest says"):
        open_shards(folder)


def test_whoever_reads_shards_asks_for_their_hashes_each_time_they_change(folder):
    old = time.time_ns() - 10**10
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, ns=(old, old))
    for name in (SHARD, "tokenizer.json"):
        open_shards(folder)
        whole = (folder / name).read_bytes()
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        (folder / name).write_bytes(changed)
        os.utime(folder / name, ns=(old, old))  # as a copy would, or a disk that forgets
        with pytest.raises(ArtifactError, match=f"{name}: sha256"):
            open_shards(folder)
        (folder / name).write_bytes(whole)
        open_shards(folder)


@pytest.mark.parametrize("batches", [0, 1])
@pytest.mark.parametrize("ended", [True, False])
def test_a_stream_cut_at_a_batch_is_refused(batches, ended, folder):
    with pa.ipc.open_stream((folder / SHARD).read_bytes()) as reader:
        kept = [reader.read_next_batch() for _ in range(batches)]
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            for batch in kept:
                writer.write_batch(batch)
    stream = sink.getvalue().to_pybytes()
    (folder / SHARD).write_bytes(stream if ended else stream[:-8])
    with pytest.raises(ArtifactError, match="bytes is"):
        open_shards(folder)
    sign(folder, SHARD)
    with pytest.raises(ArtifactError, match="the manifest says 6 of 36"):
        open_shards(folder)


def test_a_missing_shard_is_named_even_if_the_manifest_forgets_it(folder):
    (folder / SHARD).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        open_shards(folder)
    forge_manifest(folder, lambda manifest: manifest["files"].pop(SHARD))
    with pytest.raises(ArtifactError, match="the manifest names no train/data-00000-of-00002"):
        open_shards(folder)


def test_shards_of_each_other_are_refused(folder):
    other = SHARD.replace("data-00000", "data-00001")
    one, two = folder / SHARD, folder / other
    first, second = one.read_bytes(), two.read_bytes()
    assert len(first) == len(second) and first != second
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(ArtifactError, match="sha256"):
        open_shards(folder, hashes=True)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "train/../../secret",
        "train//data",
        "./README.md",
        "a\0b",
        "a\nb",
        "..\\secret",
        "x" * 300,
        "",
    ],
)
def test_names_that_lead_out_of_the_folder_are_refused(name, folder):
    (folder.parent / "secret").write_text("secret")
    facts = describe_file(folder.parent / "secret")
    forge_manifest(folder, lambda manifest: manifest["files"].update({name: facts}))
    with pytest.raises(ArtifactError, match="is no name of a file inside the folder"):
        open_shards(folder)


@pytest.mark.parametrize("linked", [SHARD, "train", "tokenizer.json"])
def test_links_out_of_the_folder_are_refused(linked, folder):
    outside = folder.parent / "outside"
    shutil.move(folder / linked, outside)
    (folder / linked).symlink_to(outside)
    with pytest.raises(ArtifactError, match="leads out of the folder"):
        open_shards(folder)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_plain_file_is_refused(make, folder):
    (folder / SHARD).unlink()
    make(folder / SHARD)
    with pytest.raises(ArtifactError, match="data-00000-of-00002"):
        open_shards(folder)
