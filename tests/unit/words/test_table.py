from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.words.table import WordTable

WORDS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=20),
        st.text("aAbBzZ@[`{\0", min_size=1, max_size=18).map(str.encode),
        st.sampled_from([b"a", b"a\0", b"\0", b"\0" * 8, b"\0" * 9, b"ABCDEFGH", b"ABCDEFGHI"]),
    ),
    max_size=40,
)


@given(WORDS, st.booleans())
def test_a_table_is_a_dict_of_sums(words, lower):
    table = WordTable()
    table.add(Strings.from_list(words), range(1, len(words) + 1), lower=lower)
    expected = Counter()
    for value, word in enumerate(words, 1):
        expected[word.lower() if lower else word] += value
    assert table.to_dict() == expected and len(table) == len(expected)


def test_a_table_grows_past_its_first_slots_and_arena():
    words = [b"%d" % (i * 7919) for i in range(30_000)] + [
        b"a word of more bytes %d" % i for i in range(9000)
    ]
    table = WordTable()
    table.add(Strings.from_list(words), np.ones(len(words), np.int64))
    table.add(Strings.from_list(words), np.full(len(words), 2**40))
    assert table.to_dict() == dict.fromkeys(words, 2**40 + 1)


def test_a_cleared_table_is_empty_and_keeps_its_memory():
    table = WordTable()
    table.add(Strings.from_list([b"%d" % i for i in range(5000)]), np.ones(5000, np.int64))
    size = table.nbytes
    table.clear()
    assert table.to_dict() == {} and table.nbytes == size
    table.add(Strings.from_list([b"again", b"longer than eight"]), [3, 4])
    assert table.to_dict() == {b"again": 3, b"longer than eight": 4}


def test_a_word_of_a_hundred_megabytes_is_one_word():
    data = np.full(100_000_000 + 64, ord("A"), np.uint8)
    strings = Strings(data, np.array([0, 50_000_000, 100_000_000]))
    table = WordTable()
    table.add(strings, [1, 1], lower=True)
    assert table.to_dict() == {b"a" * 50_000_000: 2}


def test_bytes_after_a_word_do_not_matter():
    table = WordTable()
    for tail in (b"", b"x", b"yz"):
        strings = Strings.from_list([b"word", b"a longer word" + tail])
        table.add(Strings(strings.data, np.array([0, 4])), [1])
        table.add(Strings(strings.data, np.array([4, 17])), [1])
    assert table.to_dict() == {b"word": 3, b"a longer word": 3}
