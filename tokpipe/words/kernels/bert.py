"""BERT's words: normalised as they are found, cut at white space and round punctuation."""

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii_alphanumerics64,
    ascii_blanks64,
    load_i32,
    load_u8,
    load_u16,
    store_u8,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.foundation.utf8 import copy_bytes, decode_at, encode_at
from tokpipe.words.kernels.classes import (
    NONE_LEFT,
    ONE,
    class_at,
    slot_of,
    words_from,
)
from tokpipe.words.kernels.scan import after_alphanumerics
from tokpipe.words.tables.names import (
    ALONE,
    ALONE_MAPPED,
    DROPPED,
    DROPPED_STARTER,
    HANGUL,
    MAPPED,
    PLAIN,
    SEPARATOR,
    SORTED,
)


@inlined_helper
def take_bert(cursor, end, split, scratch):
    address, places, following = cursor
    lower = split.lower != 0
    while True:
        while places == NONE_LEFT:
            address = following
            if address >= end:
                return words_from(end), end, np.int64(0), lower
            places = _word_places(address, end)
            following = address + 64
        start = address + np.int64(trailing_zeros(places))
        places &= places - ONE
        stop = after_alphanumerics(start)
        if stop >= end:
            return words_from(end), start, end - start, lower
        first = np.int64(load_u8(stop))
        kind = np.int64(load_u8(split.classes + (first & 127)))
        if first < 0x80 and (kind == SEPARATOR) | (kind == ALONE):
            # Without a branch: whether a word or a punctuation mark stands here is hard to guess.
            size = stop - start
            size += np.int64(size == 0) & np.int64(kind == ALONE)
            if size > 0:
                return (address, places, start + size), start, size, lower
            following = start + 1
            continue
        following, word, size = _bert_word(start, stop, end, split, scratch)
        places = NONE_LEFT
        if size > 0:
            return words_from(following), word, size, lower


@inlined_helper
def _word_places(address, end):
    """Mark in 64 bytes the first letter or digit of each run, and all that is no blank either."""
    alphanumerics = ascii_alphanumerics64(address)
    places = (alphanumerics & ~(alphanumerics << ONE)) | ~(alphanumerics | ascii_blanks64(address))
    if end - address < 64:
        places &= (ONE << np.uint64(end - address)) - ONE
    return places


@compiled_helper
def _bert_word(start, position, end, split, scratch):
    """Return (next position, word, size) of what begins at `start`; size 0 if that is no word.

    The ASCII letters and digits from `start` to `position` are known to be there.
    """
    while position < end:
        kind, width = class_at(position, split)
        if kind != PLAIN:
            break
        position += width
        if load_u8(position) < 0x80:
            position = after_alphanumerics(position)
    if position >= end:
        return end, start, end - start
    if kind in (SEPARATOR, ALONE, ALONE_MAPPED):
        if position > start:
            return position, start, position - start
        if kind == SEPARATOR:
            return position + width, position, np.int64(0)
        if kind == ALONE:
            return position + width, position, width
        code_point, width = decode_at(position)
        return position + width, scratch, _put_string(scratch, code_point, split)
    return _changed_bert_word(start, position, end, split, scratch)


@compiled_helper
def _changed_bert_word(start, position, end, split, scratch):
    """Write a word whose character at `position` is the first to change into the scratch."""
    size = position - start
    copy_bytes(scratch, start, size)
    marks, unsorted = size, False  # where the run of kept marks begins; whether it needs sorting
    while position < end:
        if load_u8(position) < 0x80:
            stop = min(after_alphanumerics(position), end)
            if stop > position:
                if unsorted:
                    _sort_marks(scratch + marks, size - marks, scratch + size, split)
                    unsorted = False
                copy_bytes(scratch + size, position, stop - position)
                size += stop - position
                marks = size
                position = stop
                continue
        kind, width = class_at(position, split)
        if kind == SORTED:
            size, marks = _put_marks(scratch, size, marks, decode_at(position)[0], split)
            unsorted = True
        elif kind != DROPPED:
            if unsorted:
                _sort_marks(scratch + marks, size - marks, scratch + size, split)
                unsorted = False
            if kind == PLAIN:
                for i in range(width):
                    store_u8(scratch + size + i, load_u8(position + i))
                size += width
            elif kind == MAPPED:
                size += _put_string(scratch + size, decode_at(position)[0], split)
            elif kind == HANGUL:
                size += _put_jamo(scratch + size, decode_at(position)[0])
            elif kind != DROPPED_STARTER:
                break
            marks = size
        position += width
    if unsorted:
        _sort_marks(scratch + marks, size - marks, scratch + size, split)
    return position, scratch, size


@inlined_helper
def _put_string(target, code_point, split):
    """Write the replacement of a code point; return its bytes."""
    number = np.int64(load_u16(split.replacements + (slot_of(code_point, split) << 1)))
    start = np.int64(load_i32(split.string_offsets + (number << 2)))
    size = np.int64(load_i32(split.string_offsets + ((number + 1) << 2))) - start
    for i in range(size):
        store_u8(target + i, load_u8(split.strings + start + i))
    return size


@inlined_helper
def _put_jamo(target, code_point):
    """Write a Hangul syllable as its two or three jamo; return the bytes."""
    index = code_point - 0xAC00
    size = encode_at(target, 0x1100 + index // 588)
    size += encode_at(target + size, 0x1161 + (index % 588) // 28)
    if index % 28:
        size += encode_at(target + size, 0x11A7 + index % 28)
    return size


@inlined_helper
def _combining_at(address, split):
    """Return combining class and width of the code point at an address."""
    code_point, width = decode_at(address)
    return np.int64(load_u8(split.combining + slot_of(code_point, split))), width


@compiled_helper
def _put_marks(target, size, marks, code_point, split):
    """Write the replacement of a code point with marks in it behind the `size` bytes written.

    Returns the new size, and where the run of marks begins that is still to be sorted.
    """
    added = _put_string(target + size, code_point, split)
    if added == 0:
        added = encode_at(target + size, code_point)
    done = size + added
    while size < done:
        own, width = _combining_at(target + size, split)
        if own == 0:
            _sort_marks(target + marks, size - marks, target + done, split)
            marks = size + width
        size += width
    return size, marks


@compiled_helper
def _sort_marks(address, size, spare, split):
    """Sort a run of marks by combining class, equal ones in their order, one pass for a class.

    They are sorted into `spare`, of `size` bytes, and copied back. An insertion sort would be
    quadratic on a text that is all marks.
    """
    done, current = np.int64(0), np.int64(0)
    while done < size:
        position, following = np.int64(0), np.int64(256)
        while position < size:
            own, width = _combining_at(address + position, split)
            if own == current:
                for i in range(width):
                    store_u8(spare + done + i, load_u8(address + position + i))
                done += width
            elif own > current:
                following = min(following, own)
            position += width
        current = following
    for i in range(size):
        store_u8(address + i, load_u8(spare + i))
