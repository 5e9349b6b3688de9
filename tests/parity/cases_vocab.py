"""Arguments for the vocabulary kernels, each to be run by the kernel and by its twin."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.vocab.kernels.lean_words import LAYOUT, READING
from tokpipe.vocab.kernels.symbols import BORDER

WORDS = st.lists(st.text("abå€𝄞\0", max_size=6) | st.text(max_size=4), max_size=6)
CODES = st.sampled_from([256, 0x110000])


@st.composite
def _characters(draw):
    words = Strings.from_list(draw(WORDS))
    counts = draw(st.lists(st.integers(1, 1 << 40), min_size=len(words), max_size=len(words)))
    codes = draw(CODES)
    totals, kinds = np.zeros(codes, np.int64), np.zeros(codes, np.uint8)
    return words.data, words.offsets, np.array(counts, np.int64), totals, kinds


@st.composite
def _layout(draw):
    words = Strings.from_list(draw(WORDS))
    codes = draw(CODES)
    every, of_bytes = draw(st.integers(1, 5)), np.arange(codes, dtype=np.int32)
    plain = np.where(of_bytes % 7 == every, -1, of_bytes)  # some are left out
    symbols = np.stack([np.where(plain < 0, -1, 4 * plain + kind) for kind in range(4)])
    weights = draw(st.lists(st.integers(1, 9), min_size=len(words), max_size=len(words)))
    cells = np.zeros((words.nbytes + len(words) + 1, 2), np.int32)
    cells[0] = BORDER, 0
    few = draw(st.integers(1, 3))
    weights = np.array(weights, np.int32)
    return words.data, words.offsets, weights, symbols.astype(np.int32), few, cells, 1


@st.composite
def _symbols(draw):
    data, offsets, _, table, few, cells, _ = draw(_layout())
    symbols, kept = np.zeros(len(cells) + 1, np.int32), np.zeros(len(offsets) - 1, np.int64)
    return data, offsets, table, few, symbols, kept, np.zeros(1, LAYOUT), 1 << 20


@st.composite
def _lean(draw):
    """Lean cells, one a token, with their weights and a cursor behind the first border."""
    words = draw(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=7), max_size=5))
    cells = [BORDER, *(cell for word in words for cell in (*word, BORDER))]
    weights = [draw(st.integers(1, 1 << 29)) for _ in words]
    return np.array(cells, np.int32), weights, np.array([(1, 1, 0, 0)], READING)


@st.composite
def _sketch(draw):
    cells, weights, cursor = draw(_lean())
    lengths = np.array(draw(st.lists(st.integers(1, 3), min_size=6, max_size=6)), np.int32)
    buckets = np.zeros((1 << draw(st.integers(0, 4)), 2), np.int64)
    weights = np.array(weights, np.int64)
    return cells, weights, lengths, draw(st.integers(1, 7)), buckets, cursor, 1 << 20


@st.composite
def _to_cells(draw):
    cells, weights, cursor = draw(_lean())
    wide = np.zeros((len(cells), 2), np.int32)
    wide[0] = BORDER, 0
    return cells, np.array(weights, np.int32), wide, cursor, 1 << 20


@st.composite
def _rows(draw, columns):
    """Rows (pair + 1, ...) with free ones between, as a full table has them."""
    token = st.integers(0, 1 << 17)
    pairs = draw(st.lists(st.tuples(token, token), unique=True, max_size=12))
    rows = np.zeros((16, columns), np.int64)
    places = draw(st.permutations(range(16)))
    for place, (left, right) in zip(places, pairs, strict=False):
        rest = draw(st.lists(st.integers(0, 1 << 40), min_size=columns - 1, max_size=columns - 1))
        rows[place] = (left << 32 | right) + 1, *rest
    return rows


@st.composite
def _wider(draw):
    return draw(_rows(4)), np.zeros((1 << draw(st.integers(4, 6)), 4), np.int64)


@st.composite
def _slots(draw):
    source, size = draw(_rows(2)), 1 << draw(st.integers(4, 6))
    found = np.array(draw(st.lists(st.integers(0, 99), min_size=16, max_size=16)), np.int32)
    least = draw(st.sampled_from([-(1 << 62), 1, 1 << 39]))
    return source, np.zeros((size, 2), np.int64), found, np.zeros(size, np.int32), least


CASES = {
    "tokpipe.vocab.kernels.pairs.move_slots": _slots(),
    "tokpipe.vocab.kernels.lean_words.sketch_pairs": _sketch(),
    "tokpipe.vocab.kernels.lean_words.to_cells": _to_cells(),
    "tokpipe.vocab.kernels.lean_words.widen_table": _wider(),
    "tokpipe.vocab.kernels.lean_words.lay_out_symbols": _symbols(),
    "tokpipe.vocab.kernels.symbols.count_characters": _characters(),
    "tokpipe.vocab.kernels.symbols.lay_out_words": _layout(),
}
