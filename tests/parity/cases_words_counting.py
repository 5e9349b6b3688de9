"""Arguments for the kernels of counting."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.words.table import WordTable

WORD = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.text("abAB\0", min_size=1, max_size=18).map(str.encode),
)
WORDS = st.lists(WORD, max_size=30)


def small_table(slots: int, arena: int) -> WordTable:
    """Make a table that is soon full, with an arena that can be compared byte by byte."""
    table = WordTable()
    table.slots, table.arena = np.zeros(3 * slots, np.uint64), np.zeros(arena, np.uint8)
    table.head[:] = 0, slots * 5 // 8, 16, arena
    return table


TABLE = st.builds(small_table, st.sampled_from([8, 32, 64]), st.sampled_from([16, 100, 2000]))


@st.composite
def add_words(draw):
    words = draw(WORDS)
    values = np.array(draw(st.lists(st.integers(0, 2**40), min_size=len(words))), np.int64)
    strings, table = Strings.from_list(words), draw(TABLE)
    arguments = strings.data, strings.offsets, values[: len(words)], draw(st.booleans())
    return *arguments, draw(st.integers(0, len(words))), table.head, table.slots, table.arena


@st.composite
def move_words(draw):
    words, table = Strings.from_list(draw(WORDS)), small_table(64, 2000)
    table.add(words, np.arange(len(words)))
    slots = np.zeros(3 * draw(st.sampled_from([64, 128])), np.uint64)
    return table.slots, draw(st.integers(0, 64)), table.arena, slots


CASES = {
    "tokpipe.words.kernels.table.add_words": add_words(),
    "tokpipe.words.kernels.table.move_words": move_words(),
}
