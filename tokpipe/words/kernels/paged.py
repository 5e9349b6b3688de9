"""Tables by code point, in pages of 256; a page that stands often is kept once.

``pages : uint16[4352]`` has the page of each 256 code points, and any ``table[P * 256]`` what is
known of each of them. Replacements are strings: number ``i`` is
``strings[string_offsets[i]:string_offsets[i + 1]]``, UTF-8.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_u16
from tokpipe.foundation.jit import inlined_helper


@inlined_helper
def slot_in(code_point, pages):
    """Return where the tables hold a code point; `pages` is an address."""
    return (np.int64(load_u16(pages + ((code_point >> 8) << 1))) << 8) | (code_point & 255)


def look_up(table, character, pages):
    """Return what a table holds of a character: for the twins."""
    page = int(pages[ord(character) >> 8])
    return int(table[(page << 8) | (ord(character) & 255)])


def string(number, tables):
    """Return a replacement: for the twins."""
    start, end = tables.string_offsets[number : number + 2]
    return tables.strings[start:end].tobytes().decode()
