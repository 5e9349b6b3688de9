"""A string of JSON: checked, and copied without its escapes, eight bytes at a time."""

import numpy as np

from tokpipe.foundation.intrinsics import load_u8, load_u64, store_u64, trailing_zeros
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.foundation.utf8 import encode_at

# In each of eight bytes: the highest bit, the lowest, the character, all bits above a control.
_HIGH = np.uint64(0x8080808080808080)
_ONES = np.uint64(0x0101010101010101)
_QUOTES = np.uint64(0x2222222222222222)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_CONTROLS = np.uint64(0xE0E0E0E0E0E0E0E0)
_THREE = np.uint64(3)


@inlined_helper
def _plain_bytes(at):
    """Return how many of the eight bytes at an address stand for themselves in a string."""
    word = load_u64(at)
    quotes = word ^ _QUOTES
    slashes = word ^ _BACKSLASHES
    controls = word & _CONTROLS
    # The lowest zero byte of each; what stands above it may be wrong, and is not looked at.
    found = ((quotes - _ONES) & ~quotes) | ((slashes - _ONES) & ~slashes)
    found = (found | ((controls - _ONES) & ~controls)) & _HIGH
    return np.int64(trailing_zeros(found) >> _THREE)


@inlined_helper
def _hex_digit(byte):
    if 48 <= byte <= 57:
        return np.int64(byte) - 48
    lower = np.int64(byte) | 32
    return lower - 87 if 97 <= lower <= 102 else np.int64(-1)


@compiled_helper
def _code_unit(at, end):
    r"""Return the number that the four digits behind a ``\u`` write, or -1."""
    if end - at < 4:
        return np.int64(-1)
    unit = np.int64(0)
    for i in range(4):
        digit = _hex_digit(load_u8(at + i))
        if digit < 0:
            return np.int64(-1)
        unit = unit * 16 + digit
    return unit


@inlined_helper
def _simple_escape(byte):
    """Return the character of a two-character escape, or -1."""
    if byte == 34 or byte == 92 or byte == 47:
        return np.int64(byte)
    if byte == 110:
        return np.int64(10)
    if byte == 116:
        return np.int64(9)
    if byte == 114:
        return np.int64(13)
    if byte == 98:
        return np.int64(8)
    return np.int64(12) if byte == 102 else np.int64(-1)


@compiled_helper
def read_string(at, end, out, keep):
    """Read the string that begins behind a quote; copy it, unescaped, if `keep`.

    Returns the address behind its closing quote (-1: malformed), the address behind the copy, and
    how many lone surrogates became U+FFFD. Room for eight bytes more than the copy is needed.
    """
    lone = np.int64(0)
    while at < end:
        plain = _plain_bytes(at)
        if keep:
            store_u64(out, load_u64(at))
            out += plain
        at += plain
        if plain == 8:
            continue
        if at >= end:
            break
        byte = load_u8(at)
        if byte == 34:
            return at + 1, out, lone
        if byte != 92 or at + 1 >= end:
            break
        code = _simple_escape(load_u8(at + 1))
        if code >= 0:
            at += 2
        else:
            code = _code_unit(at + 2, end) if load_u8(at + 1) == 117 else np.int64(-1)
            if code < 0:
                break
            at += 6
            if 0xD800 <= code < 0xE000:
                low = np.int64(-1)
                if code < 0xDC00 and end - at >= 6 and load_u8(at) == 92 and load_u8(at + 1) == 117:
                    low = _code_unit(at + 2, end)
                if 0xDC00 <= low < 0xE000:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    at += 6
                else:
                    code = np.int64(0xFFFD)
                    lone += 1
        if keep:
            out += encode_at(out, code)
    return np.int64(-1), out, lone
