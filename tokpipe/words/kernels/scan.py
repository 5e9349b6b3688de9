"""Steps over ASCII, eight to 32 bytes at a time, at raw addresses.

All bytes are valid UTF-8 and at least 64 readable bytes follow the last of them.
"""

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii_alphanumerics32,
    ascii_letters32,
    ascii_visible32,
    trailing_zeros,
)
from tokpipe.foundation.jit import inlined_helper

_HIGH = np.uint64(0x8080808080808080)  # the highest bit of each byte: never set in ASCII
_LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)  # the other seven: sums of them stay in their byte
_FROM_A = np.uint64(0x3F3F3F3F3F3F3F3F)  # 0x80 - "A", in each byte
_PAST_Z = np.uint64(0x2525252525252525)  # 0x80 - "Z" - 1
_TWO = np.uint64(2)


@inlined_helper
def lower_ascii8(block):
    """Lower-case the ASCII capitals among eight bytes (uint64); other bytes stay."""
    low = block & _LOW7
    capitals = (low + _FROM_A) & ~(low + _PAST_Z) & _HIGH & ~block
    return block | (capitals >> _TWO)


@inlined_helper
def after_alphanumerics(position):
    """Return the address of the first byte that is no ASCII letter or digit; may pass the end."""
    others = ~ascii_alphanumerics32(position)
    run = np.int64(trailing_zeros(others))
    while run == 32:  # bits 32 to 63 are set, so that 32 means the whole block
        position += 32
        others = ~ascii_alphanumerics32(position)
        run = np.int64(trailing_zeros(others))
    return position + run


@inlined_helper
def after_letters(position):
    """Return the address of the first byte that is no ASCII letter; may pass the end."""
    run = np.int64(trailing_zeros(~ascii_letters32(position)))
    while run == 32:
        position += 32
        run = np.int64(trailing_zeros(~ascii_letters32(position)))
    return position + run


@inlined_helper
def after_visible(position):
    """Return the address of the first byte that is not ASCII 0x21 to 0x7E; may pass the end."""
    run = np.int64(trailing_zeros(~ascii_visible32(position)))
    while run == 32:
        position += 32
        run = np.int64(trailing_zeros(~ascii_visible32(position)))
    return position + run
