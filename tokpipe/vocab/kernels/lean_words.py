"""Long words: laid out lean, merged and counted by reading them through.

For words so long that their cells and all places of their pairs would take more memory than there
is: a letter a hundred million times, a phrase over and over, letters at random.

- Lean `cells`: the ids of the symbols, four bytes each, with a `BORDER` before, between and behind
  the words. A token that covers several cells (merge.py makes such) has its id in the first, and
  minus their number in the second and the last. A reading leaves one cell a token.
- The weights stand beside: one a word, not one a symbol. `starts` has the first cell of each word.
- `table`: rows (pair + 1 or 0, count, places, first place), S of them, a power of two; filled anew
  by every reading.
- `wanted`: where there are too many pairs for a table, which of F buckets to count the pairs of. A
  pair's bucket goes by its hash; F is a power of two. A `sketch` holds the sums of each bucket.

Why there are two layouts, when lean cells are half as large and merge to the same tokens:

- A place in lean cells does not say which word it lies in, so that each merge walks `starts` for
  the weight. By frequency that made 30 MB of English, in 151,000 words, take 0.23 s of processor
  time against 0.19 s, in 187 MB against 198 (by likelihood, 0.20 s both).
- Where two merges make one token, its places differ in length, and a candidate has to find every
  place of its words again (`replace.gather`): cells carry the length beside the symbol at each end
  of a token, lean cells in place of it, so that the last cell of a token does not tell which it is.
- A round ends, and the words are read anew, when its room for places is used up; cells have room
  for all places, and are read once.

Long words are the other way round: their cells alone are more memory than there is, and a corpus of
few words has next to no `starts` to walk.
"""

from itertools import pairwise

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.vocab.kernels.state import LOW, MIX, lean_length, lean_symbol, slot_of
from tokpipe.vocab.kernels.symbols import BORDER, code_at

NO_PAIR = 0x7FFFFFFE << 32  # of symbols that there are not
_MIX = np.int64(-4417276706812531889)  # as state.MIX: not the same bits as the table's

# The `cursor` of a reading: cells read and written, the word, the different pairs.
READING = np.dtype([(name, np.int64) for name in ("read", "written", "word", "pairs")])
# The `cursor` of a layout: the word, bytes of it that are read, the next free cell, where the word
# starts, and the words that were kept.
LAYOUT = np.dtype([(name, np.int64) for name in ("word", "byte", "next", "start", "kept")])


def lay_out_symbols_reference(data, offsets, table, fewest, cells, kept, cursor, budget):
    at, numbers = int(cursor["next"][0]), []
    for w in range(len(offsets) - 1):
        word = data[offsets[w] : offsets[w + 1]].tobytes()
        codes = list(word) if table.shape[1] == 256 else [ord(c) for c in word.decode()]
        last = len(codes) - 1
        found = [table[(i > 0) + 2 * (i == last), code] for i, code in enumerate(codes)]
        found = [symbol for symbol in found if symbol >= 0]
        cells[at : at + len(found)] = found
        if len(found) >= fewest:  # else the next word overwrites it
            at += len(found) + 1
            cells[at - 1] = BORDER
            numbers.append(w)
    kept[: len(numbers)] = numbers
    cursor[0] = len(offsets) - 1, 0, at, at, len(numbers)
    return True


@kernel(reference=lay_out_symbols_reference)
def lay_out_symbols(data, offsets, table, fewest, cells, kept, cursor, budget):
    """Write words as lean cells, each word with a border behind it.

    Parameters
    ----------
    data : uint8[N + PADDING]
        The words end to end, UTF-8.
    offsets : int64[W + 1]
    table : int32[4, C]
        The symbol of a character by its kind, see `symbols.lay_out_words`; -1 leaves it out.
    fewest : int
        Words with fewer symbols are left out.
    cells : int32[N']
        Written to, from the next free one on.
    kept : int64[W]
        Written to: which words have symbols.
    cursor : LAYOUT[1]
        Changed in place: where to go on.
    budget : int
        About how many bytes to read in one call.

    Returns
    -------
    done : bool
        False if the budget was used up first: call again.
    """
    base, as_bytes = data.ctypes.data, table.shape[1] == 256
    place, left = cursor[0], np.int64(budget)
    word, done, at, start, count = place.word, place.byte, place.next, place.start, place.kept
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
                cells[at] = symbol
                at += 1
        done = byte - base - offsets[word]
        if byte < end:
            break
        if at - start < fewest:
            at = start
        else:
            cells[at] = BORDER
            at += 1
            kept[count] = word
            count += 1
        left -= 1  # the empty word costs too
        start, done = at, np.int64(0)
        word += 1
    place.word, place.byte, place.next, place.start, place.kept = word, done, at, start, count
    return word == offsets.size - 1


@inlined_helper
def _row_of(table, mask, pair):
    """Return the address of a pair's row, or of the free row where it belongs."""
    j = ((pair * MIX) >> 32) & mask
    while True:
        row = table + 32 * j
        held = load_i64(row)
        if held == pair + 1 or held == 0:
            return row
        j = (j + 1) & mask


@inlined_helper
def _bucket_of(pair, mask):
    return ((pair * _MIX) >> 40) & mask


@inlined_helper
def _is_allowed(lengths, before, symbol, longest):
    length = np.int64(lengths[before]) + np.int64(lengths[symbol])
    return length < longest or length == 2


@compiled_helper
def read_through(
    cells, starts, weights, totals, lengths, longest, pair, new, table, wanted, cursor, budget
):
    """Replace a pair by a new symbol, and count the pairs that stand then; a stretch at a time.

    Parameters
    ----------
    cells : int32[N]
        From the border before the first word to that behind the last; rewritten in place, one cell
        a token, and shorter then.
    starts : int64[W + 1]
        Written to.
    weights : int64[W]
        The count of each word.
    totals : int64[V]
        Added to: the count of each symbol; empty if it is not wanted.
    lengths : int32[V]
        How many characters each symbol has.
    longest : int
        Pairs of that length and more are not counted, but those of two characters always are.
    pair : int
        ``left << 32 | right``, or `NO_PAIR` to count only.
    new : int
        What takes its place.
    table : int64[S, 4]
        Added to.
    wanted : uint8[F]
        Pairs are counted if their bucket is wanted.
    cursor : READING[1]
        Changed in place: where to go on. Begins with the first border read and written.
    budget : int
        Cells to read in one call.

    Returns
    -------
    int
        How many cells are read by now: all of them, or up to where the budget was used up or
        `table` was two thirds full.
    """
    source, rows, mask = cells.ctypes.data, table.ctypes.data, np.int64(table.shape[0] - 1)
    place = cursor[0]
    read, written, word, pairs = place.read, place.written, place.word, place.pairs
    end, most = min(np.int64(cells.size), read + budget), table.shape[0] * 2 // 3
    buckets = np.int64(wanted.size - 1)
    left, right = np.int64(pair >> 32), np.int64(pair & LOW)
    before = np.int64(cells[written - 1])
    weight = weights[word] if word < weights.size else np.int64(0)
    while read < end and pairs < most:
        symbol = lean_symbol(source, read)
        if symbol == BORDER:
            read += 1
            cells[written] = BORDER
            written += 1
            before = symbol
            word += 1
            starts[word] = written
            weight = weights[word] if word < weights.size else np.int64(0)
            continue
        read += lean_length(source, read + 1)
        if symbol == left and lean_symbol(source, read) == right:
            symbol = np.int64(new)
            read += lean_length(source, read + 1)
        cells[written] = np.int32(symbol)
        if totals.size > 0:
            totals[symbol] += weight
        if before != BORDER:
            both = before << 32 | symbol
            is_counted = wanted[_bucket_of(both, buckets)] != 0
            if is_counted and _is_allowed(lengths, before, symbol, longest):
                row = _row_of(rows, mask, both)
                if load_i64(row) == 0:
                    store_i64(row, both + 1)
                    store_i64(row + 24, written - 1)
                    pairs += 1
                store_i64(row + 8, load_i64(row + 8) + weight)
                store_i64(row + 16, load_i64(row + 16) + 1)
        written += 1
        before = symbol
    place.read, place.written, place.word, place.pairs = read, written, word, pairs
    return read


def _pairs_reference(cells, lengths, longest):
    """Yield (word, left, right) of the pairs of cells, one a token, that are short enough."""
    word = 0
    for left, right in pairwise(cells.tolist()):
        word += right == BORDER
        if BORDER not in (left, right):
            length = int(lengths[left]) + int(lengths[right])
            if length < longest or length == 2:
                yield word, left, right


def sketch_pairs_reference(cells, weights, lengths, longest, sketch, cursor, budget):
    for word, left, right in _pairs_reference(cells, lengths, longest):
        mixed = (left << 32 | right) * int(_MIX)  # of any size: the bits that count are the same
        bucket = mixed >> 40 & len(sketch) - 1
        sketch[bucket] += weights[word], 1
    cursor["read"], cursor["word"] = len(cells), int((cells[1:] == BORDER).sum())
    return len(cells)


@kernel(reference=sketch_pairs_reference)
def sketch_pairs(cells, weights, lengths, longest, sketch, cursor, budget):
    """Sum up the pairs of cells, one a token, by buckets; a stretch at a time.

    `sketch`, int64[F, 2], is added to: (count, places). All else is as in `read_through`.
    """
    place, mask = cursor[0], np.int64(sketch.shape[0] - 1)
    read, word = place.read, place.word
    end = min(np.int64(cells.size), read + budget)
    before = np.int64(cells[read - 1])
    for i in range(read, end):
        symbol = np.int64(cells[i])
        if symbol == BORDER:
            word += 1
        elif before != BORDER and _is_allowed(lengths, before, symbol, longest):
            bucket = _bucket_of(before << 32 | symbol, mask)
            sketch[bucket, 0] += weights[word]
            sketch[bucket, 1] += 1
        before = symbol
    place.read, place.word = end, word
    return end


def widen_table_reference(source, target):
    for pair, *rest in source[source[:, 0] != 0].tolist():
        k = (pair - 1) * int(MIX) >> 32 & len(target) - 1
        while target[k, 0]:
            k = (k + 1) % len(target)
        target[k] = pair, *rest


@kernel(reference=widen_table_reference)
def widen_table(source, target):
    """Copy the rows of a table, int64[S, 4], into a larger one."""
    base, mask = target.ctypes.data, np.int64(target.shape[0] - 1)
    for j in range(source.shape[0]):
        if source[j, 0] != 0:
            k = (_row_of(base, mask, source[j, 0] - 1) - base) >> 5
            target[k] = source[j]


@compiled_helper
def enter_pairs(state, pairs, counts, first, found):
    """Enter pairs into the slots of a state; write to `found` which candidate a slot has.

    Pairs and counts are int64[K], `found` int32[S]; `first` is the candidate that the first of them
    is.
    """
    slots, mask = state.slots.ctypes.data, np.int64(state.slots.shape[0] - 1)
    for e in range(pairs.size):
        slot = slot_of(slots, mask, pairs[e])
        store_i64(slot, pairs[e] + 1)
        store_i64(slot + 8, counts[e])
        found[(slot - slots) >> 4] = first + e


@compiled_helper
def place_lean(state, found, begin, end):
    """Write the places of the pairs that begin in cells ``begin..end - 1``, one cell a token.

    Candidates with a length of -1 get none.
    """
    cells, places = state.cells.ctypes.data, state.places.ctypes.data
    slots, mask = state.slots.ctypes.data, np.int64(state.slots.shape[0] - 1)
    entries = state.entries.ctypes.data
    left = lean_symbol(cells, begin)
    for p in range(begin, end):
        right = lean_symbol(cells, p + 1)
        if left >= 0 and right >= 0:
            slot = slot_of(slots, mask, left << 32 | right)
            if load_i64(slot) != 0:
                row = entries + 24 * np.int64(found[(slot - slots) >> 4])
                filled = load_i64(row + 16)
                if filled >= 0:
                    store_i32(places + 4 * (load_i64(row + 8) + filled), np.int32(p))
                    store_i64(row + 16, filled + 1)
        left = right


def to_cells_reference(lean, weights, cells, cursor, budget):
    words = np.cumsum(lean == BORDER) - 1
    inside = lean != BORDER
    cells[:, 0], cells[:, 1] = lean, 0
    cells[inside, 1] = weights[words[inside]]
    cursor["read"], cursor["word"] = len(lean), words[-1]
    return len(lean)


@kernel(reference=to_cells_reference)
def to_cells(lean, weights, cells, cursor, budget):
    """Write lean cells, one a token, as the cells of symbols.py, a stretch at a time.

    Parameters
    ----------
    lean : int32[N]
    weights : int32[W]
        What a cell holds for the count of its word.
    cells : int32[N, 2]
    cursor : READING[1]
        `read` and `word` are used, and begin with the first border read.
    budget : int
        Cells to read in one call.
    """
    place = cursor[0]
    read, word = place.read, place.word
    end = min(np.int64(lean.size), read + budget)
    for i in range(read, end):
        cells[i, 0] = lean[i]
        if lean[i] == BORDER:
            cells[i, 1] = 0
            word += 1
        else:
            cells[i, 1] = weights[word]
    place.read, place.word = end, word
    return end
