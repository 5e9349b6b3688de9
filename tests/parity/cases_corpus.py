"""Arguments for every kernel of tokpipe.corpus."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.corpus.kernels.lines import line_offsets_reference
from tokpipe.foundation.arrays import padded

# Bytes that meet every rule of UTF-8, line ends and blanks, often enough to collide.
_FRAGMENTS = st.one_of(
    st.sampled_from([b"\n", b"\r\n", b"\r", b" ", b"\t", b"a", b"plain words of ascii, many "]),
    st.sampled_from([c.encode() for c in "åñЖ東😀\u2028\u00a0\ud7ff\ue000\U0010ffff\x00\x85"]),
    st.sampled_from([b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80"]),
    st.binary(min_size=1, max_size=3),
)
TEXTS = st.lists(_FRAGMENTS, max_size=24).map(b"".join)


@st.composite
def _ranges(draw):
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text)))
    return padded(text), start, draw(st.integers(start, len(text)))


_LINES = TEXTS.map(
    lambda text: (padded(text), line_offsets_reference(padded(text), 0, len(text))[0])
)


@st.composite
def _strings(draw):
    text = draw(TEXTS)
    borders = draw(st.lists(st.integers(0, len(text)), min_size=1, max_size=6).map(sorted))
    return padded(text), np.array(borders, np.int64)


CASES = {
    "tokpipe.corpus.kernels.lines.first_invalid": _ranges(),
    "tokpipe.corpus.kernels.lines.invalid_strings": _strings(),
    "tokpipe.corpus.kernels.lines.count_newlines": _ranges(),
    "tokpipe.corpus.kernels.lines.line_offsets": _ranges(),
    "tokpipe.corpus.kernels.lines.fold_crlf": _LINES,
    "tokpipe.corpus.kernels.lines.document_starts": _LINES,
}
