"""GPT-2's words: letters, numbers and others with the space before them, and contractions."""

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii64,
    ascii_digits64,
    ascii_letters64,
    ascii_spaces64,
    blanks64,
    load_u8,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.words.kernels.classes import ALL, LETTER, NONE_LEFT, ONE, SPACE, class_at, words_from
from tokpipe.words.kernels.scan import after_letters

# In ASCII
_BLANK = np.uint8(32)
_APOSTROPHE = np.uint8(39)


@inlined_helper
def take_gpt2(cursor, end, split):
    address, places, following = cursor
    if places & (places - ONE) == NONE_LEFT:  # the end of a word is where the next one begins
        address = following
        if address >= end:
            return words_from(end), end, np.int64(0), False
        places = _gpt2_places(address, end)
    rest = places & (places - ONE)
    start = address + np.int64(trailing_zeros(places))
    if rest == NONE_LEFT or load_u8(start) == _APOSTROPHE:
        following = _after_gpt2(start, end, split)
        return words_from(following), start, following - start, False
    following = address + np.int64(trailing_zeros(rest))
    return (address, rest, following), start, following - start, False


@inlined_helper
def _gpt2_places(address, end):
    """Mark where words begin in 64 bytes, as far as ASCII decides; one begins at the first.

    Contractions are not seen: a word that begins with an apostrophe is looked at again.
    """
    ascii_bytes = ascii64(address)
    letters, digits = ascii_letters64(address), ascii_digits64(address)
    spaces, blanks = ascii_spaces64(address), blanks64(address)
    sure = np.int64(trailing_zeros(~ascii_bytes))  # 64 if all are ASCII
    left, last = end - address, NONE_LEFT
    if left < sure:
        last = ONE << np.uint64(left)  # the end is where a word would begin, ...
        letters, digits = letters & (last - ONE), digits & (last - ONE)
        spaces, blanks = spaces | last, blanks & (last - ONE)  # ... and spaces before it one word
        below = last - ONE
    else:
        below = ALL >> np.uint64(65 - max(sure, np.int64(2)))  # the next decides on the last
    others = ~(letters | digits | spaces)
    after = ~(blanks << ONE)
    begins = letters & ~(letters << ONE) | digits & ~(digits << ONE) | others & ~(others << ONE)
    begins = begins & after | spaces & (~(spaces << ONE) | ~(spaces >> ONE))
    return begins & below | last | ONE


@compiled_helper
def _after_gpt2(position, end, split):
    """Return where the GPT-2 word at `position` ends (before `end`)."""
    first = load_u8(position)
    if first == _APOSTROPHE:
        contraction = _contraction(position, end)
        if contraction > 0:
            return position + contraction
    start = position
    kind, width = class_at(position, split)
    position += width
    if first == _BLANK and position < end:
        kind, width = class_at(position, split)
        if kind != SPACE:
            position += width
    if kind == LETTER:
        return _after_letter_run(position, end, split)
    if kind == SPACE:
        return _after_spaces(start, end, split)
    return _after_run(position, end, kind, split)


@inlined_helper
def _contraction(position, end):
    """Return the bytes of 's 't 'm 'd 're 've 'll at an apostrophe, or 0."""
    if position + 1 < end:
        one = load_u8(position + 1)
        if one == 115 or one == 116 or one == 109 or one == 100:
            return np.int64(2)
        if position + 2 < end:
            two = load_u8(position + 2)
            if (one == 114 or one == 118) and two == 101:
                return np.int64(3)
            if one == 108 and two == 108:
                return np.int64(3)
    return np.int64(0)


@inlined_helper
def _after_letter_run(position, end, split):
    while True:
        position = after_letters(position)
        if position >= end:
            return end
        if load_u8(position) < 0x80:
            return position
        kind, width = class_at(position, split)
        if kind != LETTER:
            return position
        position += width


@inlined_helper
def _after_run(position, end, kind, split):
    while position < end:
        other, width = class_at(position, split)
        if other != kind:
            break
        position += width
    return position


@inlined_helper
def _after_spaces(position, end, split):
    r"""Return the end of ``\s+(?!\S)|\s+``: the last space before a word belongs to the word."""
    start, last = position, position
    while position < end:
        kind, width = class_at(position, split)
        if kind != SPACE:
            return last if last > start else position
        last = position
        position += width
    return position
