"""Kernels on plain text: is it UTF-8, where do lines and documents begin.

A text is ``data[start:stop]``, uint8, and eight bytes more may be loaded behind ``stop``.
Eight bytes are looked at together where all of them are ASCII.
"""

from itertools import pairwise

import numpy as np

from tokpipe.foundation.intrinsics import load_u8, load_u32, load_u64, store_i64, trailing_zeros
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel

# In each of eight bytes: the highest bit, the others, a line feed, the lowest bit.
_HIGH = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)
_ONES = np.uint64(0x0101010101010101)
_THREE = np.uint64(3)
_ONE = np.uint64(1)
_SEVEN, _FIFTY_SIX = np.uint64(7), np.uint64(56)


@inlined_helper
def _sequence_length(address, room):
    """Return the bytes of the valid multi-byte UTF-8 sequence at an address, 0 if there is none."""
    word = load_u32(address)
    if (word & 0xC0E0) == 0x80C0:
        return 2 if (word & 0x1E) != 0 and room >= 2 else 0  # C0 and C1 are overlong
    if (word & 0xC0C0F0) == 0x8080E0:
        lead = word & 0x200F  # 0: overlong, 0x200D: a surrogate
        return 3 if lead != 0 and lead != 0x200D and room >= 3 else 0
    if (word & 0xC0C0C0F8) == 0x808080F0:
        lead = word & 0x3007  # 0: overlong; past F4 8F: above U+10FFFF
        high = (word & 0x07) > 4 or ((word & 0x07) == 4 and (word & 0x3000) != 0)
        return 4 if lead != 0 and not high and room >= 4 else 0
    return 0


@compiled_helper
def _find_invalid(at, end):
    """Return the address of the first byte that begins no valid sequence, or -1."""
    while at < end:
        high = load_u64(at) & _HIGH
        if high == 0:
            at += 8
            while at + 32 <= end:
                block = load_u64(at) | load_u64(at + 8) | load_u64(at + 16) | load_u64(at + 24)
                if block & _HIGH != 0:
                    break
                at += 32
            continue
        at += np.int64(trailing_zeros(high) >> _THREE)
        while at < end and load_u8(at) >= 0x80:
            length = _sequence_length(at, end - at)
            if length == 0:
                return at
            at += length
    return np.int64(-1)


def first_invalid_reference(data, start, stop):
    try:
        data[start:stop].tobytes().decode()
    except UnicodeDecodeError as error:
        return start + error.start
    return -1


@kernel(reference=first_invalid_reference)
def first_invalid(data, start, stop):
    """Find the first byte of ``data[start:stop]`` (uint8) that begins no valid UTF-8 sequence.

    Returned is its position in `data`, or -1.

    References
    ----------
    The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
    """
    base = data.ctypes.data
    bad = _find_invalid(base + start, base + stop)
    return bad - base if bad >= 0 else np.int64(-1)


def invalid_strings_reference(data, offsets):
    pairs = pairwise(offsets)
    return np.array([first_invalid_reference(data, a, b) >= 0 for a, b in pairs], np.bool_)


@kernel(reference=invalid_strings_reference)
def invalid_strings(data, offsets):
    """Mark (bool[n]) the strings that are not UTF-8, each looked at on its own.

    They are `data`, uint8[N], between `offsets`, int64[n + 1].
    """
    base = data.ctypes.data
    out = np.empty(offsets.size - 1, np.bool_)
    for i in range(offsets.size - 1):
        out[i] = _find_invalid(base + offsets[i], base + offsets[i + 1]) >= 0
    return out


@compiled_helper
def _line_ends(base, at, stop, out, n, room):
    """Write the positions behind line ends to ``out + 8 n``, until `stop` or out of room.

    Returns where it came to, and how many there are now.
    """
    while at < stop:
        word = load_u64(base + at) ^ _NEWLINES
        found = ~(((word & _LOW) + _LOW) | word | _LOW)  # the high bit of each byte that was \n
        if found != 0:
            if n >= room:
                return at, n
            while found != 0:
                end = at + np.int64(trailing_zeros(found) >> _THREE) + 1
                if end > stop:
                    break
                store_i64(out + 8 * n, end)
                n += 1
                found &= found - _ONE
        at += 8
    return at, n


@compiled_helper
def _resized(array, count, size):
    out = np.empty(size, np.int64)
    for i in range(count):
        out[i] = array[i]
    return out


def line_offsets_reference(data, start, stop):
    ends = [i + 1 for i in range(start, stop) if data[i] == 10]
    if start < stop and data[stop - 1] != 10:
        ends.append(stop)
    crlf = data[start:stop].tobytes().count(b"\r\n")
    return np.array([start, *ends], np.int64), crlf


@kernel(reference=line_offsets_reference)
def line_offsets(data, start, stop):
    r"""Find the borders of lines (int64[n + 1]); only ``\n`` ends a line, and belongs to it.

    The first begins at `start` of `data`, uint8[N]; the last may lack its end. Returned beside is
    how many end with ``\r\n``.
    """
    # Room by guess, doubled when it is short: to count first costs more than half of the rest.
    offsets = np.empty(16 + (stop - start) // 32, np.int64)
    base = data.ctypes.data
    n, at = np.int64(0), start
    while at < stop:
        room = offsets.size - 10
        at, n = _line_ends(base, at, stop, offsets.ctypes.data + 8, n, room)
        if at < stop:
            offsets = _resized(offsets, n + 1, 2 * offsets.size)
    offsets[0] = start
    if offsets[n] < stop:
        n += 1
        offsets[n] = stop
    crlf = np.int64(0)
    for i in range(1, n + 1):
        end = offsets[i]
        crlf += end - 2 >= start and data[end - 2] == 13 and data[end - 1] == 10
    return _resized(offsets, n + 1, n + 1), crlf


@compiled_helper
def newlines_between(at, end):
    r"""Count the ``\n`` from one address to another."""
    count = np.int64(0)
    while at + 8 <= end:
        word = load_u64(at) ^ _NEWLINES
        found = ~(((word & _LOW) + _LOW) | word | _LOW)
        count += np.int64(((found >> _SEVEN) * _ONES) >> _FIFTY_SIX)
        at += 8
    while at < end:
        count += load_u8(at) == 10
        at += 1
    return count


def count_newlines_reference(data, start, stop):
    return data[start:stop].tobytes().count(b"\n")


@kernel(reference=count_newlines_reference)
def count_newlines(data, start, stop):
    r"""Count the ``\n`` in ``data[start:stop]``, uint8."""
    return newlines_between(data.ctypes.data + start, data.ctypes.data + stop)


def fold_crlf_reference(data, offsets):
    pairs = pairwise(offsets)
    lines = [data[a:b].tobytes().replace(b"\r\n", b"\n") for a, b in pairs]
    folded = np.frombuffer(b"".join(lines) + bytes(64), np.uint8)
    return folded, np.cumsum([0] + [len(line) for line in lines]).astype(np.int64)


@kernel(reference=fold_crlf_reference)
def fold_crlf(data, offsets):
    r"""Copy lines with ``\r\n`` at their ends made ``\n``; a ``\r`` elsewhere stays.

    Lines are `data`, uint8[N], between `offsets`, int64[n + 1]; so are those returned, and 64 zeros
    follow them.
    """
    total = offsets[-1] - offsets[0]
    for i in range(offsets.size - 1):
        a, b = offsets[i], offsets[i + 1]
        total -= b - a >= 2 and data[b - 1] == 10 and data[b - 2] == 13
    out = np.empty(total + 64, np.uint8)
    for i in range(total, total + 64):
        out[i] = 0
    borders = np.empty_like(offsets)
    borders[0] = 0
    n = np.int64(0)
    for i in range(offsets.size - 1):
        a, b = offsets[i], offsets[i + 1]
        length = b - a
        if length >= 2 and data[b - 1] == 10 and data[b - 2] == 13:
            length -= 1
        for j in range(length):
            out[n + j] = data[a + j]
        n += length
        if length < b - a:
            out[n - 1] = 10
        borders[i + 1] = n
    return out, borders


@inlined_helper
def _is_blank(address, end):
    while address < end:
        byte = load_u8(address)
        if byte != 32 and (byte < 9 or byte > 13):
            return False
        address += 1
    return True


def document_starts_reference(data, offsets):
    pairs = pairwise(offsets)
    blank = [not data[a:b].tobytes().strip() for a, b in pairs]
    starts = [i for i in range(1, len(blank)) if blank[i - 1] and not blank[i]]
    return np.array(starts, np.int64)


@kernel(reference=document_starts_reference)
def document_starts(data, offsets):
    """Find the lines that begin a document inside a batch: not blank, behind a blank one.

    Blank is a line of ASCII white space, or of nothing. Lines are `data`, uint8[N], between
    `offsets`, int64[n + 1]; their indices come ascending, int64[k], line 0 never among them.
    """
    base = data.ctypes.data
    starts = np.empty(offsets.size // 2, np.int64)
    n = 0
    after_blank = False
    for i in range(offsets.size - 1):
        blank = _is_blank(base + offsets[i], base + offsets[i + 1])
        if after_blank and not blank:
            starts[n] = i
            n += 1
        after_blank = blank
    return _resized(starts, n, n)
