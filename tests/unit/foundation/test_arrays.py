from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation import arrays
from tokpipe.foundation.arrays import PADDING, Strings, add_counts, distinct


@given(st.lists(st.text()))
def test_strings_come_back_and_padding_follows(items):
    strings = Strings.from_list(items)
    assert [b.decode() for b in strings.iter_bytes()] == items
    assert len(strings) == len(items)
    assert not strings.data[strings.offsets[-1] :].any()
    assert len(strings.data) == strings.nbytes + PADDING


@given(st.lists(st.one_of(st.none(), st.text(max_size=5))), st.integers(0, 3))
def test_arrow_columns_and_their_slices_come_in_and_go_out(items, start):
    column = pa.array(items, pa.string()).slice(min(start, len(items)))
    strings = Strings.from_arrow(column)
    expected = ["" if item is None else item for item in column.to_pylist()]
    assert strings.to_arrow().to_pylist() == expected


@given(st.lists(st.text(max_size=6), min_size=1), st.data())
def test_strings_are_taken_in_any_order_however_many_bytes_go_at_a_time(items, data):
    rows = data.draw(st.lists(st.integers(0, len(items) - 1)))
    with patch.object(arrays, "_GATHERED", data.draw(st.integers(1, 20))):
        taken = arrays.take_strings(Strings.from_list(items), np.array(rows, np.int64))
    assert [item.decode() for item in taken.iter_bytes()] == [items[row] for row in rows]
    assert not taken.data[taken.offsets[-1] :].any()


@given(st.lists(st.lists(st.text(max_size=4))))
def test_parts_are_joined_in_their_order(parts):
    cut = [Strings.from_list(["other", *part]) for part in parts]
    joined = arrays.join_strings([Strings(part.data, part.offsets[1:]) for part in cut])
    assert [item.decode() for item in joined.iter_bytes()] == [i for part in parts for i in part]
    assert len(joined.data) == joined.nbytes + PADDING


def test_counts_are_added_over_any_number_of_values():
    values = np.random.default_rng(0).integers(0, 9, 3_000_000).astype(np.int32)
    counts = np.full(7, 5, np.int64)
    add_counts(values, counts)
    assert counts.tolist() == [5 + int((values == number).sum()) for number in range(7)]


@given(st.lists(st.integers(-5, 5)))
def test_distinct_values_are_those_of_numpy(values):
    found = distinct(np.array(values, np.int64))
    assert found.tolist() == np.unique(values).tolist() == distinct(values).tolist()
