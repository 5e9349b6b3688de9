"""The merging itself: one long computation, cut into calls that last a fraction of a second.

Its twin is `tokpipe.vocab.reference.merges_of`: a run of these kernels makes the same merges, and
tests/parity holds them to it. Everything that must survive between two calls is in `MergeState`.

- `cells`: the words, laid out by symbols.py, or lean, by long_words.py. A token that covers several
  cells can be walked from both ends, so that a merge finds its neighbours at once, in a word of
  any length.
- `slots`: hash table from a pair (left << 32 | right, stored plus one; 0 is free) to its count.
- A candidate is a row of `entries` (pair, start, length): the cells ``places[start:][:length]``
  held the pair when it came up, ascending. Some may hold something else by now: each is looked at
  when its turn comes. A length of -1: the places are not known, but none lies before `start`.
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
    store_i64,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.symbols import BIG

# What is a single number, and must survive between two calls.
RUN = np.dtype(
    [
        (name, np.int64)
        for name in (
            # The fill of each array.
            *("pairs", "entries", "places", "heap"),
            "live_places",  # places of the candidates in the heap: what a clean-up may have to keep
            "tokens",  # the id of the next new token
            "pending",  # the candidate that was chosen and not yet merged, or -1
            "status",
            "wanted",  # occurrences that the waiting merge has to look at
            # How far a merge has come that was cut: occurrences looked at, weight replaced, events,
            # left and right neighbours; events placed (-1: that part is not begun), and its first
            # new candidate.
            *("seen", "merged", "made", "lefts", "rights", "placed", "first_made"),
            # How far a clean-up has come: rows of the old heap; candidates, places and rows copied.
            *("cleaned", "kept_entries", "kept_places", "kept_rows"),
            # The settings of the run.
            *("floor", "longest", "first_seen", "thrifty", "likelihood"),
            # The addresses of the arrays, and two of their sizes, for the private parts.
            *("cells_at", "large_at", "slots_at", "entries_at", "places_at", "heap_at"),
            *("events_at", "neighbours_at", "touched_at", "gathered_at", "lengths_at"),
            *("slot_mask", "rows"),
            # What long words need (lean cells): the words' starts and weights, how many words there
            # are, and the tie behind which nothing of the least count may be merged: see rounds.py.
            *("lean", "starts_at", "weights_at", "words", "last_tie"),
        )
    ]
)

# What `status` says.
RUNNING, FINISHED, CROWDED, UNPLACED = 0, 1, 2, 3

# Fields of a row of `neighbours`, in bytes. DEC: weight of the pairs that a merge broke; INC: of
# those that it made; NEW: how many places those have; THEN: the slot of the pair that was made,
# later the next free place of its candidate, or -1.
DEC, INC, NEW, THEN = 0, 8, 16, 24
LEFT, RIGHT, ROW = 0, 32, 64

NOWHERE = 1 << 62  # a pair that a repeated token left standing nowhere goes first
DEAD = -2  # in a cell that no longer begins a token
LOW = 0xFFFFFFFF  # the right symbol of a pair, which is left << 32 | right
MIX = np.int64(-7046029254386353131)  # 2^64 / golden ratio


class MergeState(NamedTuple):
    """All arrays of a run."""

    cells: NDArray[np.int32]  # int32[2 * N]: (symbol, weight) each; or int32[N] if LEAN
    large: NDArray[np.int64]  # int64[K]: counts of `BIG` and more
    # int64[W + 1]: if LEAN: the first cell of each word, and one behind the last border
    starts: NDArray[np.int64]
    weights: NDArray[np.int64]  # int64[W]: if LEAN: the count of each word
    slots: NDArray[np.int64]  # int64[S, 2]: S is a power of two
    entries: NDArray[np.int64]  # int64[E, 3]
    places: NDArray[np.int32]  # int32[P]
    heap: NDArray[np.int64]  # int64[H, 3]
    events: NDArray[np.int32]  # int32[2 * O, 2]: scratch for one merge of O occurrences
    neighbours: NDArray[np.int64]  # int64[V, 8]
    # int32[2, V]: scratch for one merge: the left and the right neighbours met
    touched: NDArray[np.int32]
    gathered: NDArray[np.int32]  # int32[N]: scratch for one merge, if not THRIFTY; else empty
    # int32[V]: how many characters each token has: more than its cells where long_words.py merged
    # before
    lengths: NDArray[np.int32]
    run: NDArray[np.void]  # RUN[1]: what is a single number

    @property
    def record(self) -> np.record:
        """The record of the run, to read and to write, for Python."""
        return self.run.view(np.recarray)[0]


@inlined_helper
def bind(state):
    """Write the addresses of the arrays into the record of the run, and return it.

    The arrays are the caller's arguments, and so outlive the call.
    """
    run = state.run[0]
    run.cells_at = state.cells.ctypes.data
    run.large_at = state.large.ctypes.data
    run.starts_at = state.starts.ctypes.data
    run.weights_at = state.weights.ctypes.data
    run.words = state.weights.shape[0]
    run.slots_at = state.slots.ctypes.data
    run.entries_at = state.entries.ctypes.data
    run.places_at = state.places.ctypes.data
    run.heap_at = state.heap.ctypes.data
    run.events_at = state.events.ctypes.data
    run.neighbours_at = state.neighbours.ctypes.data
    run.touched_at = state.touched.ctypes.data
    run.gathered_at = state.gathered.ctypes.data
    run.lengths_at = state.lengths.ctypes.data
    run.rows = state.neighbours.shape[0]
    run.slot_mask = state.slots.shape[0] - 1
    return run


@inlined_helper
def first_slot_of(slots, mask, pair):
    """Return the address where the search for a pair begins."""
    return slots + 16 * (((pair * MIX) >> 32) & mask)


@inlined_helper
def slot_of(slots, mask, pair):
    """Return the address of a pair's slot, or of the free slot where it belongs."""
    j = ((pair * MIX) >> 32) & mask
    while True:
        slot = slots + 16 * j
        held = load_i64(slot)
        if held == pair + 1 or held == 0:
            return slot
        j = (j + 1) & mask


@inlined_helper
def symbol_at(cells, p):
    return np.int64(load_i32(cells + 8 * p))


@inlined_helper
def weight_at(cells, large, p):
    weight = np.int64(load_i32(cells + 8 * p + 4))
    return weight if weight < BIG else load_i64(large + 8 * (weight - BIG))


@inlined_helper
def length_at(cells, p):
    """Return how many cells the token covers whose second or last cell is `p` (1 if neither)."""
    held = np.int64(load_i32(cells + 8 * p + 4))
    return -held if held < 0 else np.int64(1)


@inlined_helper
def holds(cells, p, left, right):
    """Say whether a pair stands at `p`."""
    if symbol_at(cells, p) != left or load_i32(cells + 8 * p + 4) < 0:
        return False
    return symbol_at(cells, p + length_at(cells, p + 1)) == right


@inlined_helper
def lean_symbol(cells, p):
    return np.int64(load_i32(cells + 4 * p))


@inlined_helper
def lean_length(cells, p):
    """Return how many cells the token covers whose second or last cell is `p` (1 if neither)."""
    held = lean_symbol(cells, p)
    return -held if held <= DEAD else np.int64(1)


@inlined_helper
def lean_holds(cells, p, left, right):
    """Say whether a pair stands at `p` of lean cells."""
    return (
        lean_symbol(cells, p) == left and lean_symbol(cells, p + lean_length(cells, p + 1)) == right
    )


@inlined_helper
def put_row(row, score, tie, entry):
    store_i64(row, score)
    store_i64(row + 8, tie)
    store_i64(row + 16, entry)


@inlined_helper
def _shorten(run, row, by):
    store_i64(row + 8, load_i64(row + 8) + by)
    store_i64(row + 16, load_i64(row + 16) - by)
    run.live_places -= by


@inlined_helper
def _length_of(run, pair):
    """Return how many characters a pair has."""
    lengths = run.lengths_at
    return np.int64(load_i32(lengths + 4 * (pair >> 32))) + np.int64(
        load_i32(lengths + 4 * (pair & LOW))
    )


@inlined_helper
def is_too_long(run, pair):
    """Say whether the limit forbids what a pair makes; two characters are never held to it."""
    length = _length_of(run, pair)
    return length > 2 and length >= run.longest


@inlined_helper
def _stands(run, cells, p, pair):
    if run.lean != 0:
        return lean_holds(cells, p, pair >> 32, pair & LOW)
    return holds(cells, p, pair >> 32, pair & LOW)


@compiled_helper
def tie_of(run, entry):
    """Return what decides among equal scores, the lowest first.

    By default the pair itself. First-seen: the length in characters, then the first place; that
    may be too early where the places are not known.
    """
    row = run.entries_at + 24 * entry
    pair = load_i64(row)
    if run.first_seen == 0:
        return pair
    cells, places = run.cells_at, run.places_at
    start, length = load_i64(row + 8), _length_of(run, pair)
    if load_i64(row + 16) < 0:
        return length << 32 | start
    for i in range(start, start + load_i64(row + 16)):
        p = np.int64(load_i32(places + 4 * i))
        if _stands(run, cells, p, pair):
            if run.thrifty != 0:  # what is dead stays dead: never look again
                _shorten(run, row, i - start)
            else:  # of a token that two merges make, each place has a length of its own
                left = length_at(cells, p + 1)
                length = left + length_at(cells, p + left + 1)
            return length << 32 | p
    return pair - NOWHERE
