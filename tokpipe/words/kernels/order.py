"""Words of a table in the order of their bytes.

First `pack_slots` moves the used slots of a table to its front, as rows ``prefix, place, value``:
``prefix`` is the first eight bytes of the word as a big-endian number (zeros behind), so that
comparing two prefixes compares the words. The caller sorts the prefixes (`numpy.argsort`, several
times faster than anything on strings); `order_ties` then orders what shares a prefix, and
`copy_words` writes the words end to end.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, load_u64, store_u64
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.words.kernels.table import MOVE_SLOTS, RECORD, SHORT, swap_bytes, word_at_reference

_FEW = 12  # words with one prefix up to this number are sorted by insertion
_STACK = 128  # open ranges; the smallest part is done first, so 2 log2(rows) suffice
_ENDED = 9  # rank of a block that is not the last of its word; smaller: how many bytes it has
ORDERED_AT_ONCE = 1 << 18  # rows looked at in one call of `order_ties`: up to about 100 ms


def pack_slots_reference(slots, arena, first, packed):
    last = min(len(slots) // 3, first + MOVE_SLOTS)
    for i in range(first, last):
        word = word_at_reference(slots, arena, i)
        if word is not None:
            prefix = int.from_bytes(word[:8].ljust(8, b"\0"), "big")
            slots[3 * packed : 3 * packed + 3] = prefix, slots[3 * i + 1], slots[3 * i + 2]
            packed += 1
    return last, packed


@kernel(reference=pack_slots_reference)
def pack_slots(slots, arena, first, packed):
    """Move used slots to the front, their keys turned into prefixes; the table ends as such.

    Parameters
    ----------
    slots : uint64[3 * C]
        Changed in place.
    arena : uint8[A]
    first : int
        The slot to begin with; one call looks at no more than `MOVE_SLOTS`.
    packed : int
        Rows that stand at the front already.

    Returns
    -------
    next : int
        The slot to go on with; C at the end.
    packed : int
        Rows at the front now.
    """
    last = min(slots.size // 3, first + MOVE_SLOTS)
    for i in range(first, last):
        place = np.int64(slots[3 * i + 1])
        if place != 0:
            eight = slots[3 * i]
            if place > SHORT:
                eight = load_u64(arena.ctypes.data + place + RECORD)
            slots[3 * packed + 1] = slots[3 * i + 1]
            slots[3 * packed + 2] = slots[3 * i + 2]
            slots[3 * packed] = swap_bytes(eight)
            packed += 1
    return last, packed


@inlined_helper
def _row(rows, order, i):
    return rows + load_i64(order + 8 * i) * 24


@inlined_helper
def _word_bytes(row, arena):
    place = load_i64(row + 8)
    return load_i64(arena + place) if place > SHORT else place


@inlined_helper
def _block(row, arena, depth):
    """Return eight bytes of a word from `depth` on as a number, and their rank.

    Two words that are equal up to `depth` compare as (block, rank): equal blocks with fewer bytes
    come first (zeros may be part of a word). Equal pairs of rank `_ENDED` go on.
    """
    size, place = _word_bytes(row, arena), load_i64(row + 8)
    if size <= depth:  # a short word, at depth 8: only its size is left to compare
        return np.uint64(0), size - depth
    return swap_bytes(load_u64(arena + place + RECORD + depth)), min(size - depth, _ENDED)


@inlined_helper
def _comes_first(one, other, arena, depth):
    """Say whether word `one` stands before `other`; both agree up to `depth`."""
    while True:
        a, a_rank = _block(one, arena, depth)
        b, b_rank = _block(other, arena, depth)
        if a != b:
            return a < b
        if a_rank != b_rank or a_rank < _ENDED:
            return a_rank < b_rank
        depth += 8


@compiled_helper
def _sort_by_insertion(rows, arena, order, low, high, depth):
    for i in range(low + 1, high):
        moving = load_u64(order + 8 * i)
        row = _row(rows, order, i)
        j = i
        while j > low and _comes_first(row, _row(rows, order, j - 1), arena, depth):
            store_u64(order + 8 * j, load_u64(order + 8 * (j - 1)))
            j -= 1
        store_u64(order + 8 * j, moving)


@inlined_helper
def _swap(order, i, j):
    held = load_u64(order + 8 * i)
    store_u64(order + 8 * i, load_u64(order + 8 * j))
    store_u64(order + 8 * j, held)


@compiled_helper
def _partition(rows, arena, order, low, high, depth):
    """Split a range into words before, at and behind the block of its middle word."""
    pivot, pivot_rank = _block(_row(rows, order, (low + high) // 2), arena, depth)
    before, i, behind = low, low, high
    while i < behind:
        block, rank = _block(_row(rows, order, i), arena, depth)
        if block < pivot or (block == pivot and rank < pivot_rank):
            _swap(order, before, i)
            before += 1
            i += 1
        elif block == pivot and rank == pivot_rank:
            i += 1
        else:
            behind -= 1
            _swap(order, i, behind)
    return before, behind


@inlined_helper
def _order_three(lows, highs, depths, top):
    """Order three ranges by falling size: the smallest is done first, so the stack stays short."""
    for a, b in ((0, 1), (1, 2), (0, 1)):
        i, j = top + a, top + b
        if highs[i] - lows[i] < highs[j] - lows[j]:
            lows[i], lows[j] = lows[j], lows[i]
            highs[i], highs[j] = highs[j], highs[i]
            depths[i], depths[j] = depths[j], depths[i]


@compiled_helper
def _sort_range(rows, arena, order, low, high, depth):
    """Sort a range of words equal up to `depth`: multikey quicksort, eight bytes a step.

    References
    ----------
    Bentley and Sedgewick (1997), Fast Algorithms for Sorting and Searching Strings, section 3.
    """
    lows, highs = np.empty(_STACK, np.int64), np.empty(_STACK, np.int64)
    depths, top = np.empty(_STACK, np.int64), 1
    lows[0], highs[0], depths[0] = low, high, depth
    while top > 0:
        top -= 1
        low, high, depth = lows[top], highs[top], depths[top]
        if high - low <= _FEW:
            _sort_by_insertion(rows, arena, order, low, high, depth)
            continue
        before, behind = _partition(rows, arena, order, low, high, depth)
        lows[top], highs[top], depths[top] = low, before, depth
        lows[top + 1], highs[top + 1], depths[top + 1] = before, behind, depth + 8
        lows[top + 2], highs[top + 2], depths[top + 2] = behind, high, depth
        _order_three(lows, highs, depths, top)
        top += 3


def order_ties_reference(rows, arena, order, first):
    last = first
    while last < len(order) and (
        last < first + ORDERED_AT_ONCE or rows[3 * order[last]] == rows[3 * order[last - 1]]
    ):
        last += 1

    def word(row):
        prefix = int(rows[3 * row]).to_bytes(8, "big")
        place = int(rows[3 * row + 1])
        return prefix[:place] if place <= SHORT else word_at_reference(rows, arena, row)

    order[first:last] = sorted(order[first:last], key=word)
    return last


@kernel(reference=order_ties_reference)
def order_ties(rows, arena, order, first):
    """Order words that share their first eight bytes by the bytes behind.

    Parameters
    ----------
    rows : uint64[3 * E]
        What `pack_slots` left at the front; all words differ.
    arena : uint8[A]
    order : int64[E]
        Row numbers in the order of their prefixes; changed in place.
    first : int
        Where in `order` to begin: 0, or what the call before returned. One call looks at about
        `ORDERED_AT_ONCE` of them.

    Returns
    -------
    next : int
        Where to go on; E at the end.
    """
    rows_address, arena_address = rows.ctypes.data, arena.ctypes.data
    order_address = order.ctypes.data
    stop, low = min(first + ORDERED_AT_ONCE, order.size), np.int64(first)
    while low < stop:
        prefix, high = rows[3 * order[low]], low + 1
        while high < order.size and rows[3 * order[high]] == prefix:
            high += 1
        if high - low > 1:
            _sort_range(rows_address, arena_address, order_address, low, high, SHORT)
        low = high
    return low


def copy_words_reference(rows, arena, order, data, offsets, values):
    offsets[0] = 0
    for i, row in enumerate(order):
        place, values[i] = int(rows[3 * row + 1]), rows[3 * row + 2]
        word = int(rows[3 * row]).to_bytes(8, "big")[:place]
        if place > SHORT:
            word = word_at_reference(rows, arena, row)
        offsets[i + 1] = offsets[i] + len(word)
        if offsets[i + 1] + SHORT > len(data):
            return i
        data[offsets[i] : offsets[i + 1]] = np.frombuffer(word, np.uint8)
    return len(order)


@kernel(reference=copy_words_reference)
def copy_words(rows, arena, order, data, offsets, values):
    """Write words end to end, with their borders and values, until `data` is full.

    Parameters
    ----------
    rows : uint64[3 * E]
        What `pack_slots` left at the front.
    arena : uint8[A]
    order : int64[W]
        The rows to write, in this order.
    data : uint8[N]
        Written in place; the last eight bytes are only room for whole stores.
    offsets : int64[W + 1], values : int64[W]
        Written in place.

    Returns
    -------
    written : int
        Words that fitted; where it is less than W, ``offsets[written + 1]`` says what the next
        one needs.
    """
    rows_address, arena_address, target = rows.ctypes.data, arena.ctypes.data, data.ctypes.data
    position = np.int64(0)
    offsets[0] = 0
    written = order.size
    for i in range(order.size):
        row = rows_address + order[i] * 24
        size, place = _word_bytes(row, arena_address), load_i64(row + 8)
        values[i] = load_i64(row + 16)
        offsets[i + 1] = position + size
        if position + size + SHORT > data.size:
            written = i
            break
        if size <= SHORT:
            store_u64(target + position, swap_bytes(load_u64(row)))
        else:
            for k in range(0, size, 8):
                store_u64(target + position + k, load_u64(arena_address + place + RECORD + k))
        position += size
    return written
