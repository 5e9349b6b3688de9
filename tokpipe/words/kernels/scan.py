"""Small steps over UTF-8 at raw addresses, shared by the kernels of words and tokenizer.

All bytes are valid UTF-8 and at least 64 readable bytes follow the last of them.
"""

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii_alphanumerics32,
    ascii_letters32,
    ascii_visible32,
    load_u8,
    load_u64,
    store_u8,
    store_u64,
    trailing_zeros,
)
from tokpipe.foundation.jit import inlined_helper

_HIGH = np.uint64(0x8080808080808080)
_LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)
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
def decode_at(address):
    """Return the code point at an address and how many bytes it takes, both int64."""
    first = np.int64(load_u8(address))
    if first < 0x80:
        return first, np.int64(1)
    second = np.int64(load_u8(address + 1)) & 63
    if first < 0xE0:
        return ((first & 31) << 6) | second, np.int64(2)
    third = np.int64(load_u8(address + 2)) & 63
    if first < 0xF0:
        return ((first & 15) << 12) | (second << 6) | third, np.int64(3)
    fourth = np.int64(load_u8(address + 3)) & 63
    return ((first & 7) << 18) | (second << 12) | (third << 6) | fourth, np.int64(4)


@inlined_helper
def encode_at(address, code_point):
    """Write a code point as UTF-8 and return how many bytes it took (int64)."""
    if code_point < 0x80:
        store_u8(address, np.uint8(code_point))
        return np.int64(1)
    if code_point < 0x800:
        store_u8(address, np.uint8(0xC0 | (code_point >> 6)))
        store_u8(address + 1, np.uint8(0x80 | (code_point & 63)))
        return np.int64(2)
    if code_point < 0x10000:
        store_u8(address, np.uint8(0xE0 | (code_point >> 12)))
        store_u8(address + 1, np.uint8(0x80 | ((code_point >> 6) & 63)))
        store_u8(address + 2, np.uint8(0x80 | (code_point & 63)))
        return np.int64(3)
    store_u8(address, np.uint8(0xF0 | (code_point >> 18)))
    store_u8(address + 1, np.uint8(0x80 | ((code_point >> 12) & 63)))
    store_u8(address + 2, np.uint8(0x80 | ((code_point >> 6) & 63)))
    store_u8(address + 3, np.uint8(0x80 | (code_point & 63)))
    return np.int64(4)


@inlined_helper
def copy_bytes(target, source, count):
    """Copy bytes eight at a time; up to seven bytes after the target's end are overwritten."""
    done = np.int64(0)
    while done < count:
        store_u64(target + done, load_u64(source + done))
        done += 8


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
