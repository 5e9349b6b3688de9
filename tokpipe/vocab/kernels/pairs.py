"""The first count of all pairs, and the candidates that it gives."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, kernel
from tokpipe.vocab.kernels.state import (
    MIX,
    bind,
    is_too_long,
    slot_of,
    symbol_at,
    weight_at,
)


@compiled_helper
def count_pairs(state, found, begin, end):
    """Count the pairs that begin in cells ``begin..end - 1``, adding to `found`, int32[S].

    It holds the number of places of the pair in each slot. Returned is `end`, or the cell to go on
    from when the table is two thirds full.
    """
    run = bind(state)
    cells, large = run.cells_at, run.large_at
    slots, mask = run.slots_at, run.slot_mask
    pairs = run.pairs
    most = state.slots.shape[0] * 2 // 3
    p = begin
    while p < end and pairs < most:
        left, right = symbol_at(cells, p), symbol_at(cells, p + 1)
        if left >= 0 and right >= 0:
            pair = left << 32 | right
            slot = slot_of(slots, mask, pair)
            if load_i64(slot) == 0:
                store_i64(slot, pair + 1)
                pairs += 1
            store_i64(slot + 8, load_i64(slot + 8) + weight_at(cells, large, p))
            found[(slot - slots) >> 4] += 1
        p += 1
    run.pairs = pairs
    return p


def move_slots_reference(source, target, found, found_target, least):
    moved = 0
    for (pair, count), places in zip(source.tolist(), found.tolist(), strict=True):
        if pair and count >= least:
            k = (pair - 1) * int(MIX) >> 32 & len(target) - 1
            while target[k, 0]:
                k = (k + 1) % len(target)
            target[k], found_target[k] = (pair, count), places
            moved += 1
    return moved


@kernel(reference=move_slots_reference)
def move_slots(source, target, found, found_target, least):
    """Copy slots into a larger table, int64[S, 2] each, and the places counted beside, int32[S].

    Pairs that occur less often than `least` stay behind. Returned is how many were copied.
    """
    base, mask = target.ctypes.data, np.int64(target.shape[0] - 1)
    moved = np.int64(0)
    for j in range(source.shape[0]):
        if source[j, 0] != 0 and source[j, 1] >= least:
            slot = slot_of(base, mask, source[j, 0] - 1)
            k = (slot - base) >> 4
            target[k, 0] = source[j, 0]
            target[k, 1] = source[j, 1]
            found_target[k] = found[j]
            moved += 1
    return moved


@compiled_helper
def open_entries(state, found):
    """Make a candidate of each pair that is common enough; rare ones leave the table if THRIFTY.

    `found` comes out holding the candidate of each slot, or -1; `places` are reserved and empty
    (lengths are 0).
    """
    run = bind(state)
    slots, entries = state.slots, state.entries
    floor = run.floor if run.thrifty else 1
    e, start = np.int64(0), np.int64(0)
    for j in range(slots.shape[0]):
        if slots[j, 0] != 0 and slots[j, 1] >= floor and not is_too_long(run, slots[j, 0] - 1):
            entries[e, 0] = slots[j, 0] - 1
            entries[e, 1] = start
            entries[e, 2] = 0
            start += found[j]
            found[j] = e
            e += 1
        else:
            found[j] = -1
    run.entries = e
    run.places = start
    run.live_places = start


@compiled_helper
def place_pairs(state, found, begin, end):
    """Write the places of the pairs that begin in cells ``begin..end - 1``."""
    run = bind(state)
    cells, places = run.cells_at, run.places_at
    slots, mask = run.slots_at, run.slot_mask
    entries = run.entries_at
    for p in range(begin, end):
        left, right = symbol_at(cells, p), symbol_at(cells, p + 1)
        if left >= 0 and right >= 0:
            slot = slot_of(slots, mask, left << 32 | right)
            e = np.int64(found[(slot - slots) >> 4])
            if e >= 0:
                row = entries + 24 * e
                filled = load_i64(row + 16)
                store_i32(places + 4 * (load_i64(row + 8) + filled), np.int32(p))
                store_i64(row + 16, filled + 1)
