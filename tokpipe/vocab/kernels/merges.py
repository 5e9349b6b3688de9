"""The merging itself: one long computation, cut into calls that last a fraction of a second.

Its twin is `tokpipe.vocab.reference.merges_of`: a run of these kernels makes the same merges, and
tests/parity holds them to it. Everything that must survive between two calls is in `MergeState`.

- `cells`: the words, laid out by symbols.py. A token that covers several cells can be walked from
  both ends, so that a merge finds its neighbours at once, in a word of any length.
- `slots`: hash table from a pair (left << 32 | right, stored plus one; 0 is free) to its count.
- A candidate is a row of `entries` (pair, start, length): the cells ``places[start:][:length]``
  held the pair when it came up, ascending. Some may hold something else by now: each is looked at
  when its turn comes.
- `heap`: rows (score, tie, candidate), greatest score first, then lowest tie. It is lazy: counts
  only fall, so a row that is out of date stands too high, and is put right when it comes to the
  front. Rows with four children each: three levels less than with two, on one cache line.
- `neighbours`: a row for each token, summed up during one merge, so that each changed pair costs
  one look into the hash table and not one for each occurrence.

Most runs never meet a token that two merges make. Without such a token a pair cannot come back
once it is merged or rare, so that pairs below `min_frequency` are not kept at all (THRIFTY). If one
turns up, the caller starts over and keeps everything, as tokenizers' rules then need it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.intrinsics import (
    load_i32,
    load_i64,
    store_i32,
    store_i64,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.symbols import BIG

# Rows of `MergeState.numbers`: what is a single number. First the fill of each array.
PAIRS, ENTRIES, PLACES, HEAP = 0, 1, 2, 3
LIVE_PLACES = 4  # places of the candidates in the heap: what a clean-up may have to keep
TOKENS = 5  # the id of the next new token
PENDING = 6  # the candidate that was chosen and not yet merged, or -1
STATUS = 7
WANTED = 24  # occurrences of the merge for which there was no room
# Then the settings of the run.
FLOOR, LONGEST, FIRST_SEEN, THRIFTY = 8, 9, 10, 11
# Then the addresses of the arrays, for the private parts.
CELLS_AT, LARGE_AT, SLOTS_AT, ENTRIES_AT, PLACES_AT = 12, 13, 14, 15, 16
HEAP_AT, EVENTS_AT, NEIGHBOURS_AT, TOUCHED_AT, GATHERED_AT, SLOT_MASK, ROWS = (
    17,
    18,
    19,
    20,
    21,
    22,
    23,
)
NUMBERS = 26

# What `STATUS` says.
RUNNING, FINISHED, CROWDED = 0, 1, 2

# Fields of a row of `neighbours`, in bytes. DEC: weight of the pairs that a merge broke; INC: of
# those that it made; NEW: how many places those have; THEN: the slot of the pair that was made,
# later the next free place of its candidate, or -1.
DEC, INC, NEW, THEN = 0, 8, 16, 24
LEFT, RIGHT, ROW = 0, 32, 64

NOWHERE = 1 << 62  # a pair that a repeated token left standing nowhere goes first
DEAD = -2  # in a cell that no longer begins a token
LOW = 0xFFFFFFFF
MIX = np.int64(-7046029254386353131)  # 2^64 / golden ratio


class MergeState(NamedTuple):
    """All arrays of a run.

    Attributes
    ----------
    cells : int32[N, 2]
    large : int64[K]
        Counts of `BIG` and more.
    slots : int64[S, 2]
        S is a power of two.
    entries : int64[E, 3]
    places : int32[P]
    heap : int64[H, 3]
    events : int32[2 * O, 2]
        Scratch for one merge of O occurrences.
    neighbours : int64[V, 8]
    touched : int32[2, V]
        Scratch for one merge: the left and the right neighbours met.
    gathered : int32[N]
        Scratch for one merge, if not THRIFTY; else empty.
    numbers : int64[NUMBERS]
    """

    cells: NDArray[np.int32]
    large: NDArray[np.int64]
    slots: NDArray[np.int64]
    entries: NDArray[np.int64]
    places: NDArray[np.int32]
    heap: NDArray[np.int64]
    events: NDArray[np.int32]
    neighbours: NDArray[np.int64]
    touched: NDArray[np.int32]
    gathered: NDArray[np.int32]
    numbers: NDArray[np.int64]


@inlined_helper
def _bind(state):  # type: ignore[no-untyped-def]
    """Write the addresses of the arrays beside the numbers; return the address of those.

    The arrays are the caller's arguments, and so outlive the call.
    """
    numbers = state.numbers
    numbers[CELLS_AT] = state.cells.ctypes.data
    numbers[LARGE_AT] = state.large.ctypes.data
    numbers[SLOTS_AT] = state.slots.ctypes.data
    numbers[ENTRIES_AT] = state.entries.ctypes.data
    numbers[PLACES_AT] = state.places.ctypes.data
    numbers[HEAP_AT] = state.heap.ctypes.data
    numbers[EVENTS_AT] = state.events.ctypes.data
    numbers[NEIGHBOURS_AT] = state.neighbours.ctypes.data
    numbers[TOUCHED_AT] = state.touched.ctypes.data
    numbers[GATHERED_AT] = state.gathered.ctypes.data
    numbers[ROWS] = state.neighbours.shape[0]
    numbers[SLOT_MASK] = state.slots.shape[0] - 1
    return numbers.ctypes.data


# ---- the hash table of pairs ----


@inlined_helper
def _slot_of(slots, mask, pair):  # type: ignore[no-untyped-def]
    """Return the address of a pair's slot, or of the free slot where it belongs."""
    j = ((pair * MIX) >> 32) & mask
    while True:
        slot = slots + 16 * j
        held = load_i64(slot)
        if held == pair + 1 or held == 0:
            return slot
        j = (j + 1) & mask


# ---- tokens and their cells ----


@inlined_helper
def _symbol(cells, p):  # type: ignore[no-untyped-def]
    return np.int64(load_i32(cells + 8 * p))


@inlined_helper
def _weight(cells, large, p):  # type: ignore[no-untyped-def]
    weight = np.int64(load_i32(cells + 8 * p + 4))
    return weight if weight < BIG else load_i64(large + 8 * (weight - BIG))


@inlined_helper
def _length(cells, p):  # type: ignore[no-untyped-def]
    """Return how many cells the token covers whose second or last cell is `p` (1 if neither)."""
    held = np.int64(load_i32(cells + 8 * p + 4))
    return -held if held < 0 else np.int64(1)


@inlined_helper
def _holds(cells, p, left, right):  # type: ignore[no-untyped-def]
    """Say whether a pair stands at `p`."""
    if _symbol(cells, p) != left or load_i32(cells + 8 * p + 4) < 0:
        return False
    return _symbol(cells, p + _length(cells, p + 1)) == right


# ---- the heap ----


@inlined_helper
def _goes_before(score, tie, entry, row):  # type: ignore[no-untyped-def]
    """Say whether (score, tie, entry) belongs in front of a row; the older entry wins a draw."""
    other = load_i64(row)
    if score != other:
        return score > other
    other = load_i64(row + 8)
    if tie != other:
        return tie < other
    return entry < load_i64(row + 16)


@inlined_helper
def _put(row, score, tie, entry):  # type: ignore[no-untyped-def]
    store_i64(row, score)
    store_i64(row + 8, tie)
    store_i64(row + 16, entry)


@inlined_helper
def _copy_row(target, source):  # type: ignore[no-untyped-def]
    _put(target, load_i64(source), load_i64(source + 8), load_i64(source + 16))


@compiled_helper
def _push(n, score, tie, entry):  # type: ignore[no-untyped-def]
    heap = load_i64(n + 8 * HEAP_AT)
    j = load_i64(n + 8 * HEAP)
    store_i64(n + 8 * HEAP, j + 1)
    while j > 0:
        parent = (j - 1) >> 2
        if not _goes_before(score, tie, entry, heap + 24 * parent):
            break
        _copy_row(heap + 24 * j, heap + 24 * parent)
        j = parent
    _put(heap + 24 * j, score, tie, entry)


@compiled_helper
def _sink(n, score, tie, entry):  # type: ignore[no-untyped-def]
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
    _put(heap + 24 * j, score, tie, entry)


@inlined_helper
def _drop_front(n):  # type: ignore[no-untyped-def]
    heap = load_i64(n + 8 * HEAP_AT)
    size = load_i64(n + 8 * HEAP) - 1
    store_i64(n + 8 * HEAP, size)
    if size > 0:
        row = heap + 24 * size
        _sink(n, load_i64(row), load_i64(row + 8), load_i64(row + 16))


@inlined_helper
def _shorten(n, row, by):  # type: ignore[no-untyped-def]
    store_i64(row + 8, load_i64(row + 8) + by)
    store_i64(row + 16, load_i64(row + 16) - by)
    store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) - by)


@compiled_helper
def _tie_of(n, entry):  # type: ignore[no-untyped-def]
    """Return what decides among equal scores, the lowest first.

    By default the pair itself. First-seen: the length in characters, then the first place.
    """
    row = load_i64(n + 8 * ENTRIES_AT) + 24 * entry
    pair = load_i64(row)
    if load_i64(n + 8 * FIRST_SEEN) == 0:
        return pair
    cells, places = load_i64(n + 8 * CELLS_AT), load_i64(n + 8 * PLACES_AT)
    start = load_i64(row + 8)
    for i in range(start, start + load_i64(row + 16)):
        p = np.int64(load_i32(places + 4 * i))
        if _holds(cells, p, pair >> 32, pair & LOW):
            if load_i64(n + 8 * THRIFTY) != 0:  # what is dead stays dead: never look again
                _shorten(n, row, i - start)
            left = _length(cells, p + 1)
            return (left + _length(cells, p + left + 1)) << 32 | p
    return pair - NOWHERE


# ---- the first count of all pairs ----


@compiled_helper
def count_pairs(state, found, begin, end):  # type: ignore[no-untyped-def]
    """Count the pairs that begin in cells ``begin..end - 1``.

    Parameters
    ----------
    state : MergeState
        Its slots are filled.
    found : int32[S]
        The number of places of the pair in each slot, added to.

    Returns
    -------
    int
        `end`, or the cell to go on from when the table is two thirds full.
    """
    n = _bind(state)
    cells, large = load_i64(n + 8 * CELLS_AT), load_i64(n + 8 * LARGE_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    pairs = load_i64(n + 8 * PAIRS)
    most = state.slots.shape[0] * 2 // 3
    p = begin
    while p < end and pairs < most:
        left, right = _symbol(cells, p), _symbol(cells, p + 1)
        if left >= 0 and right >= 0:
            pair = left << 32 | right
            slot = _slot_of(slots, mask, pair)
            if load_i64(slot) == 0:
                store_i64(slot, pair + 1)
                pairs += 1
            store_i64(slot + 8, load_i64(slot + 8) + _weight(cells, large, p))
            found[(slot - slots) >> 4] += 1
        p += 1
    store_i64(n + 8 * PAIRS, pairs)
    return p


@compiled_helper
def move_slots(source, target, found, found_target):  # type: ignore[no-untyped-def]
    """Copy all slots, and the places counted beside them, into a larger table."""
    base, mask = target.ctypes.data, np.int64(target.shape[0] - 1)
    for j in range(source.shape[0]):
        if source[j, 0] != 0:
            slot = _slot_of(base, mask, source[j, 0] - 1)
            k = (slot - base) >> 4
            target[k, 0] = source[j, 0]
            target[k, 1] = source[j, 1]
            found_target[k] = found[j]


@compiled_helper
def open_entries(state, found):  # type: ignore[no-untyped-def]
    """Make a candidate of each pair that is common enough; rare ones leave the table if THRIFTY.

    `found` comes out holding the candidate of each slot, or -1; `places` are reserved and empty
    (lengths are 0).
    """
    n = _bind(state)
    slots, entries = state.slots, state.entries
    floor = state.numbers[FLOOR] if state.numbers[THRIFTY] else 1
    e, start = np.int64(0), np.int64(0)
    for j in range(slots.shape[0]):
        if slots[j, 0] != 0 and slots[j, 1] >= floor:
            entries[e, 0] = slots[j, 0] - 1
            entries[e, 1] = start
            entries[e, 2] = 0
            start += found[j]
            found[j] = e
            e += 1
        else:
            found[j] = -1
    store_i64(n + 8 * ENTRIES, e)
    store_i64(n + 8 * PLACES, start)
    store_i64(n + 8 * LIVE_PLACES, start)


@compiled_helper
def place_pairs(state, found, begin, end):  # type: ignore[no-untyped-def]
    """Write the places of the pairs that begin in cells ``begin..end - 1``."""
    n = _bind(state)
    cells, places = load_i64(n + 8 * CELLS_AT), load_i64(n + 8 * PLACES_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    entries = load_i64(n + 8 * ENTRIES_AT)
    for p in range(begin, end):
        left, right = _symbol(cells, p), _symbol(cells, p + 1)
        if left >= 0 and right >= 0:
            slot = _slot_of(slots, mask, left << 32 | right)
            e = np.int64(found[(slot - slots) >> 4])
            if e >= 0:
                row = entries + 24 * e
                filled = load_i64(row + 16)
                store_i32(places + 4 * (load_i64(row + 8) + filled), np.int32(p))
                store_i64(row + 16, filled + 1)


@compiled_helper
def fill_heap(state):  # type: ignore[no-untyped-def]
    """Put every candidate into the heap."""
    n = _bind(state)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    for e in range(load_i64(n + 8 * ENTRIES)):
        slot = _slot_of(slots, mask, state.entries[e, 0])
        _push(n, load_i64(slot + 8), _tie_of(n, e), e)


# ---- one merge ----


@inlined_helper
def _gather(n, entry, left, right):  # type: ignore[no-untyped-def]
    """Collect every place of a pair in every word that a candidate names.

    tokenizers keeps words and not places: where a pair comes back (a token made by two merges),
    a candidate merges also what came back later in its words.
    """
    cells, places = load_i64(n + 8 * CELLS_AT), load_i64(n + 8 * PLACES_AT)
    row = load_i64(n + 8 * ENTRIES_AT) + 24 * entry
    start, count = load_i64(row + 8), load_i64(row + 16)
    out = load_i64(n + 8 * GATHERED_AT)
    found, word_end = np.int64(0), np.int64(-1)
    for i in range(start, start + count):
        p = np.int64(load_i32(places + 4 * i))
        if p < word_end:
            continue
        while _symbol(cells, p - 1) != -1:
            p -= 1
        while _symbol(cells, p) != -1:
            if _holds(cells, p, left, right):
                store_i32(out + 4 * found, np.int32(p))
                found += 1
            p += _length(cells, p + 1)
        word_end = p
    return found


@inlined_helper
def _note(row, side, weight, event, code, place):  # type: ignore[no-untyped-def]
    """Add to one side of a neighbour's row the pair that a merge makes, and remember its place."""
    store_i64(row + side + INC, load_i64(row + side + INC) + weight)
    store_i64(row + side + NEW, load_i64(row + side + NEW) + 1)
    store_i32(event, np.int32(code))
    store_i32(event + 4, np.int32(place))


@inlined_helper
def _replace(n, pair, new, from_places, count):  # type: ignore[no-untyped-def]
    """Replace a pair by a new symbol wherever it still stands; sum up what changes around it.

    Returns how many events, left and right neighbours there are. An event is (code, place): a pair
    that the merge made, by its left neighbour (code >= 0) or its right one (code = -1 - token).
    """
    cells, large = load_i64(n + 8 * CELLS_AT), load_i64(n + 8 * LARGE_AT)
    events, neighbours = load_i64(n + 8 * EVENTS_AT), load_i64(n + 8 * NEIGHBOURS_AT)
    lefts = load_i64(n + 8 * TOUCHED_AT)
    rights = lefts + 4 * load_i64(n + 8 * ROWS)
    longest = load_i64(n + 8 * LONGEST)
    left, right = pair >> 32, pair & LOW
    made, n_lefts, n_rights = np.int64(0), np.int64(0), np.int64(0)
    for i in range(count):
        p = np.int64(load_i32(from_places + 4 * i))
        if _symbol(cells, p) != left or load_i32(cells + 8 * p + 4) < 0:
            continue
        middle = p + _length(cells, p + 1)
        if _symbol(cells, middle) != right:
            continue
        behind = middle + _length(cells, middle + 1)
        weight = _weight(cells, large, p)
        covered = behind - p
        before, after = _symbol(cells, p - 1), _symbol(cells, behind)
        store_i32(cells + 8 * middle, np.int32(DEAD))
        store_i32(cells + 8 * p, np.int32(new))
        store_i32(cells + 8 * p + 12, np.int32(-covered))
        store_i32(cells + 8 * behind - 8, np.int32(new))
        store_i32(cells + 8 * behind - 4, np.int32(-covered))
        if before >= 0:
            row = neighbours + ROW * before
            if load_i64(row + LEFT + DEC) == 0 and load_i64(row + LEFT + NEW) == 0:
                store_i32(lefts + 4 * n_lefts, np.int32(before))
                n_lefts += 1
            store_i64(row + LEFT + DEC, load_i64(row + LEFT + DEC) + weight)
            length = _length(cells, p - 1)
            if covered + length < longest:
                _note(row, LEFT, weight, events + 8 * made, before, p - length)
                made += 1
        if after >= 0:
            row = neighbours + ROW * after
            if load_i64(row + RIGHT + DEC) == 0:
                store_i32(rights + 4 * n_rights, np.int32(after))
                n_rights += 1
            store_i64(row + RIGHT + DEC, load_i64(row + RIGHT + DEC) + weight)
            if covered + _length(cells, behind + 1) < longest:
                if after != new:
                    _note(row, RIGHT, weight, events + 8 * made, -1 - after, p)
                else:  # only where the token is not new: (new, new) is summed up on the left side
                    if load_i64(row + LEFT + DEC) == 0 and load_i64(row + LEFT + NEW) == 0:
                        store_i32(lefts + 4 * n_lefts, np.int32(new))
                        n_lefts += 1
                    _note(row, LEFT, weight, events + 8 * made, new, p)
                made += 1
    return made, n_lefts, n_rights


@inlined_helper
def _insert(n, pair, change):  # type: ignore[no-untyped-def]
    """Add to a pair's count, from nothing if it is not in the table; return its slot."""
    slot = _slot_of(load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK), pair)
    if load_i64(slot) == 0:
        store_i64(slot, pair + 1)
        store_i64(slot + 8, np.int64(0))
        store_i64(n + 8 * PAIRS, load_i64(n + 8 * PAIRS) + 1)
    store_i64(slot + 8, load_i64(slot + 8) + change)
    return slot


@inlined_helper
def _add_made(n, side, tokens, count, new):  # type: ignore[no-untyped-def]
    """Add the pairs that the merge made on one side to the table."""
    neighbours = load_i64(n + 8 * NEIGHBOURS_AT)
    least = load_i64(n + 8 * FLOOR) if load_i64(n + 8 * THRIFTY) != 0 else np.int64(1)
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        row = neighbours + ROW * token + side
        store_i64(row + THEN, np.int64(-1))
        if load_i64(row + INC) >= least:
            pair = (token << 32 | new) if side == LEFT else (new << 32 | token)
            store_i64(row + THEN, _insert(n, pair, load_i64(row + INC)))


@inlined_helper
def _take_broken(n, side, tokens, count, pair):  # type: ignore[no-untyped-def]
    """Take the pairs that the merge broke on one side from the table."""
    neighbours = load_i64(n + 8 * NEIGHBOURS_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    thrifty = load_i64(n + 8 * THRIFTY) != 0
    left, right = pair >> 32, pair & LOW
    for i in range(count):
        token = np.int64(load_i32(tokens + 4 * i))
        weight = load_i64(neighbours + ROW * token + side + DEC)
        if weight > 0:
            broken = (token << 32 | left) if side == LEFT else (right << 32 | token)
            slot = _slot_of(slots, mask, broken)
            if load_i64(slot) != 0:
                store_i64(slot + 8, load_i64(slot + 8) - weight)
            elif not thrifty:
                _insert(n, broken, -weight)


@inlined_helper
def _open_made(n, side, tokens, count):  # type: ignore[no-untyped-def]
    """Make candidates of the pairs that the merge made on one side and that are common enough."""
    neighbours, entries = load_i64(n + 8 * NEIGHBOURS_AT), load_i64(n + 8 * ENTRIES_AT)
    floor = load_i64(n + 8 * FLOOR) if load_i64(n + 8 * THRIFTY) != 0 else np.int64(1)
    e, start = load_i64(n + 8 * ENTRIES), load_i64(n + 8 * PLACES)
    begin = start
    for i in range(count):
        row = neighbours + ROW * np.int64(load_i32(tokens + 4 * i)) + side
        slot = load_i64(row + THEN)
        if slot == -1:
            continue
        store_i64(row + THEN, np.int64(-1))
        if load_i64(slot + 8) >= floor:
            _put(entries + 24 * e, load_i64(slot) - 1, start, load_i64(row + NEW))
            store_i64(row + THEN, start)
            start += load_i64(row + NEW)
            e += 1
    store_i64(n + 8 * ENTRIES, e)
    store_i64(n + 8 * PLACES, start)
    store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) + start - begin)


@inlined_helper
def _place_events(n, made):  # type: ignore[no-untyped-def]
    """Write the places of the pairs that a merge made to their candidates."""
    events, neighbours = load_i64(n + 8 * EVENTS_AT), load_i64(n + 8 * NEIGHBOURS_AT)
    places = load_i64(n + 8 * PLACES_AT)
    for i in range(made):
        code = np.int64(load_i32(events + 8 * i))
        row = neighbours + (ROW * code + LEFT if code >= 0 else ROW * (-1 - code) + RIGHT)
        next_place = load_i64(row + THEN)
        if next_place >= 0:
            store_i32(places + 4 * next_place, load_i32(events + 8 * i + 4))
            store_i64(row + THEN, next_place + 1)


@inlined_helper
def _clear(n, side, tokens, count):  # type: ignore[no-untyped-def]
    neighbours = load_i64(n + 8 * NEIGHBOURS_AT)
    for i in range(count):
        row = neighbours + ROW * np.int64(load_i32(tokens + 4 * i)) + side
        store_i64(row + DEC, np.int64(0))
        store_i64(row + INC, np.int64(0))
        store_i64(row + NEW, np.int64(0))


@compiled_helper
def _merge(n, entry, new, from_places, count):  # type: ignore[no-untyped-def]
    """Carry out one merge, down to the new candidates; they are not in the heap yet."""
    pair = load_i64(load_i64(n + 8 * ENTRIES_AT) + 24 * entry)
    lefts = load_i64(n + 8 * TOUCHED_AT)
    rights = lefts + 4 * load_i64(n + 8 * ROWS)
    made, n_lefts, n_rights = _replace(n, pair, new, from_places, count)
    # Made before broken: a pair may be both (abab: (ab)a is made, then (ab)(ab) breaks it).
    _add_made(n, LEFT, lefts, n_lefts, new)
    _add_made(n, RIGHT, rights, n_rights, new)
    _take_broken(n, LEFT, lefts, n_lefts, pair)
    _take_broken(n, RIGHT, rights, n_rights, pair)
    _open_made(n, LEFT, lefts, n_lefts)
    _open_made(n, RIGHT, rights, n_rights)
    _place_events(n, made)
    _clear(n, LEFT, lefts, n_lefts)
    _clear(n, RIGHT, rights, n_rights)
    if load_i64(n + 8 * THRIFTY) != 0:  # it cannot come back: let the next clean-up drop it
        slot = _slot_of(load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK), pair)
        store_i64(slot + 8, np.int64(0))


# ---- choosing, and the run ----


@compiled_helper
def _choose(n):  # type: ignore[no-untyped-def]
    """Take the best candidate from the heap; -1 if none is common enough."""
    heap = load_i64(n + 8 * HEAP_AT)
    entries = load_i64(n + 8 * ENTRIES_AT)
    slots, mask = load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK)
    floor, thrifty = load_i64(n + 8 * FLOOR), load_i64(n + 8 * THRIFTY) != 0
    while load_i64(n + 8 * HEAP) > 0:
        score, entry = load_i64(heap), load_i64(heap + 16)
        row = entries + 24 * entry
        count = load_i64(_slot_of(slots, mask, load_i64(row)) + 8)
        if count == score:
            if count < floor:
                return np.int64(-1)
            _drop_front(n)
            store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) - load_i64(row + 16))
            return entry
        if thrifty and count < floor:
            _drop_front(n)
            store_i64(n + 8 * LIVE_PLACES, load_i64(n + 8 * LIVE_PLACES) - load_i64(row + 16))
        else:
            _sink(n, count, _tie_of(n, entry), entry)
    return np.int64(-1)


@inlined_helper
def _has_room(n, state, count, tokens):  # type: ignore[no-untyped-def]
    """Say whether a merge of so many occurrences is sure to find room in every array."""
    pairs = min(2 * count, 2 * tokens)
    return (
        load_i64(n + 8 * PLACES) + 2 * count <= state.places.shape[0]
        and load_i64(n + 8 * ENTRIES) + pairs <= state.entries.shape[0]
        and load_i64(n + 8 * HEAP) + pairs <= state.heap.shape[0]
        and 3 * (load_i64(n + 8 * PAIRS) + 2 * pairs) <= 2 * state.slots.shape[0]
        and 2 * count <= state.events.shape[0]
    )


@compiled_helper
def advance(state, merges, known, work):  # type: ignore[no-untyped-def]
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
    n = _bind(state)
    numbers = state.numbers
    numbers[STATUS] = RUNNING
    done = np.int64(0)
    while True:
        if numbers[PENDING] < 0:
            numbers[PENDING] = _choose(n)
            if numbers[PENDING] < 0:
                numbers[STATUS] = FINISHED
                return done
        if done == merges.shape[0] or work <= 0 or (known < -1):
            return done
        entry = numbers[PENDING]
        row = load_i64(n + 8 * ENTRIES_AT) + 24 * entry
        pair, count = load_i64(row), load_i64(row + 16)
        from_places = load_i64(n + 8 * PLACES_AT) + 4 * load_i64(row + 8)
        if numbers[THRIFTY] == 0:
            count = _gather(n, entry, pair >> 32, pair & LOW)
            from_places = load_i64(n + 8 * GATHERED_AT)
        new = numbers[TOKENS] if known < 0 else np.int64(known)
        numbers[WANTED] = count
        if not _has_room(n, state, count, max(new, numbers[TOKENS]) + 1):
            numbers[STATUS] = CROWDED
            return done
        first = numbers[ENTRIES]
        _merge(n, entry, new, from_places, count)
        for e in range(first, numbers[ENTRIES]):
            slot = _slot_of(
                load_i64(n + 8 * SLOTS_AT), load_i64(n + 8 * SLOT_MASK), state.entries[e, 0]
            )
            _push(n, load_i64(slot + 8), _tie_of(n, e), e)
        merges[done, 0] = pair >> 32
        merges[done, 1] = pair & LOW
        merges[done, 2] = new
        done += 1
        work -= count + 100  # a merge of one occurrence costs more than that occurrence
        numbers[PENDING] = -1
        if new == numbers[TOKENS]:
            numbers[TOKENS] = new + 1
        if known >= 0:
            known = -2  # only the choice of the next one is left to do


# ---- cleaning up ----


@compiled_helper
def clean_up(state, target):  # type: ignore[no-untyped-def]
    """Copy what may still be needed into the arrays of another state; only if THRIFTY.

    Left behind are candidates below the minimum frequency, places where the pair no longer
    stands, and pairs without a candidate. Both states share cells, sums and numbers; the numbers
    come out as those of `target`.
    """
    n = _bind(state)
    numbers = state.numbers
    floor, size, pending = numbers[FLOOR], numbers[HEAP], numbers[PENDING]
    old_slots, old_mask = numbers[SLOTS_AT], numbers[SLOT_MASK]
    cells, old_places = numbers[CELLS_AT], numbers[PLACES_AT]
    slots, mask = target.slots.ctypes.data, np.int64(target.slots.shape[0] - 1)
    places = target.places.ctypes.data
    e, start, rows = np.int64(0), np.int64(0), np.int64(0)
    for i in range(-1, size):  # -1: the candidate that waits to be merged
        entry = pending if i < 0 else state.heap[i, 2]
        if entry < 0:
            continue
        pair = state.entries[entry, 0]
        count = load_i64(_slot_of(old_slots, old_mask, pair) + 8)
        if count < floor:
            continue
        slot = _slot_of(slots, mask, pair)
        store_i64(slot, pair + 1)
        store_i64(slot + 8, count)
        target.entries[e, 0] = pair
        target.entries[e, 1] = start
        first = state.entries[entry, 1]
        for k in range(first, first + state.entries[entry, 2]):
            p = np.int64(load_i32(old_places + 4 * k))
            if _holds(cells, p, pair >> 32, pair & LOW):
                store_i32(places + 4 * start, np.int32(p))
                start += 1
        target.entries[e, 2] = start - target.entries[e, 1]
        if i < 0:
            numbers[PENDING] = e
        else:  # its standing in the heap stays as it was, out of date or not
            target.heap[rows, 0] = state.heap[i, 0]
            target.heap[rows, 1] = state.heap[i, 1]
            target.heap[rows, 2] = e
            rows += 1
        e += 1
    numbers[PAIRS], numbers[ENTRIES], numbers[PLACES], numbers[HEAP] = e, e, start, 0
    numbers[LIVE_PLACES] = start - (target.entries[0, 2] if pending >= 0 else 0)
    n = _bind(target)
    for i in range(rows):
        _push(n, target.heap[i, 0], target.heap[i, 1], target.heap[i, 2])
