"""One merge: the cells, the table of pairs and the new candidates."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.replace import gather, replace_lean, replace_pair
from tokpipe.vocab.kernels.state import (
    CROWDED,
    DEC,
    ENTRIES,
    ENTRIES_AT,
    EVENTS_AT,
    FINISHED,
    FIRST_MADE,
    FLOOR,
    GATHERED_AT,
    HEAP,
    INC,
    LEAN,
    LEFT,
    LEFTS,
    LENGTHS_AT,
    LIKELIHOOD,
    LIVE_PLACES,
    LOW,
    MADE,
    MERGED,
    NEIGHBOURS_AT,
    NEW,
    PAIRS,
    PENDING,
    PLACED,
    PLACES,
    PLACES_AT,
    RIGHT,
    RIGHTS,
    ROW,
    ROWS,
    RUNNING,
    SEEN,
    SLOT_MASK,
    SLOTS_AT,
    THEN,
    THRIFTY,
    TOKENS,
    TOUCHED_AT,
    WANTED,
    is_too_long,
    put_row,
    slot_of,
)

_SIDES = (LEFT, RIGHT)  # in a loop, so that what handles a side is compiled once


@inlined_helper
def _insert(n, pair, change):
    """Add to a pair's count, from nothing if it is not in the table; return its slot."""
    slot = slot_of(load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK), pair)
    if load_i64(slot) == 0:
        store_i64(slot, pair + 1)
        store_i64(slot + 8, np.int64(0))
        store_i64(n + 8 * PAIRS, load_i64(n + 8 * PAIRS) + 1)
    store_i64(slot + 8, load_i64(slot + 8) + change)
    return slot


@inlined_helper
def _touched(n, side):
    """Return the address of the neighbours met on one side, and how many there are."""
    lefts = load_i64(n + 8 * TOUCHED_AT)
    if side == LEFT:
        return lefts, load_i64(n + 8 * LEFTS)
    return lefts + 4 * load_i64(n + 8 * ROWS), load_i64(n + 8 * RIGHTS)


@inlined_helper
def _least_kept(n):
    return load_i64(n + 8 * FLOOR) if load_i64(n + 8 * THRIFTY) != 0 else np.int64(1)


@inlined_helper
def _add_made(n, side, new):
    """Add the pairs that the merge made on one side to the table."""
    neighbours, least = load_i64(n + 8 * NEIGHBOURS_AT), _least_kept(n)
    thrifty = load_i64(n + 8 * THRIFTY) != 0
    tokens, count = _touched(n, side)
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        row = neighbours + ROW * token + side
        store_i64(row + THEN, np.int64(-1))
        pair = (token << 32 | new) if side == LEFT else (new << 32 | token)
        if load_i64(row + INC) >= least and not (thrifty and is_too_long(n, pair)):
            store_i64(row + THEN, _insert(n, pair, load_i64(row + INC)))


@inlined_helper
def _take_broken(n, side, pair):
    """Take the pairs that the merge broke on one side from the table."""
    neighbours = load_i64(n + 8 * NEIGHBOURS_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    thrifty = load_i64(n + 8 * THRIFTY) != 0
    tokens, count = _touched(n, side)
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        weight = load_i64(neighbours + ROW * token + side + DEC)
        if weight > 0:
            broken = (token << 32 | pair >> 32) if side == LEFT else ((pair & LOW) << 32 | token)
            slot = slot_of(slots, mask, broken)
            if load_i64(slot) != 0:
                store_i64(slot + 8, load_i64(slot + 8) - weight)
            elif not thrifty:
                _insert(n, broken, -weight)


@inlined_helper
def _open_made(n, side):
    """Make candidates of the pairs that the merge made on one side and that are common enough."""
    neighbours, entries = load_i64(n + 8 * NEIGHBOURS_AT), load_i64(n + 8 * ENTRIES_AT)
    e, start, least = load_i64(n + 8 * ENTRIES), load_i64(n + 8 * PLACES), _least_kept(n)
    begin = start
    tokens, count = _touched(n, side)
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
    store_i64(n + 8 * ENTRIES, e)
    store_i64(n + 8 * PLACES, start)
    store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) + start - begin)


@inlined_helper
def _place_events(n, begin, end):
    """Write the places of the pairs that a merge made to their candidates."""
    events, neighbours = load_i64(n + 8 * EVENTS_AT), load_i64(n + 8 * NEIGHBOURS_AT)
    places = load_i64(n + 8 * PLACES_AT)
    for i in range(begin, end):
        code = np.int64(load_i32(events + 8 * i))
        row = neighbours + (ROW * code + LEFT if code >= 0 else ROW * (-1 - code) + RIGHT)
        next_place = load_i64(row + THEN)
        if next_place >= 0:
            store_i32(places + 4 * next_place, load_i32(events + 8 * i + 4))
            store_i64(row + THEN, next_place + 1)


@inlined_helper
def _clear(n, side):
    neighbours = load_i64(n + 8 * NEIGHBOURS_AT)
    tokens, count = _touched(n, side)
    for i in range(count):
        row = neighbours + ROW * np.int64(load_i32(tokens + 4 * i)) + side
        store_i64(row + DEC, np.int64(0))
        store_i64(row + INC, np.int64(0))
        store_i64(row + NEW, np.int64(0))


@inlined_helper
def _settle(n, pair, new):
    """Carry the sums of a merge over to the table and to new candidates, without their places."""
    lengths = load_i64(n + 8 * LENGTHS_AT)
    length = load_i32(lengths + 4 * (pair >> 32)) + load_i32(lengths + 4 * (pair & LOW))
    store_i32(lengths + 4 * new, np.int32(length))
    # Made before broken: a pair may be both (abab: (ab)a is made, then (ab)(ab) breaks it).
    for side in _SIDES:
        _add_made(n, side, new)
    for side in _SIDES:
        _take_broken(n, side, pair)
    for side in _SIDES:
        _open_made(n, side)
    slot = slot_of(load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK), pair)
    if load_i64(n + 8 * THRIFTY) != 0:  # it cannot come back: let the next clean-up drop it
        store_i64(slot + 8, np.int64(0))
    elif load_i64(n + 8 * LIKELIHOOD) != 0:  # by frequency it stays as it was, as in tokenizers
        store_i64(slot + 8, load_i64(slot + 8) - load_i64(n + 8 * MERGED))


@inlined_helper
def _has_room(n, state, count, tokens):
    """Say whether a merge of so many occurrences is sure to find room in every array."""
    pairs = min(2 * count, 2 * tokens)
    likely = load_i64(n + 8 * LIKELIHOOD) != 0  # that run has a heap of its own
    return (
        load_i64(n + 8 * PLACES) + 2 * count <= state.places.shape[0]
        and load_i64(n + 8 * ENTRIES) + pairs <= state.entries.shape[0]
        and (likely or load_i64(n + 8 * HEAP) + pairs <= state.heap.shape[0])
        and 3 * (load_i64(n + 8 * PAIRS) + 2 * pairs) <= 2 * state.slots.shape[0]
        and 2 * count <= state.events.shape[0]
    )


@compiled_helper
def merge_waiting(n, state, new, work):
    """Merge the pair that waits, or go on with it, down to the new candidates.

    These are not in any heap yet: they are the rows of `entries` from ``FIRST_MADE`` on.

    Returns
    -------
    int
        FINISHED; RUNNING if the work allowed was used up first; CROWDED if nothing was begun
        because the arrays have no room.
    """
    numbers = state.numbers
    entry = numbers[PENDING]
    pair, count = state.entries[entry, 0], state.entries[entry, 2]
    from_places = numbers[PLACES_AT] + 4 * state.entries[entry, 1]
    if numbers[SEEN] == 0:
        if numbers[THRIFTY] == 0:
            count = gather(n, entry, pair >> 32, pair & LOW)
        numbers[WANTED] = count
        if not _has_room(n, state, count, max(new, numbers[TOKENS]) + 1):
            return CROWDED
        numbers[MERGED] = numbers[MADE] = numbers[LEFTS] = numbers[RIGHTS] = 0
        numbers[PLACED] = -1
    if numbers[THRIFTY] == 0:
        count = numbers[WANTED]
        from_places = numbers[GATHERED_AT]
    if numbers[SEEN] < count:
        end = min(count, numbers[SEEN] + max(work, 1))
        if numbers[LEAN] != 0:
            replace_lean(n, pair, new, from_places, numbers[SEEN], end)
        else:
            replace_pair(n, pair, new, from_places, numbers[SEEN], end)
        numbers[SEEN] = end
        if end < count:
            return RUNNING
    if numbers[PLACED] < 0:
        numbers[FIRST_MADE] = numbers[ENTRIES]
        _settle(n, pair, new)
        numbers[PLACED] = 0
    end = min(numbers[MADE], numbers[PLACED] + 2 * max(work, 1))
    _place_events(n, numbers[PLACED], end)
    numbers[PLACED] = end
    if end < numbers[MADE]:
        return RUNNING
    for side in _SIDES:
        _clear(n, side)
    numbers[SEEN] = 0
    numbers[PENDING] = -1
    if new == numbers[TOKENS]:
        numbers[TOKENS] = new + 1
    return FINISHED
