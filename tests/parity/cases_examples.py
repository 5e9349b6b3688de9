"""Arguments for the kernels of examples, each to be run by the kernel and by its twin."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.kernels.mask_trace import CONTINUES, FIXED, MaskRule
from tokpipe.examples.masking import span_lengths

KEYS = st.integers(0, 2**64 - 1)
SIZES = st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=6)


def borders_of(sizes):
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


def keys_of(draw, count):
    return np.array(draw(st.lists(KEYS, min_size=count, max_size=count)), np.uint64)


@st.composite
def _sentences(draw):
    documents = draw(st.lists(st.lists(st.integers(0, 30), max_size=5), max_size=5))
    flat = [size for document in documents for size in document]
    begin = draw(st.integers(0, 3))
    borders = borders_of(flat) + begin, borders_of([len(d) for d in documents])
    return *borders, draw(st.integers(1, 12)), draw(st.integers(1, 12))


@st.composite
def _units(draw):
    documents = draw(SIZES)
    units = borders_of([size for document in documents for size in document])
    return units, borders_of([len(d) for d in documents]), keys_of(draw, len(documents))


@st.composite
def _pairs(draw):
    window, share = draw(st.integers(2, 20)), draw(st.sampled_from([0.0, 0.5, 1.0]))
    return *draw(_units()), window, share, draw(st.booleans()), draw(st.booleans())


@st.composite
def _packed(draw):
    room, share = draw(st.integers(10, 30)), draw(st.sampled_from([0.0, 0.5, 1.0]))
    return *draw(_units()), room, share, draw(st.booleans())


@st.composite
def _rows(draw):
    ids = np.array(draw(st.lists(st.integers(0, 99), max_size=30)), np.int32)
    cuts = sorted(draw(st.lists(st.integers(0, len(ids)), min_size=2, max_size=8)))
    spans = np.array(list(pairwise(cuts)), np.int64)
    inner = sorted(draw(st.lists(st.integers(0, len(spans)), max_size=3)))
    specials = st.lists(st.integers(100, 110), max_size=3).map(lambda x: np.array(x, np.int32))
    borders = np.array([0, *inner, len(spans)], np.int64)
    return ids, spans, borders, draw(specials), draw(specials), draw(specials)


@st.composite
def _words(draw):
    dtype = draw(st.sampled_from([np.int32, np.uint16]))
    least = -1 if dtype == np.int32 else 0
    ids = np.array(draw(st.lists(st.integers(least, 25), max_size=40)), dtype)
    is_word = np.array(draw(st.lists(st.booleans(), min_size=1, max_size=20)))
    return ids, is_word, draw(st.integers(-1, 19))


@st.composite
def _masks(draw):
    sizes = draw(st.lists(st.integers(0, 40), max_size=4))
    ids = draw(st.lists(st.integers(0, 19), min_size=sum(sizes), max_size=sum(sizes)))
    kinds = np.repeat(np.array([FIXED, 0, CONTINUES], np.uint8), [3, 11, 6])
    spans = st.sampled_from(["none", "geometric"])
    config = MaskConfig(whole_word=draw(st.booleans()), span=draw(spans))
    mask = draw(st.floats(0, 1))
    shares = np.array([draw(st.floats(0.01, 1)), mask, draw(st.floats(mask, 1))])
    ordinary = np.arange(3, 20, dtype=np.int32)
    return (
        np.array(ids, np.int32),
        borders_of(sizes),
        keys_of(draw, len(sizes)),
        MaskRule(kinds, ordinary, 2, shares, draw(st.integers(1, 12)), span_lengths(config)),
        (np.zeros(200, np.int32), np.zeros(200, np.int32), np.zeros(len(sizes) + 1, np.int64)),
    )


CASES = {
    "tokpipe.examples.kernels.units.cut_sentences": _sentences(),
    "tokpipe.examples.kernels.pairs.build_pairs": _pairs(),
    "tokpipe.examples.kernels.packing.pack_units": _packed(),
    "tokpipe.examples.kernels.assemble.assemble_rows": _rows(),
    "tokpipe.examples.kernels.masks.mask_rows": _masks(),
    "tokpipe.examples.kernels.words.count_words": _words(),
}
