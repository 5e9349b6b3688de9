import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.windows import grid, room_beside, several
from tokpipe.foundation.arrays import range_items
from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.spec import Piece, Truncation
from tokpipe.tokenizer.truncation import windows

AROUND = (Piece("", 0, (1,), ("<",)), Piece("A", 0), Piece("", 0, (2, 2), (">", ">")))


@given(lengths=st.lists(st.integers(0, 300), max_size=8), room=st.integers(1, 40), data=st.data())
def test_windows_are_those_of_the_tokenizer_with_a_stride(lengths, room, data):
    stride = data.draw(st.integers(0, room - 1))
    row, starts, ends = grid(np.array(lengths, np.int64), np.full(len(lengths), room), stride)
    expected = [
        (number, *window)
        for number, length in enumerate(lengths)
        for window in windows(0, length, room, Truncation(room, stride=stride))
    ]
    assert list(zip(row.tolist(), starts.tolist(), ends.tolist(), strict=True)) == expected
    assert several(row) == sum(length > room for length in lengths)


def test_rows_have_rooms_of_their_own():
    row, starts, ends = grid(np.array([10, 10, 0]), np.array([4, 10, 1]), 1)
    assert row.tolist() == [0, 0, 0, 1, 2]
    assert starts.tolist() == [0, 3, 6, 0, 0] and ends.tolist() == [4, 7, 10, 10, 0]


@pytest.mark.parametrize(("room", "stride"), [(384, 128), (600, 128), (126, 42), (2, 0), (1, 0)])
def test_the_usual_stride_is_128_or_a_third(room, stride):
    _, starts, ends = grid(np.array([5_000]), np.array([room]))
    assert set((ends[:-1] - starts[1:]).tolist()) == {stride}


def test_a_stride_as_wide_as_a_window_is_an_error_where_windows_are_needed():
    with pytest.raises(ConfigError, match="stride=4: windows of 4 tokens of text share fewer"):
        grid(np.array([5, 9]), np.array([5, 4]), 4)
    assert len(grid(np.array([5, 4]), np.array([5, 4]), 4).row) == 2


@pytest.mark.parametrize(("most", "longest", "room"), [(10, None, 7), (10, 8, 5), (8, 10, 5)])
def test_room_is_what_special_tokens_leave(most, longest, room):
    assert room_beside(AROUND, WindowConfig(max_seq_length=most), longest) == room


@pytest.mark.parametrize(("most", "longest", "least"), [(3, None, 1), (9, 2, 1), (4, None, 2)])
def test_no_room_for_text_is_an_error(most, longest, least):
    with pytest.raises(ConfigError, match="beside 3 special ones"):
        room_beside(AROUND, WindowConfig(max_seq_length=most), longest, least)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=9))
def test_ranges_are_counted_through(ranges):
    starts, sizes = np.array(ranges, np.int64).reshape(-1, 2).T
    expected = [i for start, size in ranges for i in range(start, start + size)]
    assert range_items(starts, sizes).tolist() == expected
