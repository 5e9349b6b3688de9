import numpy as np
import pytest

from tests.manifests import forge_manifest
from tests.unit.shards import folders
from tokpipe.examples.build import Rows
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import Masks
from tokpipe.inspection.check.finding import ERROR, NOTE, WARNING
from tokpipe.inspection.check.folder import check_path
from tokpipe.inspection.check.shards import check_shards
from tokpipe.shards.columns import record_batch

SHARD = "train/data-00001-of-00002.arrow"


@pytest.fixture
def folder(tmp_path):
    return folders.write_folder(tmp_path / "shards")


def problems(folder, *levels):
    found = check_shards(folder)[1]
    return [(f.place, f.problem) for f in found if f.level in (levels or (ERROR, WARNING))]


def test_a_sound_folder_has_no_problem(folder):
    shards, tokenizer = check_path(folder)
    assert {finding.level for finding in shards.findings} <= {NOTE}
    assert shards.about == "shards, 12 examples, 9 tokens"
    assert tokenizer.findings == []


def test_a_flipped_byte_is_found_by_its_hash(folder):
    data = bytearray((folder / SHARD).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / SHARD).write_bytes(data)
    ((place, problem),) = problems(folder)
    assert place == SHARD and problem.startswith("sha256 begins with ")


def test_a_missing_shard_is_named(folder):
    (folder / SHARD).unlink()
    ((place, problem),) = problems(folder)
    assert (place, problem) == (SHARD, "missing, or no plain file")


def test_a_cut_shard_is_found_by_its_size(folder):
    data = (folder / SHARD).read_bytes()
    (folder / SHARD).write_bytes(data[: len(data) // 2])
    ((place, problem),) = problems(folder)
    assert place == SHARD and problem.startswith("bytes is ")


def test_every_damaged_file_is_named(folder):
    (folder / SHARD).unlink()
    (folder / "train/state.json").write_text("{}")
    assert {place for place, _ in problems(folder)} == {SHARD, "train/state.json"}


def test_a_stray_shard_is_a_warning(folder):
    (folder / "train/old.arrow").write_bytes(b"")
    assert [place for place, _ in problems(folder, WARNING)] == ["train/old.arrow"]


def test_a_folder_without_its_manifest_is_not_whole(folder):
    (folder / "tokpipe.json").unlink()
    (checked,) = check_path(folder)
    assert [f.problem for f in checked.findings] == ["missing: no whole shard folder"]


def test_a_manifest_that_promises_more_rows_is_a_problem(folder):
    def promise_more(manifest):
        manifest["facts"]["shards"]["train"][1]["rows"] += 1

    forge_manifest(folder, promise_more)
    ((place, problem),) = problems(folder)
    assert place == SHARD and "the manifest says" in problem


def written(tmp_path, monkeypatch, ids, labels=(0, 1), targets=None, masks=folders.STATIC, **more):
    """Write a folder whose every record batch holds two rows with these ids."""
    row = np.array(ids, np.int32)
    positions, was = targets or ([1], [7])

    def batch(columns, first):
        offsets = np.arange(3) * len(row)
        rows = Rows(np.tile(row, 2), offsets, np.full(2, min(3, len(row)), np.int32))
        borders = np.arange(3) * len(positions)
        found = Masks(np.tile(positions, 2), np.tile(was, 2), borders)
        return record_batch(columns, rows, np.array(labels, np.int8), found)

    monkeypatch.setattr(folders, "batch", batch)
    return folders.write_folder(tmp_path / "shards", masks, **more)


FAULTS = [
    ({"ids": [2, 4, 60_000, 6, 3]}, "4 ids beyond the vocabulary"),
    ({"ids": [2, 4, 5, 6, 6]}, "do not begin and end with special tokens"),
    ({"ids": [2, 3], "targets": ([0], [7])}, "8 examples have no text"),
    ({"ids": [2, 4, *[5] * 200, 3]}, "longer than max_seq_length=128"),
    ({"ids": [2, 4, 5, 6, 0, 3]}, "8 padding tokens stored"),
    ({"ids": [2, 4, 1, 6, 3]}, "50.0 % of the words are unknown to the vocabulary"),
    ({"ids": [2, 4, 5, 6, 3], "targets": ([1], [3])}, "8 targets are special"),
    ({"ids": [2, 4, 5, 6, 3], "targets": ([9], [7])}, "a place outside of its example"),
    ({"ids": [2, 4, 4, 6, 3], "targets": ([2, 1], [7, 7])}, "out of order"),
    ({"ids": [2, 5, 5, 6, 3], "targets": ([], [])}, "there is no masked token"),
    ({"ids": [2, 4, 5, 6, 3], "labels": (0, 5)}, "neither 0 nor 1"),
    ({"ids": [2, 4, 5, 6, 3], "masks": MaskConfig()}, "mask tokens in text"),
]


@pytest.mark.parametrize(("content", "problem"), FAULTS, ids=[p for _, p in FAULTS])
def test_what_cannot_be_right_is_found(tmp_path, monkeypatch, content, problem):
    ids = content["ids"]
    out_of_range = max(ids) >= len(folders.TOKENS)
    folder = written(tmp_path, monkeypatch, **content)
    found = [text for _, text in problems(folder)]
    assert any(problem.removeprefix("4 " if out_of_range else "") in text for text in found), found


def many(tmp_path, monkeypatch, labels, now, count=2000):
    """Write many rows of one target each, which has become `now`."""

    def batch(columns, first):
        ids = np.tile(np.array([2, 5, 6, 3], np.int32), count)
        ids[1::4] = now
        offsets = np.arange(count + 1) * 4
        rows = Rows(ids, offsets, np.full(count, 3, np.int32))
        masks = Masks(np.ones(count, np.int32), np.full(count, 7, np.int32), np.arange(count + 1))
        return record_batch(columns, rows, np.array(labels, np.int8), masks)

    monkeypatch.setattr(folders, "batch", batch)
    return folders.write_folder(tmp_path / "shards")


def test_skewed_labels_and_wrong_shares_are_warnings(tmp_path, monkeypatch):
    found = problems(many(tmp_path, monkeypatch, np.ones(2000), np.full(2000, 4)), WARNING)
    assert [problem for _, problem in found] == [
        "100.0 % of the pairs are random next: the labels are skewed",
        "100.00 % of the targets are replaced by the mask token, asked 80 %",
        "0.00 % of the targets are left as they were, asked 10 %",
    ]


def test_shares_as_asked_are_no_warning(tmp_path, monkeypatch):
    now = np.repeat([4, 5, 7], [1600, 200, 200])
    assert not problems(many(tmp_path, monkeypatch, np.arange(2000) % 2, now))


def test_rows_without_pairs_have_no_labels_to_check(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "ExampleConfig", lambda: ExampleConfig(recipe="roberta"))
    assert not problems(folders.write_folder(tmp_path / "shards"))
