"""Single characters of UTF-8 at raw addresses, for the private parts of kernels.

All bytes are valid UTF-8, and at least `arrays.PADDING` readable bytes follow the last of them.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_u8, load_u64, store_u8, store_u64
from tokpipe.foundation.jit import inlined_helper


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
def character_before(address):
    """Return the address of the character that ends in front of an address."""
    address -= 1
    while load_u8(address) & 0xC0 == 0x80:
        address -= 1
    return address


@inlined_helper
def copy_bytes(target, source, count):
    """Copy bytes eight at a time; up to seven bytes behind the target's end are overwritten."""
    done = np.int64(0)
    while done < count:
        store_u64(target + done, load_u64(source + done))
        done += 8
