import subprocess
import sys

import numpy as np
import pytest

from tests.unit.batches.splits import (
    CLS,
    FACTS,
    MASK,
    SEP,
    drawn_rows,
    fields_of,
    pairs_split,
    same,
    split_of,
)
from tests.unit.shards import folders
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.batches.padding import padded
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.errors import ArtifactError, ConfigError

DYNAMIC, STATIC = MaskConfig(), MaskConfig(masking="static")
SMALL = BatchConfig(batch_tokens=400)


def originals(batch):
    """Return the rows of a batch as lists, with the masked tokens put back."""
    ids = batch.input_ids.copy()
    ids[batch.masked_positions] = batch.masked_ids
    return [row.tolist() for row in np.split(ids, batch.offsets[1:-1])]


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_an_epoch_holds_every_row_once_with_its_columns(dtype):
    rows, split = pairs_split(dtype=dtype)
    loader = Loader(split, SMALL, FACTS, DYNAMIC, 1)
    seen = []
    for batch in loader.batches(0):
        assert batch.offsets[0] == 0
        assert batch.offsets[-1] == len(batch.input_ids) <= 400
        found = zip(originals(batch), batch.rows.tolist(), strict=True)
        for at, (row, (shard, number)) in enumerate(found):
            index = number + [0, 150, 225][shard]
            seen.append(index)
            assert row == rows[index]
            begin, end = batch.offsets[at : at + 2]
            half = len(row) // 2
            assert batch.token_type_ids[begin:end].tolist() == [0] * half + [1] * (len(row) - half)
            assert batch.next_sentence_label[at] == index % 2
    assert sorted(seen) == list(range(300))
    assert seen != sorted(seen)


def test_types_are_those_that_the_model_takes():
    _, split = pairs_split()
    batch = next(Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0))
    kinds = [np.int32, np.int32, np.int32, np.int32, np.int32, np.int32, np.int64]
    arrays = [field for field in fields_of(batch) if field is not None]
    assert [array.dtype for array in arrays] == kinds
    assert all(array.flags.c_contiguous for array in arrays)


@pytest.mark.parametrize("start", [0, 1, 7, 20])
@pytest.mark.parametrize("bins", [1, 4])
def test_resuming_at_a_batch_goes_on_as_if_never_stopped(start, bins):
    _, split = pairs_split()
    config = BatchConfig(batch_tokens=400, bins=bins)
    whole = list(Loader(split, config, FACTS, DYNAMIC, 1).batches(3))
    rest = list(Loader(split, config, FACTS, DYNAMIC, 1).batches(3, start))
    assert len(whole) - start == len(rest) > 0
    assert all(same(one, other) for one, other in zip(whole[start:], rest, strict=True))
    assert Loader(split, config, FACTS, DYNAMIC, 1).count(3) == len(whole)


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr("tokpipe.batches.loader._TOKENS_AT_ONCE", 1_000)
    _, split = pairs_split()
    runs = [list(Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0, 0, n)) for n in (1, 2, 4)]
    monkeypatch.undo()
    runs.append(list(Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0)))
    for run in runs[1:]:
        assert all(same(one, other) for one, other in zip(runs[0], run, strict=True))


def test_epochs_and_seeds_have_orders_and_masks_of_their_own():
    _, split = pairs_split()
    loaders = [Loader(split, SMALL, FACTS, DYNAMIC, seed) for seed in (1, 2)]
    runs = [next(loader.batches(epoch)) for loader in loaders for epoch in (0, 1)]
    assert len({run.rows.tobytes() for run in runs}) == 4
    masked = {}
    for epoch in (0, 1):
        for batch in loaders[0].batches(epoch):
            for i, place in enumerate(map(tuple, batch.rows.tolist())):
                begin, end = batch.offsets[i : i + 2]
                inside = (batch.masked_positions >= begin) & (batch.masked_positions < end)
                masked[epoch, place] = (batch.masked_positions[inside] - begin).tolist()
    places = [place for epoch, place in masked if epoch == 0]
    assert sum(masked[0, place] == masked[1, place] for place in places) < 60  # of 300


def test_all_epochs_have_the_masks_of_the_first_where_that_is_asked_for():
    _, split = pairs_split()
    masked = {}
    for same_masks in (True, False):
        loader = Loader(split, SMALL, FACTS, DYNAMIC, 1, same_masks=same_masks)
        for epoch in (0, 1):
            for batch in loader.batches(epoch):
                for number, place in enumerate(map(tuple, batch.rows.tolist())):
                    begin, end = batch.offsets[number : number + 2]
                    inside = (batch.masked_positions >= begin) & (batch.masked_positions < end)
                    found = (batch.masked_positions[inside] - begin).tolist()
                    masked[same_masks, epoch, place] = found
    places = [place for same_masks, epoch, place in masked if same_masks and not epoch]
    assert all(masked[True, 0, one] == masked[True, 1, one] for one in places)
    assert all(masked[True, 0, one] == masked[False, 0, one] for one in places)
    assert any(masked[False, 0, one] != masked[False, 1, one] for one in places)


def test_masks_hang_on_shard_and_row_and_not_on_batches():
    _, split = pairs_split()
    by_tokens, by_rows = (
        {
            (*place, position - begin)
            for batch in Loader(split, config, FACTS, DYNAMIC, 1).batches(5)
            for position in batch.masked_positions.tolist()
            for i in [int(np.searchsorted(batch.offsets, position, side="right")) - 1]
            for place, begin in [(tuple(batch.rows[i].tolist()), int(batch.offsets[i]))]
        }
        for config in (SMALL, BatchConfig(batch_size=3, bins=3))
    )
    assert by_tokens == by_rows


def test_static_masks_are_those_that_are_stored():
    rows = drawn_rows(40)
    targets = [([1, 2], [7, 8 + i]) for i in range(40)]
    split = split_of(rows, targets=targets, cuts=((15, 0), (30, 1)))
    seen = 0
    for batch in Loader(split, SMALL, FACTS, STATIC, 1).batches(0):
        assert batch.next_sentence_label is None
        assert not batch.token_type_ids.any()
        for i, (shard, number) in enumerate(batch.rows.tolist()):
            index = number + 30 * shard
            begin, end = batch.offsets[i : i + 2]
            assert batch.input_ids[begin:end].tolist() == rows[index]
            here = slice(2 * i, 2 * i + 2)
            assert (batch.masked_positions[here] - begin).tolist() == [1, 2]
            assert batch.masked_ids[here].tolist() == [7, 8 + index]
            seen += 1
    assert seen == 40


def test_batches_by_rows_and_rows_longer_than_a_batch():
    rows = [[CLS, *[9] * length, SEP] for length in (3, 500, 4, 4, 4)]
    split = split_of(rows)
    sizes = [len(b) for b in Loader(split, BatchConfig(batch_size=2), FACTS, DYNAMIC, 1).batches(0)]
    assert sizes == [2, 2, 1]
    alone = [
        len(b)
        for b in Loader(split, BatchConfig(batch_tokens=20), FACTS, DYNAMIC, 1).batches(0)
        if len(b.input_ids) > 20
    ]
    assert alone == [1]


def test_length_bins_spare_padding_and_keep_every_row():
    _, split = pairs_split(2_000)

    def waste(bins):
        config = BatchConfig(batch_tokens=600, bins=bins)
        batches = list(Loader(split, config, FACTS, DYNAMIC, 1).batches(0))
        slots = sum(len(b) * int(np.diff(b.offsets).max()) for b in batches)
        assert sum(len(b) for b in batches) == 2_000
        return slots / sum(len(b.input_ids) for b in batches)

    assert waste(1) > 1.5
    assert waste(8) < 1.15


def test_padding_shows_the_same_rows():
    _, split = pairs_split(40)
    for batch in Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0):
        fields = padded(batch, FACTS.pad_id)
        lengths = np.diff(batch.offsets)
        assert fields["input_ids"].shape == (len(batch), lengths.max())
        assert fields["attention_mask"].sum(1).tolist() == lengths.tolist()
        present = fields["attention_mask"] == 1
        assert (fields["input_ids"][present] == batch.input_ids).all()
        assert (fields["input_ids"][~present] == FACTS.pad_id).all()
        asked = fields["labels"] != -100
        assert fields["labels"][asked].tolist() == batch.masked_ids.tolist()
        assert not (asked & ~present).any()
        assert fields["next_sentence_label"].tolist() == batch.next_sentence_label.tolist()


def test_an_empty_split_has_no_batches():
    loader = Loader(split_of([]), SMALL, FACTS, DYNAMIC, 1)
    empty = type(loader.split)("validation", [], [], 0)
    for config in (SMALL, BatchConfig(bins=4)):
        loader = Loader(empty, config, FACTS, DYNAMIC, 1)
        assert list(loader.batches(0)) == []
        assert loader.count(0) == 0


def test_an_id_beyond_the_vocabulary_is_refused_with_its_place():
    rows = drawn_rows(20)
    rows[13][2] = 60_000
    split = split_of(rows, cuts=((10, 1),))
    with pytest.raises(ArtifactError, match=r"data-1\.arrow: row 3 holds the id 60000"):
        list(Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0))


def test_a_negative_id_is_refused():
    rows = drawn_rows(20)
    rows[13][2] = -5
    with pytest.raises(ArtifactError, match="row 13"):
        list(Loader(split_of(rows, dtype=np.int32), SMALL, FACTS, DYNAMIC, 1).batches(0))


@pytest.mark.parametrize("target", [(99, 7), (1, 60_000)])
def test_a_stored_target_out_of_range_is_refused(target):
    targets = [([1], [7])] * 5
    targets[3] = [target[0]], [target[1]]
    split = split_of(drawn_rows(5), targets=targets)
    with pytest.raises(ArtifactError, match="row 3 holds the id"):
        list(Loader(split, SMALL, FACTS, STATIC, 1).batches(0))


def test_masking_that_the_shards_do_not_have_is_refused():
    with pytest.raises(ConfigError, match="hold no masks"):
        Loader(pairs_split()[1], SMALL, FACTS, STATIC, 1)
    stored = split_of(drawn_rows(3), targets=[([1], [7])] * 3)
    with pytest.raises(ConfigError, match="hold masked copies"):
        Loader(stored, SMALL, FACTS, DYNAMIC, 1)


def test_the_share_of_masks_is_what_was_asked():
    _, split = pairs_split(2_000)
    ids = np.concatenate([b.input_ids for b in Loader(split, SMALL, FACTS, DYNAMIC, 1).batches(0)])
    assert 0.11 < (ids == MASK).mean() < 0.13  # .15 * .8


def test_a_loader_left_open_is_closed_in_silence_at_exit(tmp_path):
    folder = folders.write_folder(tmp_path / "s", MaskConfig(masking="dynamic"))
    script = f"""
import numpy
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.shards.reader import open_shards

shards = open_shards({str(folder)!r})
loader = Loader(shards.train, BatchConfig(batch_tokens=8), shards.facts, shards.masks, 0)
numpy.left_open = loader.batches(0, threads=2)  # outlives the modules that it would need
next(numpy.left_open)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("own", [slice(0, 1), slice(1, None, 2), slice(0, 0)])
def test_some_sequences_are_read_alone_with_the_masks_that_they_have_among_all(own):
    _, split = pairs_split()
    loader = Loader(split, SMALL, FACTS, DYNAMIC, 1)
    some = loader.of_own(lambda lengths: np.arange(len(lengths))[own])
    for whole, batch in zip(loader.batches(0), some.batches(0), strict=True):
        assert batch.whole.tolist() == np.diff(whole.offsets).tolist()
        assert batch.tokens == len(whole.input_ids)
        assert batch.rows.tolist() == whole.rows[own].tolist()
        assert originals(batch) == originals(whole)[own] or not len(batch)
        wanted = [row.tolist() for row in np.split(whole.input_ids, whole.offsets[1:-1])][own]
        assert batch.input_ids.tolist() == [token for row in wanted for token in row]
