"""Arguments for the kernels of sentences."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.corpus.kernels import sentences as kernels
from tokpipe.corpus.sentence_words import sentence_tables
from tokpipe.foundation.arrays import padded

# Pieces that meet every rule, often enough to meet each other.
PIECES = st.one_of(
    st.sampled_from(
        [". ", "! ", "? ", "... ", ".", "?", "!", "…", " ", "  ", "\n", "\n\n", "\r\n"]
    ),
    st.sampled_from(
        ["a", "A", "I", "J", "Å", "ö", "word", "Word", "åka", "The", "the", "Det", "7"]
    ),
    st.sampled_from(["12", "1999", "mr", "Mr", "etc", "U.S", "e.g", "t.ex", "No", "Fig", "März"]),
    st.sampled_from(
        ['"', "'", "”", "“", "’", "»", "(", ")", "[", "]", "-", "–", "—", ",", ":", "¿"]
    ),
    st.sampled_from([":)", ":-P", "=(", "^_^", ". . .", "*", "•", "1. ", "2) ", "http://a.b/c?d"]),
    st.sampled_from(
        ["。", "！", "？", "」", "「", "と", "东", "가", "।", "؟", "۔", "क", "م", "😀"]
    ),
    st.sampled_from(["\u00a0", "\u3000", "\u2028", "\u0085", "\t", "\v", "\x00", "\x1c", "\uffef"]),
    st.text(max_size=3),
)
TEXTS = st.lists(PIECES, max_size=20).map(lambda pieces: "".join(pieces).encode())


@st.composite
def _units(draw):
    texts = draw(st.lists(TEXTS, max_size=4))
    offsets = np.cumsum([0] + [len(text) for text in texts]).astype(np.int64)
    splitter = draw(st.sampled_from([kernels.RULE, kernels.RULE, kernels.LINE, kernels.NONE]))
    return padded(b"".join(texts)), offsets, splitter, *sentence_tables()


@st.composite
def _sentences(draw):
    data, units, splitter, *tables = draw(_units())
    found = kernels.sentence_spans_reference(data, units, splitter, *tables)
    return data, *found, draw(st.booleans())


CASES = {
    "tokpipe.corpus.kernels.sentences.sentence_spans": _units(),
    "tokpipe.corpus.kernels.joining.join_sentences": _sentences(),
}
