"""The run by frequency: a lazy heap, the merges one after the other, and cleaning up."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.merge import merge_waiting
from tokpipe.vocab.kernels.state import (
    CELLS_AT,
    CLEANED,
    ENTRIES,
    ENTRIES_AT,
    FINISHED,
    FIRST_MADE,
    FLOOR,
    HEAP,
    HEAP_AT,
    KEPT_ENTRIES,
    KEPT_PLACES,
    KEPT_ROWS,
    LAST_TIE,
    LIVE_PLACES,
    LOW,
    PAIRS,
    PENDING,
    PLACES,
    PLACES_AT,
    RUNNING,
    SLOT_MASK,
    SLOTS_AT,
    STATUS,
    THRIFTY,
    TOKENS,
    WANTED,
    bind,
    holds,
    put_row,
    slot_of,
    tie_of,
)


@inlined_helper
def _goes_before(score, tie, entry, row):
    """Say whether (score, tie, entry) belongs in front of a row; the older entry wins a draw."""
    other = load_i64(row)
    if score != other:
        return score > other
    other = load_i64(row + 8)
    if tie != other:
        return tie < other
    return entry < load_i64(row + 16)


@inlined_helper
def _copy_row(target, source):
    put_row(target, load_i64(source), load_i64(source + 8), load_i64(source + 16))


@compiled_helper
def _push(n, score, tie, entry):
    heap = load_i64(n + 8 * HEAP_AT)
    j = load_i64(n + 8 * HEAP)
    store_i64(n + 8 * HEAP, j + 1)
    while j > 0:
        parent = (j - 1) >> 2
        if not _goes_before(score, tie, entry, heap + 24 * parent):
            break
        _copy_row(heap + 24 * j, heap + 24 * parent)
        j = parent
    put_row(heap + 24 * j, score, tie, entry)


@compiled_helper
def _sink(n, score, tie, entry):
    """Put a row in at the front, where there is a gap, and let it sink to its place."""
    heap = load_i64(n + 8 * HEAP_AT)
    size = load_i64(n + 8 * HEAP)
    j = np.int64(0)
    while True:
        first = 4 * j + 1
        if first >= size:
            break
        best = first
        for child in range(first + 1, min(first + 4, size)):
            row = heap + 24 * child
            if _goes_before(load_i64(row), load_i64(row + 8), load_i64(row + 16), heap + 24 * best):
                best = child
        if _goes_before(score, tie, entry, heap + 24 * best):
            break
        _copy_row(heap + 24 * j, heap + 24 * best)
        j = best
    put_row(heap + 24 * j, score, tie, entry)


@inlined_helper
def _drop_front(n):
    heap = load_i64(n + 8 * HEAP_AT)
    size = load_i64(n + 8 * HEAP) - 1
    store_i64(n + 8 * HEAP, size)
    if size > 0:
        row = heap + 24 * size
        _sink(n, load_i64(row), load_i64(row + 8), load_i64(row + 16))


@compiled_helper
def fill_heap(state):
    """Put every candidate into the heap."""
    n = bind(state)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    for e in range(load_i64(n + 8 * ENTRIES)):
        slot = slot_of(slots, mask, state.entries[e, 0])
        _push(n, load_i64(slot + 8), tie_of(n, e), e)


@compiled_helper
def _choose(n):
    """Take the best candidate from the heap; -1 if none is common enough."""
    heap = load_i64(n + 8 * HEAP_AT)
    entries = load_i64(n + 8 * ENTRIES_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    floor, thrifty = load_i64(n + 8 * FLOOR), load_i64(n + 8 * THRIFTY) != 0
    while load_i64(n + 8 * HEAP) > 0:
        score, entry = load_i64(heap), load_i64(heap + 16)
        row = entries + 24 * entry
        count = load_i64(slot_of(slots, mask, load_i64(row)) + 8)
        if count == score:
            if count < floor or (
                count == floor and load_i64(heap + 8) > load_i64(n + 8 * LAST_TIE)
            ):
                return np.int64(-1)
            _drop_front(n)
            store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) - load_i64(row + 16))
            return entry
        if thrifty and count < floor:
            _drop_front(n)
            store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) - load_i64(row + 16))
        else:
            _sink(n, count, tie_of(n, entry), entry)
    return np.int64(-1)


@compiled_helper
def advance(state, merges, known, work):
    """Go on merging until the rows of `merges` or the work allowed are used up.

    Parameters
    ----------
    state : MergeState
    merges : int32[M, 3]
        Written to: (left, right, new) a merge.
    known : int
        -1 gives each merge the next new token. Otherwise one merge is made, of the pair that
        waits, with this token; and the next pair is chosen and left to wait.
    work : int
        Occurrences to handle before the call returns.

    Returns
    -------
    int
        How many merges were made. `numbers[STATUS]` says FINISHED when no pair is left that is
        common enough, CROWDED when the arrays must be cleaned up or enlarged first.
    """
    n = bind(state)
    numbers = state.numbers
    numbers[STATUS] = RUNNING
    done = np.int64(0)
    while True:
        if numbers[PENDING] < 0:
            numbers[PENDING] = _choose(n)
            if numbers[PENDING] < 0:
                numbers[STATUS] = FINISHED
                return done
        if done == merges.shape[0] or work <= 0 or known < -1:
            return done
        pair = state.entries[numbers[PENDING], 0]
        new = numbers[TOKENS] if known < 0 else np.int64(known)
        outcome = merge_waiting(n, state, new, work)
        work -= numbers[WANTED] + 100  # a merge of one occurrence costs more than that occurrence
        if outcome != FINISHED:
            numbers[STATUS] = outcome
            return done
        for e in range(numbers[FIRST_MADE], numbers[ENTRIES]):
            slot = slot_of(numbers[SLOTS_AT], numbers[SLOT_MASK], state.entries[e, 0])
            _push(n, load_i64(slot + 8), tie_of(n, e), e)
        merges[done, 0] = pair >> 32
        merges[done, 1] = pair & LOW
        merges[done, 2] = new
        done += 1
        if known >= 0:
            known = -2  # only the choice of the next one is left to do


@compiled_helper
def clean_up(state, target, work):
    """Copy what may still be needed into the arrays of another state; only if THRIFTY.

    Left behind are candidates below the minimum frequency, places where the pair no longer
    stands, and pairs without a candidate. Both states share cells, sums and numbers.

    Returns
    -------
    bool
        False if the work allowed, in places, was used up: call again. True when all is copied;
        the numbers are those of `target` then.
    """
    n = bind(state)
    numbers = state.numbers
    slots, mask = target.slots.ctypes.data, np.int64(target.slots.shape[0] - 1)
    places = target.places.ctypes.data
    size, pending = numbers[HEAP], numbers[PENDING]
    while numbers[CLEANED] <= size:
        if work <= 0:
            return False
        i = numbers[CLEANED]  # the row `size` of the old heap is the candidate that waits
        numbers[CLEANED] = i + 1
        entry = state.heap[i, 2] if i < size else pending
        if entry < 0:
            continue
        pair, first, length = state.entries[entry]
        work -= length + 10
        count = load_i64(slot_of(numbers[SLOTS_AT], numbers[SLOT_MASK], pair) + 8)
        if count < numbers[FLOOR]:
            continue
        slot = slot_of(slots, mask, pair)
        store_i64(slot, pair + 1)
        store_i64(slot + 8, count)
        start = numbers[KEPT_PLACES]
        for k in range(first, first + length):
            p = np.int64(load_i32(numbers[PLACES_AT] + 4 * k))
            if holds(numbers[CELLS_AT], p, pair >> 32, pair & LOW):
                store_i32(places + 4 * start, np.int32(p))
                start += 1
        e = numbers[KEPT_ENTRIES]
        put_row(
            target.entries.ctypes.data + 24 * e,
            pair,
            numbers[KEPT_PLACES],
            start - numbers[KEPT_PLACES],
        )
        numbers[KEPT_ENTRIES] = e + 1
        numbers[KEPT_PLACES] = start
        if i < size:  # its standing in the heap stays as it was, out of date or not
            row = target.heap.ctypes.data + 24 * numbers[KEPT_ROWS]
            put_row(row, state.heap[i, 0], state.heap[i, 1], e)
            numbers[KEPT_ROWS] += 1
        else:
            numbers[PENDING] = e
    numbers[PAIRS] = numbers[ENTRIES] = numbers[KEPT_ENTRIES]
    numbers[PLACES] = numbers[LIVE_PLACES] = numbers[KEPT_PLACES]
    if pending >= 0:
        numbers[LIVE_PLACES] -= target.entries[numbers[PENDING], 2]
    rows = numbers[KEPT_ROWS]
    numbers[HEAP] = numbers[CLEANED] = 0
    numbers[KEPT_ENTRIES] = numbers[KEPT_PLACES] = numbers[KEPT_ROWS] = 0
    n = bind(target)
    for i in range(rows):
        _push(n, target.heap[i, 0], target.heap[i, 1], target.heap[i, 2])
    return True
