import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.labelled.fields import COMMENT, fields_of

PIECES = st.sampled_from(["a", "é東", "#", "-", " ", "\u00a0", "\t", "\x0b", ""])
LINES = st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=8)


def split(line, tabs):
    if tabs:
        return line.split("\t")
    return [field for field in re.split("[ \t]", line) if field]


@given(LINES, st.booleans())
def test_fields_are_those_of_a_plain_split(lines, ended):
    stored = [f"{line}\n" for line in lines]
    if not ended:
        stored[-1] = lines[-1] or "a"
        lines = [*lines[:-1], stored[-1]]
    found = fields_of(Strings(*_tail(stored)))
    blank = [not line.strip(" \t\x0b") for line in lines]
    assert found.blank.tolist() == blank
    held = [line for line, is_blank in zip(lines, blank, strict=True) if not is_blank]
    counted = [line for line in held if ord(line[0]) != COMMENT]
    assert found.tabs == (2 * sum("\t" in line for line in counted) > len(counted))
    expected = [split(line, found.tabs) for line in lines]
    assert found.counts().tolist() == [len(fields) for fields in expected]
    for at in (0, -1):
        rows = np.flatnonzero(found.counts() > 0)
        cells = [cell.decode() for cell in found.column(rows, at).iter_bytes()]
        assert cells == [expected[row][at] for row in rows]


def _tail(stored):
    """Return lines whose first offset is not 0, as a batch cut out of another has them."""
    whole = Strings.from_list(["before", *stored])
    return whole.data, whole.offsets[1:]


@given(st.lists(st.sampled_from(["-DOCSTART- O", "-DOC", "a", ""]), min_size=1))
def test_lines_are_known_by_how_they_start(lines):
    found = fields_of(Strings.from_list([f"{line}\n" for line in lines]))
    rows = np.arange(len(lines))
    for text in (b"-DOCSTART-", b"a"):
        expected = [f"{line}\n".encode().startswith(text) for line in lines]
        assert found.starts_with(rows, text).tolist() == expected
