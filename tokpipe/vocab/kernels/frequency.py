"""The run by frequency: a lazy heap, the merges one after the other, and cleaning up."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.merge import merge_waiting
from tokpipe.vocab.kernels.state import (
    FINISHED,
    LOW,
    RUNNING,
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
def _push(run, score, tie, entry):
    heap = run.heap_at
    j = run.heap
    run.heap = j + 1
    while j > 0:
        parent = (j - 1) >> 2
        if not _goes_before(score, tie, entry, heap + 24 * parent):
            break
        _copy_row(heap + 24 * j, heap + 24 * parent)
        j = parent
    put_row(heap + 24 * j, score, tie, entry)


@compiled_helper
def _sink(run, score, tie, entry):
    """Put a row in at the front, where there is a gap, and let it sink to its place."""
    heap = run.heap_at
    size = run.heap
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
def _drop_front(run):
    heap = run.heap_at
    size = run.heap - 1
    run.heap = size
    if size > 0:
        row = heap + 24 * size
        _sink(run, load_i64(row), load_i64(row + 8), load_i64(row + 16))


@compiled_helper
def fill_heap(state):
    """Put every candidate into the heap."""
    run = bind(state)
    slots, mask = run.slots_at, run.slot_mask
    for e in range(run.entries):
        slot = slot_of(slots, mask, state.entries[e, 0])
        _push(run, load_i64(slot + 8), tie_of(run, e), e)


@compiled_helper
def _choose(run):
    """Take the best candidate from the heap; -1 if none is common enough."""
    heap = run.heap_at
    entries = run.entries_at
    slots, mask = run.slots_at, run.slot_mask
    floor, thrifty = run.floor, run.thrifty != 0
    while run.heap > 0:
        score, entry = load_i64(heap), load_i64(heap + 16)
        row = entries + 24 * entry
        count = load_i64(slot_of(slots, mask, load_i64(row)) + 8)
        if count == score:
            if count < floor or (count == floor and load_i64(heap + 8) > run.last_tie):
                return np.int64(-1)
            _drop_front(run)
            run.live_places -= load_i64(row + 16)
            return entry
        if thrifty and count < floor:
            _drop_front(run)
            run.live_places -= load_i64(row + 16)
        else:
            _sink(run, count, tie_of(run, entry), entry)
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
        How many merges were made. `status` says FINISHED when no pair is left that is
        common enough, CROWDED when the arrays must be cleaned up or enlarged first.
    """
    run = bind(state)
    run.status = RUNNING
    done = np.int64(0)
    while True:
        if run.pending < 0:
            run.pending = _choose(run)
            if run.pending < 0:
                run.status = FINISHED
                return done
        if done == merges.shape[0] or work <= 0 or known < -1:
            return done
        pair = state.entries[run.pending, 0]
        new = run.tokens if known < 0 else np.int64(known)
        outcome = merge_waiting(run, state, new, work)
        work -= run.wanted + 100  # a merge of one occurrence costs more than that occurrence
        if outcome != FINISHED:
            run.status = outcome
            return done
        for e in range(run.first_made, run.entries):
            slot = slot_of(run.slots_at, run.slot_mask, state.entries[e, 0])
            _push(run, load_i64(slot + 8), tie_of(run, e), e)
        merges[done, 0] = pair >> 32
        merges[done, 1] = pair & LOW
        merges[done, 2] = new
        done += 1
        if known >= 0:
            known = -2  # only the choice of the next one is left to do


@compiled_helper
def clean_up(state, target, work):
    """Copy what may still be needed into the arrays of another state; only if THRIFTY.

    Left behind are candidates below the minimum frequency, places where the pair no longer stands,
    and pairs without a candidate. Both states share cells, sums and record. Returned is False if
    the work allowed, in places, was used up: call again; True when all is copied: the record is
    that of `target` then.
    """
    run = bind(state)
    slots, mask = target.slots.ctypes.data, np.int64(target.slots.shape[0] - 1)
    places = target.places.ctypes.data
    size, pending = run.heap, run.pending
    while run.cleaned <= size:
        if work <= 0:
            return False
        i = run.cleaned  # the row `size` of the old heap is the candidate that waits
        run.cleaned = i + 1
        entry = state.heap[i, 2] if i < size else pending
        if entry < 0:
            continue
        pair, first, length = state.entries[entry]
        work -= length + 10
        count = load_i64(slot_of(run.slots_at, run.slot_mask, pair) + 8)
        if count < run.floor:
            continue
        slot = slot_of(slots, mask, pair)
        store_i64(slot, pair + 1)
        store_i64(slot + 8, count)
        start = run.kept_places
        for k in range(first, first + length):
            p = np.int64(load_i32(run.places_at + 4 * k))
            if holds(run.cells_at, p, pair >> 32, pair & LOW):
                store_i32(places + 4 * start, np.int32(p))
                start += 1
        e = run.kept_entries
        put_row(
            target.entries.ctypes.data + 24 * e,
            pair,
            run.kept_places,
            start - run.kept_places,
        )
        run.kept_entries = e + 1
        run.kept_places = start
        if i < size:  # its standing in the heap stays as it was, out of date or not
            row = target.heap.ctypes.data + 24 * run.kept_rows
            put_row(row, state.heap[i, 0], state.heap[i, 1], e)
            run.kept_rows += 1
        else:
            run.pending = e
    run.pairs = run.entries = run.kept_entries
    run.places = run.live_places = run.kept_places
    if pending >= 0:
        run.live_places -= target.entries[run.pending, 2]
    rows = run.kept_rows
    run.heap = run.cleaned = 0
    run.kept_entries = run.kept_places = run.kept_rows = 0
    run = bind(target)
    for i in range(rows):
        _push(run, target.heap[i, 0], target.heap[i, 1], target.heap[i, 2])
    return True
