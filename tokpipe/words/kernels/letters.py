"""Counting letters, and those that would not survive the stripping of accents."""

import numpy as np

from tokpipe.foundation.intrinsics import load_u8
from tokpipe.foundation.jit import kernel
from tokpipe.foundation.utf8 import decode_at
from tokpipe.words.kernels.paged import look_up, slot_in

NO_LETTER, UNCHANGED, CHANGED = range(3)


def count_letters_reference(data, offsets, pages, kinds):
    found = [0, 0, 0]
    for character in data[offsets[0] : offsets[-1]].tobytes().decode():
        found[look_up(kinds, character, pages)] += 1
    return found[UNCHANGED], found[CHANGED]


@kernel(reference=count_letters_reference)
def count_letters(data, offsets, pages, kinds):
    """Count the letters of strings by what stripping does to them.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[W + 1]
        The strings, UTF-8.
    pages : uint16[4352], kinds : uint8[P * 256]
        What each code point is: no letter, unchanged, changed.

    Returns
    -------
    unchanged, changed : int
        How many letters (marks among them) stay, and how many become others or vanish.
    """
    base = np.int64(data.ctypes.data)
    page, kind = np.int64(pages.ctypes.data), np.int64(kinds.ctypes.data)
    unchanged, changed = np.int64(0), np.int64(0)
    at, end = base + offsets[0], base + offsets[-1]
    while at < end:
        code_point, width = decode_at(at)
        found = load_u8(kind + slot_in(code_point, page))
        unchanged += np.int64(found == UNCHANGED)
        changed += np.int64(found == CHANGED)
        at += width
    return unchanged, changed
