"""Arguments for the vocabulary kernels, each to be run by the kernel and by its twin."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.vocab.kernels.rescan import LAYOUT
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


CASES = {
    "tokpipe.vocab.kernels.rescan.lay_out_symbols": _symbols(),
    "tokpipe.vocab.kernels.symbols.count_characters": _characters(),
    "tokpipe.vocab.kernels.symbols.lay_out_words": _layout(),
}
