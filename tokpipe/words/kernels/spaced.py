"""Words between white space, whatever they are made of."""

import numpy as np

from tokpipe.foundation.intrinsics import ascii_spaces64, ascii_visible64, load_u8, trailing_zeros
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.words.kernels.classes import NONE_LEFT, ONE, SPACE, class_at, words_from
from tokpipe.words.kernels.scan import after_visible


@inlined_helper
def take_spaced(cursor, end, split):
    address, places, following = cursor
    while True:
        while places == NONE_LEFT:
            address = following
            if address >= end:
                return words_from(end), end, np.int64(0), False
            places = _spaced_places(address, end)
            following = address + 64
        start = address + np.int64(trailing_zeros(places))
        places &= places - ONE
        stop = after_visible(start)
        if stop >= end:
            return words_from(end), start, end - start, False
        first = np.int64(load_u8(stop))
        if stop > start and first < 0x80 and load_u8(split.classes + first) == SPACE:
            return (address, places, stop), start, stop - start, False
        stop, following = _after_spaced(stop, end, split)
        places = NONE_LEFT
        if stop > start:
            return words_from(following), start, stop - start, False


@inlined_helper
def _spaced_places(address, end):
    """Mark in 64 bytes the first of each visible run, and all that may be white space or not."""
    visible = ascii_visible64(address)
    places = (visible & ~(visible << ONE)) | ~(visible | ascii_spaces64(address))
    if end - address < 64:
        places &= (ONE << np.uint64(end - address)) - ONE
    return places


@compiled_helper
def _after_spaced(position, end, split):
    """Return where the word that goes on at `position` ends, and where to look for the next."""
    while position < end:
        kind, width = class_at(position, split)
        if kind == SPACE:
            return position, position + width
        position = after_visible(position + width)
    return end, end
