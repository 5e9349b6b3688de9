"""Arguments for the kernels of counting."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import BERT_UNCASED, GPT2
from tokpipe.words.kernels.order import pack_slots_reference
from tokpipe.words.pre_tokenizers import scratch_bytes, split_tables
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


def packed(draw):
    words, table = Strings.from_list(draw(WORDS)), small_table(64, 2000)
    table.add(words, np.arange(len(words)))
    _, rows = pack_slots_reference(table.slots, table.arena, 0, 0)
    return table, rows


@st.composite
def pack_slots(draw):
    words, table = Strings.from_list(draw(WORDS)), small_table(64, 2000)
    table.add(words, np.arange(len(words)))
    first = draw(st.integers(0, 64))
    return table.slots, table.arena, first, draw(st.integers(0, first))


@st.composite
def order_ties(draw):
    table, rows = packed(draw)
    return table.slots, table.arena, np.argsort(table.slots[: 3 * rows : 3]), 0


@st.composite
def copy_words(draw):
    table, rows = packed(draw)
    order = np.array(draw(st.permutations(range(rows))), np.int64)
    data = np.zeros(draw(st.sampled_from([8, 20, 100, 1000])), np.uint8)
    return table.slots, table.arena, order, data, np.zeros(rows + 1, np.int64), np.zeros(rows, int)


@st.composite
def merge_runs(draw):
    runs = draw(st.lists(st.lists(WORD, max_size=12, unique=True).map(sorted), max_size=5))
    strings = [Strings.from_list(run) for run in runs]
    starts = np.cumsum([0, *(len(s.data) for s in strings)])
    moved = [s.offsets + start for s, start in zip(strings, starts, strict=False)]
    rows = sum(len(s.offsets) for s in strings)
    big = st.sampled_from([1, 2, 5, 2**40, 2**62, 2**63 - 1])
    counts = np.array(draw(st.lists(big, min_size=rows, max_size=rows)), np.int64)
    firsts = np.cumsum([0, *(len(s.offsets) for s in strings)])[:-1]
    cursors = firsts + [draw(st.integers(0, len(s))) for s in strings]
    ended = draw(st.lists(st.booleans(), min_size=len(runs), max_size=len(runs)))
    out = draw(st.integers(0, 60))
    return (
        np.concatenate([np.zeros(0, np.uint8), *(s.data for s in strings)]),
        np.concatenate([np.zeros(0, np.int64), *moved]),
        counts,
        cursors.astype(np.int64),
        (firsts + [len(s) for s in strings]).astype(np.int64),
        np.array(ended, np.bool_),
        np.zeros(draw(st.sampled_from([30, 3000])), np.uint8),
        np.zeros(out + 1, np.int64),
        np.zeros(out, np.int64),
    )


TEXTS = st.lists(st.text("aB é\n'1İ東\0", max_size=30), max_size=12).map(Strings.from_list)


@st.composite
def count_texts(draw):
    texts, table = draw(TEXTS), small_table(1024, 20_000)
    left_out = np.array([draw(st.booleans()) for _ in range(len(texts))], np.bool_)
    first = draw(st.integers(0, len(texts)))
    config = draw(st.sampled_from([GPT2, BERT_UNCASED]))
    split = split_tables(config), scratch_bytes(texts.nbytes, config)
    position = int(texts.offsets[first])
    start = texts.data, texts.offsets, left_out, first, position
    return *start, *split, table.head, table.slots, table.arena


@st.composite
def texts_below(draw):
    texts = draw(TEXTS)
    return texts.data, texts.offsets, np.uint64(draw(st.integers(0, 2**64 - 1)))


CASES = {
    "tokpipe.words.kernels.count.count_texts": count_texts(),
    "tokpipe.words.kernels.count.texts_below": texts_below(),
    "tokpipe.words.kernels.table.add_words": add_words(),
    "tokpipe.words.kernels.table.move_words": move_words(),
    "tokpipe.words.kernels.order.pack_slots": pack_slots(),
    "tokpipe.words.kernels.order.order_ties": order_ties(),
    "tokpipe.words.kernels.order.copy_words": copy_words(),
    "tokpipe.words.kernels.merge.merge_runs": merge_runs(),
}
