r"""Kernels on CSV and TSV: where records end, and the cells of one column.

A record ends with ``\n`` outside of quotes; a ``\r`` before it is left out. A field is quoted when
it begins with the quote; two quotes inside stand for one; what follows the closing quote belongs
to the field as it stands (as for Python's csv). A quote of -1 means that nothing is quoted.
"""

import numpy as np

from tokpipe.corpus.kernels.lines import newlines_between
from tokpipe.foundation.intrinsics import load_u8, load_u64, store_u8, store_u64, trailing_zeros
from tokpipe.foundation.jit import inlined_helper, kernel

FIELD_START, UNQUOTED, QUOTED, QUOTE_SEEN = range(4)

# In each of eight bytes: the highest bit, the lowest.
_HIGH = np.uint64(0x8080808080808080)
_ONES = np.uint64(0x0101010101010101)
_THREE = np.uint64(3)


def records_reference(text, delimiter, quote):
    """Yield (begin, end, fields, closed) of each record of `text`; its line end is in the range."""
    at = 0
    while at < len(text):
        begin, fields, closed, ended = at, [], True, False
        while not ended:
            field = bytearray()
            if at < len(text) and text[at] == quote:
                at, closed = at + 1, False
                while at < len(text) and not closed:
                    if text[at] != quote:
                        field.append(text[at])
                    elif text[at + 1 : at + 2] == bytes([quote]):
                        field.append(quote)
                        at += 1
                    else:
                        closed = True
                    at += 1
            plain = bytearray()
            while at < len(text) and text[at] not in (delimiter, 10):
                plain.append(text[at])
                at += 1
            ended = at >= len(text) or text[at] == 10
            if at < len(text) and ended:
                plain = plain.removesuffix(b"\r")
            fields.append(bytes(field + plain))
            at += 1
        yield begin, min(at, len(text)), fields, closed


@inlined_helper
def _before(at, first, second):
    """Return how many of eight bytes stand before the first that is one of two (repeated) bytes."""
    word = load_u64(at)
    a, b = word ^ first, word ^ second
    found = (((a - _ONES) & ~a) | ((b - _ONES) & ~b)) & _HIGH
    return np.int64(trailing_zeros(found) >> _THREE)


@inlined_helper
def _repeated(byte):
    return _ONES * np.uint64(byte & 255)


def last_record_end_reference(data, start, stop, state, delimiter, quote):
    last = -1
    for at in range(start, stop):
        byte = data[at]
        if state == QUOTED:
            state = QUOTE_SEEN if byte == quote else QUOTED
        elif byte == quote and state in (QUOTE_SEEN, FIELD_START):
            state = QUOTED
        elif byte == 10 or byte == delimiter:
            state = FIELD_START
            last = at + 1 if byte == 10 else last
        else:
            state = UNQUOTED
    return last, state


@kernel(reference=last_record_end_reference)
def last_record_end(data, start, stop, state, delimiter, quote):
    """Find where the last whole record of ``data[start:stop]`` (uint8[N + 64]) ends.

    `state` is FIELD_START at the start of a file, and what the call before returned in its middle.
    Returned are the position behind the record, or -1 if none ends here, and the state.
    """
    base = data.ctypes.data
    at, end, last = base + start, base + stop, np.int64(-1)
    delimiters, quotes, newlines = _repeated(delimiter), _repeated(quote), _repeated(10)
    while at < end:
        if state == QUOTED:
            step = _before(at, quotes, quotes)
            at += step
            if step < 8 and at < end:
                at += 1
                state = QUOTE_SEEN
        elif state == UNQUOTED:
            step = _before(at, delimiters, newlines)
            at += step
            if step < 8 and at < end:
                if load_u8(at) == 10:
                    last = at + 1 - base
                at += 1
                state = FIELD_START
        elif load_u8(at) == quote:
            at += 1
            state = QUOTED
        else:
            state = UNQUOTED
    return last, state


def column_cells_reference(data, start, stop, delimiter, quote, column):
    text = data[start:stop].tobytes()
    records = list(records_reference(text, delimiter, quote))
    if records and not records[-1][3]:
        records.pop()  # a quote that is never closed
        closed = False
    else:
        closed = True
    behind = records[-1][1] if records else 0
    records = [r for r in records if text[r[0] : r[1]] not in (b"\n", b"\r\n")]
    cells = [r[2][column] if column < len(r[2]) else b"" for r in records]
    out = np.frombuffer(b"".join(cells) + bytes(64), np.uint8)
    borders = np.cumsum([0] + [len(cell) for cell in cells]).astype(np.int64)
    begins = [start + r[0] for r in records] + [stop if closed else start + behind]
    fields = np.array([len(r[2]) for r in records], np.int64)
    return out, borders, np.array(begins, np.int64), fields, closed


@kernel(reference=column_cells_reference)
def column_cells(data, start, stop, delimiter, quote, column):
    """Copy the cells of one column out of whole records, unquoted; blank lines are no records.

    Parameters
    ----------
    data : uint8[N + 64]
    start, stop : int
        A record begins at `start`.
    delimiter, quote : int
        Bytes.
    column : int
        From 0; a record that is too short gives the empty cell.

    Returns
    -------
    data : uint8[M + 64]
        The cells, end to end, then zeros.
    offsets : int64[n + 1]
    begins : int64[n + 1]
        Where each record begins in the input, then `stop` (or the record that does not end).
    fields : int64[n]
        How many fields each record has.
    closed : bool
        False if a quote is never closed; its record is left out.

    References
    ----------
    RFC 4180, Common Format and MIME Type for Comma-Separated Values (CSV) Files.
    """
    base = data.ctypes.data
    at, end = base + start, base + stop
    delimiters, quotes, newlines = _repeated(delimiter), _repeated(quote), _repeated(10)
    lines = newlines_between(at, end) + 1
    out = np.empty(stop - start + 64, np.uint8)
    first = out.ctypes.data
    borders, begins = np.empty(lines + 1, np.int64), np.empty(lines + 1, np.int64)
    fields = np.empty(lines, np.int64)
    n, to, closed = 0, first, True
    borders[0] = 0
    while at < end and closed:
        begin, field, ended = at, np.int64(0), False
        if load_u8(at) == 10:
            at += 1
            continue
        if load_u8(at) == 13 and at + 1 < end and load_u8(at + 1) == 10:
            at += 2
            continue
        cell, cell_end = to, to
        while not ended:
            to = cell if field == column else cell_end  # other fields are overwritten
            begin_of_copy = to
            if at < end and load_u8(at) == quote:
                at += 1
                closed = False
                while at < end and not closed:
                    store_u64(to, load_u64(at))
                    step = _before(at, quotes, quotes)
                    step = min(step, end - at)
                    at += step
                    to += step
                    if step == 8 or at >= end:
                        continue
                    if at + 1 < end and load_u8(at + 1) == quote:
                        store_u8(to, np.uint8(quote))
                        to += 1
                        at += 2
                    else:
                        closed = True
                        at += 1
            plain = at
            while at < end:
                store_u64(to, load_u64(at))
                step = min(_before(at, delimiters, newlines), end - at)
                at += step
                to += step
                if step < 8:
                    break
            ended = at >= end or load_u8(at) == 10
            if ended and at < end and at > plain and load_u8(at - 1) == 13:
                to -= 1
            if field == column:
                cell_end = to
            elif field > column:
                to = begin_of_copy
            at += 1
            field += 1
        to = cell_end
        if not closed:
            at = begin
            break
        borders[n + 1] = cell_end - first
        begins[n] = begin - base
        fields[n] = field
        n += 1
    if not closed:
        to = first + borders[n]
    begins[n] = stop if closed else at - base
    for i in range(64):
        store_u8(to + i, np.uint8(0))
    total = borders[n]
    return out[: total + 64], borders[: n + 1], begins[: n + 1], fields[:n], closed
