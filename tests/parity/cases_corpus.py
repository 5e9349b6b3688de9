"""Arguments for every kernel of tokpipe.corpus."""

import json

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


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**30), 10**30)
    | st.text(st.sampled_from('ab"\\\n\x00é東😀\ud800\udc00/'), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("tab"), inner),
    max_leaves=6,
)
_TOKENS = [
    *("{", "}", "[", "]", ",", ":", '"', "\\", " ", "\t", '{"t":"value"}', '{"t":', '"t"', '"t"'),
    *('"\\u0074"', '"x\\ud83d\\ude00"', '"\\ud83d"', '"\\udc00\\ud83d"', '"é😀 words"', '"\\u12'),
    *(
        "1",
        "-0.5e+7",
        "01",
        "1.",
        "1e",
        "null",
        "nul",
        "true",
        "NaN",
        "-Infinity",
        '"a\\',
        "\u2028",
    ),
]


@st.composite
def _json_lines(draw):
    written = st.builds(
        lambda value, text, ascii, spaces: (
            json.dumps({"a": value, "t": text}, ensure_ascii=ascii, separators=spaces)
            .encode("utf-8", "replace")
            .decode()
        ),
        _JSON,
        _JSON,
        st.booleans(),
        st.sampled_from([(",", ":"), (" , ", " : ")]),
    )
    noise = st.lists(st.sampled_from(_TOKENS), max_size=12).map("".join)
    objects = noise.map(lambda text: '{"t":' + text + "}")
    lines = [line.encode() for line in draw(st.lists(written | noise | objects, max_size=4))]
    offsets = np.cumsum([0] + [len(line) for line in lines]).astype(np.int64)
    return (
        padded(b"".join(lines)),
        offsets,
        np.frombuffer(bytearray(b"t"), np.uint8),
        draw(st.integers(1, 5)),
    )


_CELLS = st.lists(
    st.sampled_from(
        [b",", b"\n", b"\r\n", b"\r", b'"', b'""', b"a", b"many plain words", "é東".encode()]
    ),
    max_size=24,
).map(b"".join)


@st.composite
def _delimited(draw, last):
    text = draw(_CELLS)
    start = draw(st.integers(0, len(text)))
    stop = draw(st.integers(start, len(text)))
    quote = draw(st.sampled_from([34, -1]))
    if last == "column":
        return padded(text), start, stop, 44, quote, draw(st.integers(0, 2))
    return padded(text), start, stop, draw(st.integers(0, 3 if quote > 0 else 1)), 44, quote


CASES = {
    "tokpipe.corpus.kernels.delimited.last_record_end": _delimited("state"),
    "tokpipe.corpus.kernels.delimited.column_cells": _delimited("column"),
    "tokpipe.corpus.kernels.jsonl.json_texts": _json_lines(),
    "tokpipe.corpus.kernels.lines.first_invalid": _ranges(),
    "tokpipe.corpus.kernels.lines.invalid_strings": _strings(),
    "tokpipe.corpus.kernels.lines.count_newlines": _ranges(),
    "tokpipe.corpus.kernels.lines.line_offsets": _ranges(),
    "tokpipe.corpus.kernels.lines.fold_crlf": _LINES,
    "tokpipe.corpus.kernels.lines.document_starts": _LINES,
}
