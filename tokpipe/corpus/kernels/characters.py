"""Characters of UTF-8 told apart by class, for the kernels of sentences.

`classes` is uint8[C]: a class for each code point below `TABLED`, then for those from `HALFWIDTH`
to U+FFFF; all others are caseless letters. Sets of classes are bits. A text is valid UTF-8, and 64
bytes may be loaded behind it.
"""

import numpy as np

from tokpipe.foundation.intrinsics import (
    continuations64,
    count_ones,
    load_u8,
    newlines64,
    sentence_marks64,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.foundation.utf8 import character_before

OTHER, EYES, SPACE, LOWER, UPPER, DIGIT, LETTER = range(7)
QUOTE, OPEN, CLOSE, DASH, DOT, ELLIPSIS, STOP, FULL = range(7, 15)  # FULL needs no space behind it

TABLED, HALFWIDTH = 0x3100, 0xFF00  # code points between are Han, Hangul and their like: letters
SPACES = 1 << SPACE
EVER = 1 << 62  # as many characters as there are


def class_of_reference(character, classes):
    """Return the class of a character: for the twins."""
    point = ord(character)
    if HALFWIDTH <= point < 0x10000:
        point -= HALFWIDTH - TABLED
    elif point >= TABLED:
        return LETTER
    return int(classes[point])


@inlined_helper
def class_at(at, stop, classes):
    """Return the class of the character at an address and the bytes it takes; SPACE at the stop."""
    if at >= stop:
        return np.int64(SPACE), np.int64(1)
    first = np.int64(load_u8(at))
    if first < 0x80:
        return np.int64(load_u8(classes + first)), np.int64(1)
    point = np.int64(load_u8(at + 1)) & 63
    if first < 0xE0:
        return np.int64(load_u8(classes + (((first & 31) << 6) | point))), np.int64(2)
    if first >= 0xF0:
        return np.int64(LETTER), np.int64(4)
    point = ((first & 15) << 12) | (point << 6) | (np.int64(load_u8(at + 2)) & 63)
    if point >= HALFWIDTH:
        return np.int64(load_u8(classes + (point - HALFWIDTH + TABLED))), np.int64(3)
    if point >= TABLED:
        return np.int64(LETTER), np.int64(3)
    return np.int64(load_u8(classes + point)), np.int64(3)


@inlined_helper
def is_among(found, wanted):
    """Say whether a class is one of a set."""
    return (np.int64(wanted) >> found) & 1 != 0


@inlined_helper
def pass_over(at, stop, classes, wanted, most):
    """Return the address behind the characters of a set of classes, at most so many."""
    while at < stop and most > 0:
        found, size = class_at(at, stop, classes)
        if not is_among(found, wanted):
            break
        at += size
        most -= 1
    return at


@inlined_helper
def without_spaces(start, end, classes):
    """Return the end without the white space before it."""
    while end > start:
        one = character_before(end)
        if class_at(one, end, classes)[0] != SPACE:
            break
        end = one
    return end


@inlined_helper
def classes_between(at, stop, classes):
    """Return a bit for each class between two addresses, how many characters, and the last two."""
    seen, count, last, second = np.int64(0), np.int64(0), np.int64(-1), np.int64(-1)
    while at < stop:
        second = last
        last, step = class_at(at, stop, classes)
        seen |= np.int64(1) << last
        count += 1
        at += step
    return seen, count, last, second


@compiled_helper
def count_characters(at, stop):
    """Count the characters of UTF-8 from one address to another."""
    size, all_ones = stop - at, ~np.uint64(0)
    while at < stop:
        mask = continuations64(at)
        if stop - at < 64:
            mask &= ~(all_ones << np.uint64(stop - at))
        size -= np.int64(count_ones(mask))
        at += 64
    return size


@compiled_helper
def next_mark(at, stop, any_mark):
    """Return the first address that holds a line end, or one not before `stop`.

    With `any_mark`, it may also hold the first byte of a mark that ends sentences.
    """
    while at < stop:
        mask = sentence_marks64(at) if any_mark else newlines64(at)
        if mask != 0:
            return at + np.int64(trailing_zeros(mask))
        at += 64
    return at
