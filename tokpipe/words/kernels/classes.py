"""What a character is to a split: the tables of `SplitTables` on addresses, and the cursor."""

from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import load_u8
from tokpipe.foundation.jit import inlined_helper
from tokpipe.foundation.utf8 import decode_at
from tokpipe.words.kernels.paged import slot_in

BERT, GPT2, WHITESPACE, WHITESPACE_SPLIT, NONE = range(5)
OTHER, LETTER, NUMBER, SPACE = range(4)  # classes for gpt2; for whitespace, LETTER is \w

# Marks, a bit for each of 64 bytes: none, the first byte's, all
NONE_LEFT, ONE, ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)


class SplitAddresses(NamedTuple):
    """A `SplitTables` for the private parts: its two numbers, and where its arrays are."""

    kind: int
    lower: int
    pages: int
    classes: int
    replacements: int
    string_offsets: int
    strings: int
    combining: int


@inlined_helper
def split_addresses(tables):
    return SplitAddresses(
        np.int64(tables.kind),
        np.int64(tables.lower),
        np.int64(tables.pages.ctypes.data),
        np.int64(tables.classes.ctypes.data),
        np.int64(tables.replacements.ctypes.data),
        np.int64(tables.string_offsets.ctypes.data),
        np.int64(tables.strings.ctypes.data),
        np.int64(tables.combining.ctypes.data),
    )


@inlined_helper
def slot_of(code_point, split):
    """Return where the paged tables hold a code point."""
    return slot_in(code_point, split.pages)


@inlined_helper
def class_at(address, split):
    """Return class and width of the code point at an address."""
    first = np.int64(load_u8(address))
    if first < 0x80:  # page 0 comes first in the tables
        return np.int64(load_u8(split.classes + first)), np.int64(1)
    code_point, width = decode_at(address)
    return np.int64(load_u8(split.classes + slot_of(code_point, split))), width


@inlined_helper
def words_from(address):
    """Return a cursor before the first word at or after an address."""
    # an address, the places after it where words may begin (uint64, one bit a byte), and the end
    # of the last word taken, where to go on when those are used up
    return address, NONE_LEFT, address


@inlined_helper
def rest_of(cursor):
    """Return the address behind the last word taken: `words_from` it finds the others."""
    return cursor[2]
