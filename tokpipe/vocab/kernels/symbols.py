"""Words to cells: which characters there are, and every word laid out as the ids of its symbols.

A cell is (symbol, weight): int32[2]. Words stand end to end with a border cell (-1, 0) before,
between and behind them. The weight is the word's count; from `BIG` on it is `BIG` plus an index
into a table of large counts, so that int64 counts cost four bytes a cell. Merging (replace.py)
makes a symbol cover several cells: the first holds (symbol, weight), the last holds the symbol
too, and the weights of the second and the last hold minus the number of cells.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_u8
from tokpipe.foundation.jit import inlined_helper, kernel

BIG = 1 << 30  # int32 from 0 on: one half are counts themselves, the other half indices
BORDER = -1  # no id of a symbol


def count_characters_reference(data, offsets, counts, totals, kinds):
    for w in range(len(counts)):
        word = data[offsets[w] : offsets[w + 1]].tobytes()
        codes = list(word) if len(totals) == 256 else [ord(c) for c in word.decode()]
        for i, code in enumerate(codes):
            totals[code] += counts[w]
            kinds[code] |= 1 << ((i > 0) + 2 * (i == len(codes) - 1))
    return totals, kinds


@inlined_helper
def code_at(address, as_bytes):
    """Return (code, bytes that it takes) of the byte or the UTF-8 character at an address."""
    first = np.int64(load_u8(address))
    if as_bytes or first < 0x80:
        return first, np.int64(1)
    second = np.int64(load_u8(address + 1)) & 63
    if first < 0xE0:
        return (first & 31) << 6 | second, np.int64(2)
    third = np.int64(load_u8(address + 2)) & 63
    if first < 0xF0:
        return (first & 15) << 12 | second << 6 | third, np.int64(3)
    fourth = np.int64(load_u8(address + 3)) & 63
    return (first & 7) << 18 | second << 12 | third << 6 | fourth, np.int64(4)


@kernel(reference=count_characters_reference)
def count_characters(data, offsets, counts, totals, kinds):
    """Add up how often each character stands in the words, and where in its word.

    Parameters
    ----------
    data : uint8[N]
        The words end to end, UTF-8.
    offsets : int64[W + 1]
    counts : int64[W]
    totals : int64[C]
        Added to; C is 256 to count bytes, 0x110000 to count code points.
    kinds : uint8[C]
        Bit k is set if a character occurs as kind k: 1 unless first, plus 2 if last in its word.

    Returns
    -------
    totals : int64[C], kinds : uint8[C]
        The arrays that were given.
    """
    base = data.ctypes.data
    as_bytes = totals.size == 256
    for w in range(counts.size):
        at, end = base + offsets[w], base + offsets[w + 1]
        kind = 0
        while at < end:
            code, width = code_at(at, as_bytes)
            at += width
            totals[code] += counts[w]
            kinds[code] |= 1 << (kind + (2 if at == end else 0))
            kind = 1
    return totals, kinds


def lay_out_words_reference(data, offsets, weights, symbols, fewest, cells, at):
    for w in range(len(weights)):
        word = data[offsets[w] : offsets[w + 1]].tobytes()
        codes = list(word) if symbols.shape[1] == 256 else [ord(c) for c in word.decode()]
        last = len(codes) - 1
        kept = [symbols[(i > 0) + 2 * (i == last), code] for i, code in enumerate(codes)]
        kept = [symbol for symbol in kept if symbol >= 0]
        for k, symbol in enumerate(kept):
            cells[at + k] = symbol, weights[w]
        if len(kept) >= fewest:  # else the next word overwrites it
            at += len(kept) + 1
            cells[at - 1] = BORDER, 0
    return cells[:at], at


@kernel(reference=lay_out_words_reference)
def lay_out_words(data, offsets, weights, symbols, fewest, cells, at):
    """Write words as cells, each with a border behind it.

    Parameters
    ----------
    data : uint8[N]
        The words end to end, UTF-8.
    offsets : int64[W + 1]
    weights : int32[W]
        What a cell holds for the word's count.
    symbols : int32[4, C]
        The symbol of a character by its kind; -1 leaves it out.
    fewest : int
        Words with fewer symbols are left out.
    cells : int32[N', 2]
        Written to, from cell `at` on.
    at : int
        The first free cell; the one before it is a border.

    Returns
    -------
    cells : int32[at', 2]
        What is laid out so far.
    at : int
        The first free cell behind the last word.
    """
    base = data.ctypes.data
    as_bytes = symbols.shape[1] == 256
    for w in range(weights.size):
        byte, end = base + offsets[w], base + offsets[w + 1]
        begin = at
        kind = 0
        while byte < end:
            code, width = code_at(byte, as_bytes)
            byte += width
            symbol = symbols[kind + (2 if byte == end else 0), code]
            kind = 1
            if symbol >= 0:
                cells[at, 0] = symbol
                cells[at, 1] = weights[w]
                at += 1
        if at - begin < fewest:
            at = begin
        else:
            cells[at, 0] = BORDER
            cells[at, 1] = 0
            at += 1
    return cells[:at], at
