"""Merging without places: the text is read once for each merge, and shrinks as it is read.

For texts that a few pairs make up (a letter a hundred million times, a phrase over and over), where
places would take more memory than the text and each merge takes a good share of it away.

- `symbols`: the words as the ids of their symbols, two bytes each, with a `BORDER` before, between
  and behind them. A merged pair is one symbol from then on.
- The weights stand beside: one a word, not one a symbol, as they are met in order.
- `slots`: the table of state.py, from a pair to its count; filled anew by every reading.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, store_i64
from tokpipe.foundation.jit import compiled_helper, kernel
from tokpipe.vocab.kernels import symbols as cell_layout
from tokpipe.vocab.kernels.state import LOW, slot_of
from tokpipe.vocab.kernels.symbols import code_at

BORDER = 0xFFFF
MOST_SYMBOLS = 0xFFF0  # ids from here on do not fit
NO_PAIR = 0xFFFE << 32  # of symbols that there are not

# Fields of the `cursor` of a reading: symbols read and written, the word, the different pairs.
READ, WRITTEN, WORD, PAIRS = range(4)
# Fields of the `cursor` of a layout: the word, bytes of it that are done, the next free symbol,
# where the word began, and the words that were kept.
AT_WORD, AT_BYTE, NEXT, BEGUN, KEPT = range(5)


def lay_out_symbols_reference(data, offsets, table, fewest, symbols, kept, cursor, budget):  # type: ignore[no-untyped-def]
    at, numbers = int(cursor[NEXT]), []
    for w in range(len(offsets) - 1):
        word = data[offsets[w] : offsets[w + 1]].tobytes()
        codes = list(word) if table.shape[1] == 256 else [ord(c) for c in word.decode()]
        last = len(codes) - 1
        found = [table[(i > 0) + 2 * (i == last), code] for i, code in enumerate(codes)]
        found = [symbol for symbol in found if symbol >= 0]
        symbols[at : at + len(found)] = found
        if len(found) >= fewest:  # else the next word overwrites it
            at += len(found) + 1
            symbols[at - 1] = BORDER
            numbers.append(w)
    kept[: len(numbers)] = numbers
    cursor[:] = len(offsets) - 1, 0, at, at, len(numbers)
    return True


@kernel(reference=lay_out_symbols_reference)
def lay_out_symbols(data, offsets, table, fewest, symbols, kept, cursor, budget):  # type: ignore[no-untyped-def]
    """Write words as symbols, each word with a border behind it.

    Parameters
    ----------
    data : uint8[N + PADDING]
        The words end to end, UTF-8.
    offsets : int64[W + 1]
    table : int32[4, C]
        The symbol of a character by its kind, see `symbols.lay_out_words`; -1 leaves it out.
    fewest : int
        Words with fewer symbols are left out.
    symbols : uint16[N']
        Written to, from ``cursor[NEXT]`` on.
    kept : int64[W]
        Written to: which words have symbols.
    cursor : int64[5]
        Changed in place: where to go on.
    budget : int
        About how many bytes to read in one call.

    Returns
    -------
    done : bool
        False if the budget was used up first: call again.
    """
    base, as_bytes = data.ctypes.data, table.shape[1] == 256
    word, done, at = cursor[AT_WORD], cursor[AT_BYTE], cursor[NEXT]
    begun, count, left = cursor[BEGUN], cursor[KEPT], np.int64(budget)
    while word < offsets.size - 1 and left > 0:
        byte, end = base + offsets[word] + done, base + offsets[word + 1]
        kind, stop = np.int64(done > 0), byte + left
        left -= min(left, end - byte)
        while byte < end and byte < stop:
            code, width = code_at(byte, as_bytes)
            byte += width
            symbol = table[kind + (2 if byte == end else 0), code]
            kind = np.int64(1)
            if symbol >= 0:
                symbols[at] = symbol
                at += 1
        done = byte - base - offsets[word]
        if byte < end:
            break
        if at - begun < fewest:
            at = begun
        else:
            symbols[at] = BORDER
            at += 1
            kept[count] = word
            count += 1
        left -= 1  # the empty word costs too
        begun, done = at, np.int64(0)
        word += 1
    cursor[AT_WORD], cursor[AT_BYTE], cursor[NEXT] = word, done, at
    cursor[BEGUN], cursor[KEPT] = begun, count
    kept_alive = data.size  # behind its address until here
    return word == offsets.size - 1 and kept_alive >= 0


@compiled_helper
def read_through(symbols, weights, lengths, longest, pair, new, slots, cursor, budget):  # type: ignore[no-untyped-def]
    """Replace a pair by a new symbol, and count the pairs that stand then; a stretch at a time.

    Parameters
    ----------
    symbols : uint16[N]
        From the first word on, the last border included; rewritten in place and shorter then.
    weights : int64[W]
        The count of each word.
    lengths : int32[V]
        How many characters each symbol has.
    longest : int
        Pairs of that length and more are not counted, but those of two characters always are.
    pair : int
        ``left << 32 | right``, or `NO_PAIR` to count only.
    new : int
        What takes its place.
    slots : int64[S, 2]
        Added to.
    cursor : int64[4]
        Changed in place: where to go on.
    budget : int
        Symbols to read in one call.

    Returns
    -------
    int
        How many symbols are read by now: all of them, or up to where the budget was used up or
        `slots` was two thirds full.
    """
    table, mask = slots.ctypes.data, np.int64(slots.shape[0] - 1)
    read, written, word, pairs = cursor[READ], cursor[WRITTEN], cursor[WORD], cursor[PAIRS]
    end, most = min(np.int64(symbols.size), read + budget), slots.shape[0] * 2 // 3
    left, right = np.int64(pair >> 32), np.int64(pair & LOW)
    before = np.int64(symbols[written - 1]) if written > 0 else np.int64(BORDER)
    weight = weights[word] if word < weights.size else np.int64(0)
    while read < end and pairs < most:
        symbol = np.int64(symbols[read])
        read += 1
        if symbol == left and np.int64(symbols[read]) == right:
            symbol = np.int64(new)
            read += 1
        symbols[written] = np.uint16(symbol)
        written += 1
        if symbol == BORDER:
            word += 1
            weight = weights[word] if word < weights.size else np.int64(0)
        elif before != BORDER:
            length = np.int64(lengths[before]) + np.int64(lengths[symbol])
            if length < longest or length == 2:
                slot = slot_of(table, mask, before << 32 | symbol)
                if load_i64(slot) == 0:
                    store_i64(slot, (before << 32 | symbol) + 1)
                    pairs += 1
                store_i64(slot + 8, load_i64(slot + 8) + weight)
        before = symbol
    cursor[READ], cursor[WRITTEN], cursor[WORD], cursor[PAIRS] = read, written, word, pairs
    kept_alive = slots.size  # behind its address until here
    return read if kept_alive else np.int64(0)


@compiled_helper
def to_cells(symbols, weights, cells, cursor, budget):  # type: ignore[no-untyped-def]
    """Write symbols as the cells of symbols.py, a stretch at a time.

    Parameters
    ----------
    symbols : uint16[N]
    weights : int32[W]
        What a cell holds for the count of its word.
    cells : int32[N + 1, 2]
        The first is a border already.
    cursor : int64[4]
        READ and WORD are used.
    budget : int
        Symbols to read in one call.
    """
    read, word = cursor[READ], cursor[WORD]
    end = min(np.int64(symbols.size), read + budget)
    for i in range(read, end):
        symbol = np.int32(symbols[i])
        if symbol == BORDER:
            cells[i + 1, 0] = cell_layout.BORDER
            cells[i + 1, 1] = 0
            word += 1
        else:
            cells[i + 1, 0] = symbol
            cells[i + 1, 1] = weights[word]
    cursor[READ], cursor[WORD] = end, word
    return end
