"""A batch dealt to parts: each sequence once, whole, and the parts about equal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.batch import Batch
from tokpipe.training.parts import own_rows, select_rows, split_batch


def batch_of(lengths, seed=0):
    """A batch whose ids tell sequence and place, so that nothing can be mixed up unseen."""
    rng = np.random.default_rng(seed)
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    ids = np.concatenate([1000 * n + np.arange(length) for n, length in enumerate(lengths)])
    positions = np.flatnonzero(rng.random(len(ids)) < 0.3).astype(np.int32)
    return Batch(
        input_ids=ids.astype(np.int32),
        offsets=offsets,
        token_type_ids=(ids % 2).astype(np.int32),
        masked_positions=positions,
        masked_ids=ids[positions].astype(np.int32),
        next_sentence_label=np.arange(len(lengths), dtype=np.int32),
        rows=np.zeros((len(lengths), 2), np.int64),
    )


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(1, 5))
def test_every_sequence_is_in_one_part_with_all_that_belongs_to_it(lengths, parts):
    batch = batch_of(lengths)
    dealt = split_batch(batch, parts)
    assert len(dealt) == min(parts, len(lengths))
    seen = []
    for part in dealt:
        np.testing.assert_array_equal(part.input_ids[part.masked_positions], part.masked_ids)
        np.testing.assert_array_equal(part.token_type_ids, part.input_ids % 2)
        for row, number in enumerate(part.next_sentence_label):
            ids = part.input_ids[part.offsets[row] : part.offsets[row + 1]]
            assert ids.tolist() == (1000 * number + np.arange(lengths[number])).tolist()
            seen.append(int(number))
    assert sorted(seen) == list(range(len(lengths)))
    assert sum(len(part.masked_ids) for part in dealt) == len(batch.masked_ids)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(1, 5))
def test_parts_differ_by_no_more_than_the_longest_sequence(lengths, parts):
    sizes = [len(part.input_ids) for part in split_batch(batch_of(lengths), parts)]
    sizes += [0] * (parts - len(sizes))
    assert max(sizes) - min(sizes) <= max(lengths)


def test_the_longest_are_dealt_first():
    parts = split_batch(batch_of([3, 7, 4, 8, 2]), 2)
    assert [part.next_sentence_label.tolist() for part in parts] == [[0, 3, 4], [1, 2]]


def test_one_sequence_is_picked_with_its_masks():
    batch = batch_of([4, 5, 6])
    part = select_rows(batch, np.array([1]))
    assert part.input_ids.tolist() == [1000, 1001, 1002, 1003, 1004]
    inside = (batch.masked_positions >= 4) & (batch.masked_positions < 9)
    assert part.masked_positions.tolist() == (batch.masked_positions[inside] - 4).tolist()


def test_without_pairs_there_are_no_labels():
    batch = batch_of([2, 2])
    alone = replace(batch, next_sentence_label=None)
    assert all(part.next_sentence_label is None for part in split_batch(alone, 2))


@pytest.mark.parametrize("parts", [1, 3])
def test_the_order_inside_a_part_is_that_of_the_batch(parts):
    for part in split_batch(batch_of([5, 1, 5, 2, 9, 3]), parts):
        assert (np.diff(part.next_sentence_label) > 0).all()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.sampled_from([(0,), (1, 2), (3,)]))
def test_some_parts_are_the_same_without_the_sequences_of_the_others(lengths, own):
    batch = batch_of(lengths)
    wanted = split_batch(batch, 4)[own[0] : own[-1] + 1]
    some = replace(
        select_rows(batch, own_rows(np.array(lengths), 4, own)), whole=np.array(lengths, np.int32)
    )
    assert some.tokens == batch.tokens
    for given_ in (batch, some):
        found = split_batch(given_, 4, own)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert one.input_ids.tolist() == other.input_ids.tolist()
            assert one.masked_positions.tolist() == other.masked_positions.tolist()
            assert one.next_sentence_label.tolist() == other.next_sentence_label.tolist()
