"""One merge: the cells, the table of pairs and the new candidates."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.replace import gather, replace_lean, replace_pair
from tokpipe.vocab.kernels.state import (
    CROWDED,
    DEC,
    FINISHED,
    INC,
    LEFT,
    LOW,
    NEW,
    RIGHT,
    ROW,
    RUNNING,
    THEN,
    is_too_long,
    put_row,
    slot_of,
)

_SIDES = (LEFT, RIGHT)  # in a loop, so that what handles a side is compiled once


@inlined_helper
def _insert(run, pair, change):
    """Add to a pair's count, from nothing if it is not in the table; return its slot."""
    slot = slot_of(run.slots_at, run.slot_mask, pair)
    if load_i64(slot) == 0:
        store_i64(slot, pair + 1)
        store_i64(slot + 8, np.int64(0))
        run.pairs = run.pairs + 1
    store_i64(slot + 8, load_i64(slot + 8) + change)
    return slot


@inlined_helper
def _touched(run, side):
    """Return the address of the neighbours met on one side, and how many there are."""
    lefts = run.touched_at
    if side == LEFT:
        return lefts, run.lefts
    return lefts + 4 * run.rows, run.rights


@inlined_helper
def _least_kept(run):
    return run.floor if run.thrifty != 0 else np.int64(1)


@inlined_helper
def _add_made(run, side, new):
    """Add the pairs that the merge made on one side to the table."""
    neighbours, least = run.neighbours_at, _least_kept(run)
    thrifty = run.thrifty != 0
    tokens, count = _touched(run, side)
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        row = neighbours + ROW * token + side
        store_i64(row + THEN, np.int64(-1))
        pair = (token << 32 | new) if side == LEFT else (new << 32 | token)
        if load_i64(row + INC) >= least and not (thrifty and is_too_long(run, pair)):
            store_i64(row + THEN, _insert(run, pair, load_i64(row + INC)))


@inlined_helper
def _take_broken(run, side, pair):
    """Take the pairs that the merge broke on one side from the table."""
    neighbours = run.neighbours_at
    slots, mask = run.slots_at, run.slot_mask
    thrifty = run.thrifty != 0
    tokens, count = _touched(run, side)
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        weight = load_i64(neighbours + ROW * token + side + DEC)
        if weight > 0:
            broken = (token << 32 | pair >> 32) if side == LEFT else ((pair & LOW) << 32 | token)
            slot = slot_of(slots, mask, broken)
            if load_i64(slot) != 0:
                store_i64(slot + 8, load_i64(slot + 8) - weight)
            elif not thrifty:
                _insert(run, broken, -weight)


@inlined_helper
def _open_made(run, side):
    """Make candidates of the pairs that the merge made on one side and that are common enough."""
    neighbours, entries = run.neighbours_at, run.entries_at
    e, start, least = run.entries, run.places, _least_kept(run)
    begin = start
    tokens, count = _touched(run, side)
    for i in range(count):
        row = neighbours + ROW * np.int64(load_i32(tokens + 4 * i)) + side
        slot = load_i64(row + THEN)
        if slot == -1:
            continue
        store_i64(row + THEN, np.int64(-1))
        if load_i64(slot + 8) >= least:
            put_row(entries + 24 * e, load_i64(slot) - 1, start, load_i64(row + NEW))
            store_i64(row + THEN, start)
            start += load_i64(row + NEW)
            e += 1
    run.entries = e
    run.places = start
    run.live_places = run.live_places + start - begin


@inlined_helper
def _place_events(run, begin, end):
    """Write the places of the pairs that a merge made to their candidates."""
    events, neighbours = run.events_at, run.neighbours_at
    places = run.places_at
    for i in range(begin, end):
        code = np.int64(load_i32(events + 8 * i))
        row = neighbours + (ROW * code + LEFT if code >= 0 else ROW * (-1 - code) + RIGHT)
        next_place = load_i64(row + THEN)
        if next_place >= 0:
            store_i32(places + 4 * next_place, load_i32(events + 8 * i + 4))
            store_i64(row + THEN, next_place + 1)


@inlined_helper
def _clear(run, side):
    neighbours = run.neighbours_at
    tokens, count = _touched(run, side)
    for i in range(count):
        row = neighbours + ROW * np.int64(load_i32(tokens + 4 * i)) + side
        store_i64(row + DEC, np.int64(0))
        store_i64(row + INC, np.int64(0))
        store_i64(row + NEW, np.int64(0))


@inlined_helper
def _settle(run, pair, new):
    """Carry the sums of a merge over to the table and to new candidates, without their places."""
    lengths = run.lengths_at
    length = load_i32(lengths + 4 * (pair >> 32)) + load_i32(lengths + 4 * (pair & LOW))
    store_i32(lengths + 4 * new, np.int32(length))
    # Made before broken: a pair may be both (abab: (ab)a is made, then (ab)(ab) breaks it).
    for side in _SIDES:
        _add_made(run, side, new)
    for side in _SIDES:
        _take_broken(run, side, pair)
    for side in _SIDES:
        _open_made(run, side)
    slot = slot_of(run.slots_at, run.slot_mask, pair)
    if run.thrifty != 0:  # it cannot come back: let the next clean-up drop it
        store_i64(slot + 8, np.int64(0))
    elif run.likelihood != 0:  # by frequency it stays as it was, as in tokenizers
        store_i64(slot + 8, load_i64(slot + 8) - run.merged)


@inlined_helper
def _has_room(run, state, count, tokens):
    """Say whether a merge of so many occurrences is sure to find room in every array."""
    pairs = min(2 * count, 2 * tokens)
    likely = run.likelihood != 0  # that run has a heap of its own
    return (
        run.places + 2 * count <= state.places.shape[0]
        and run.entries + pairs <= state.entries.shape[0]
        and (likely or run.heap + pairs <= state.heap.shape[0])
        and 3 * (run.pairs + 2 * pairs) <= 2 * state.slots.shape[0]
        and 2 * count <= state.events.shape[0]
    )


@compiled_helper
def merge_waiting(run, state, new, work):
    """Merge the pair that waits, or go on with it, down to the new candidates.

    These are not in any heap yet: they are the rows of `entries` from `first_made` on. Returned is
    FINISHED; RUNNING if the work allowed was used up first; CROWDED if nothing was begun because
    the arrays have no room.
    """
    entry = run.pending
    pair, count = state.entries[entry, 0], state.entries[entry, 2]
    from_places = run.places_at + 4 * state.entries[entry, 1]
    if run.seen == 0:
        if run.thrifty == 0:
            count = gather(run, entry, pair >> 32, pair & LOW)
        run.wanted = count
        if not _has_room(run, state, count, max(new, run.tokens) + 1):
            return CROWDED
        run.merged = run.made = run.lefts = run.rights = 0
        run.placed = -1
    if run.thrifty == 0:
        count = run.wanted
        from_places = run.gathered_at
    if run.seen < count:
        end = min(count, run.seen + max(work, 1))
        if run.lean != 0:
            replace_lean(run, pair, new, from_places, run.seen, end)
        else:
            replace_pair(run, pair, new, from_places, run.seen, end)
        run.seen = end
        if end < count:
            return RUNNING
    if run.placed < 0:
        run.first_made = run.entries
        _settle(run, pair, new)
        run.placed = 0
    end = min(run.made, run.placed + 2 * max(work, 1))
    _place_events(run, run.placed, end)
    run.placed = end
    if end < run.made:
        return RUNNING
    for side in _SIDES:
        _clear(run, side)
    run.seen = 0
    run.pending = -1
    if new == run.tokens:
        run.tokens = new + 1
    return FINISHED
