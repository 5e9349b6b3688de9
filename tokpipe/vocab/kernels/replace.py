"""One merge in the cells: a pair becomes a symbol where it stands, and what changes is noted."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_i64, prefetch, store_i32, store_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.state import (
    DEAD,
    DEC,
    INC,
    LEFT,
    LOW,
    NEW,
    RIGHT,
    ROW,
    first_slot_of,
    holds,
    lean_length,
    lean_symbol,
    length_at,
    symbol_at,
    weight_at,
)

_AHEAD = 16  # places whose cells are asked for before they are looked at


@inlined_helper
def gather(run, entry, left, right):
    """Collect every place of a pair in every word that a candidate names.

    tokenizers keeps words and not places: where a pair comes back (a token made by two merges),
    a candidate merges also what came back later in its words.
    """
    cells, places = run.cells_at, run.places_at
    row = run.entries_at + 24 * entry
    start, count = load_i64(row + 8), load_i64(row + 16)
    out = run.gathered_at
    found, word_end = np.int64(0), np.int64(-1)
    for i in range(start, start + count):
        p = np.int64(load_i32(places + 4 * i))
        if p < word_end:
            continue
        while symbol_at(cells, p - 1) != -1:
            p -= 1
        while symbol_at(cells, p) != -1:
            if holds(cells, p, left, right):
                store_i32(out + 4 * found, np.int32(p))
                found += 1
            p += length_at(cells, p + 1)
        word_end = p
    return found


@inlined_helper
def _note(row, side, weight, event, code, place):
    """Add to one side of a neighbour's row the pair that a merge makes, and remember its place."""
    store_i64(row + side + INC, load_i64(row + side + INC) + weight)
    store_i64(row + side + NEW, load_i64(row + side + NEW) + 1)
    store_i32(event, np.int32(code))
    store_i32(event + 4, np.int32(place))


@inlined_helper
def replace_pair(run, pair, new, from_places, begin, end):
    """Replace a pair by a new symbol where it still stands; sum up what changes around it.

    It goes on from where the call before it stopped. An event is (code, place): a pair that the
    merge made, by its left neighbour (code >= 0) or its right one (code = -1 - token).
    """
    cells, large = run.cells_at, run.large_at
    events, neighbours = run.events_at, run.neighbours_at
    lefts = run.touched_at
    rights = lefts + 4 * run.rows
    longest = run.longest
    slots, mask = run.slots_at, run.slot_mask
    left, right = pair >> 32, pair & LOW
    made, merged = run.made, run.merged
    n_lefts, n_rights = run.lefts, run.rights
    for i in range(begin, end):
        ahead = load_i32(from_places + 4 * min(i + _AHEAD, end - 1))
        prefetch(cells + 8 * np.int64(ahead))
        p = np.int64(load_i32(from_places + 4 * i))
        if symbol_at(cells, p) != left or load_i32(cells + 8 * p + 4) < 0:
            continue
        middle = p + length_at(cells, p + 1)
        if symbol_at(cells, middle) != right:
            continue
        behind = middle + length_at(cells, middle + 1)
        weight = weight_at(cells, large, p)
        covered = behind - p
        merged += weight
        before, after = symbol_at(cells, p - 1), symbol_at(cells, behind)
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
                prefetch(first_slot_of(slots, mask, before << 32 | left))
                prefetch(first_slot_of(slots, mask, before << 32 | new))
            store_i64(row + LEFT + DEC, load_i64(row + LEFT + DEC) + weight)
            length = length_at(cells, p - 1)
            if covered + length < longest:
                _note(row, LEFT, weight, events + 8 * made, before, p - length)
                made += 1
        if after >= 0:
            row = neighbours + ROW * after
            if load_i64(row + RIGHT + DEC) == 0:
                store_i32(rights + 4 * n_rights, np.int32(after))
                n_rights += 1
                prefetch(first_slot_of(slots, mask, right << 32 | after))
                prefetch(first_slot_of(slots, mask, new << 32 | after))
            store_i64(row + RIGHT + DEC, load_i64(row + RIGHT + DEC) + weight)
            if covered + length_at(cells, behind + 1) < longest:
                if after != new:
                    _note(row, RIGHT, weight, events + 8 * made, -1 - after, p)
                else:  # only where the token is not new: (new, new) is summed up on the left side
                    if load_i64(row + LEFT + DEC) == 0 and load_i64(row + LEFT + NEW) == 0:
                        store_i32(lefts + 4 * n_lefts, np.int32(new))
                        n_lefts += 1
                    _note(row, LEFT, weight, events + 8 * made, new, p)
                made += 1
    run.made = made
    run.merged = merged
    run.lefts = n_lefts
    run.rights = n_rights


@inlined_helper
def _word_at(starts, words, word, p):
    """Return the word that cell `p` lies in; it is not before `word`."""
    step = np.int64(1)
    while word + step < words and load_i64(starts + 8 * (word + step)) <= p:
        word += step
        step *= 2
    while step > 0:
        if word + step < words and load_i64(starts + 8 * (word + step)) <= p:
            word += step
        step >>= 1
    return word


@compiled_helper
def replace_lean(run, pair, new, from_places, begin, end):
    """Do on lean cells what `replace_pair` does; no token is made twice there."""
    cells, starts = run.cells_at, run.starts_at
    weights, words = run.weights_at, run.words
    events, neighbours = run.events_at, run.neighbours_at
    lefts = run.touched_at
    rights = lefts + 4 * run.rows
    left, right = pair >> 32, pair & LOW
    made, merged = run.made, run.merged
    n_lefts, n_rights = run.lefts, run.rights
    word, word_end, weight = np.int64(0), np.int64(0), np.int64(0)
    for i in range(begin, end):
        p = np.int64(load_i32(from_places + 4 * i))
        if lean_symbol(cells, p) != left:
            continue
        middle = p + lean_length(cells, p + 1)
        if lean_symbol(cells, middle) != right:
            continue
        if p >= word_end:
            word = _word_at(starts, words, word, p)
            weight = load_i64(weights + 8 * word)
            word_end = load_i64(starts + 8 * word + 8)
        behind = middle + lean_length(cells, middle + 1)
        merged += weight
        length = lean_length(cells, p - 1)
        before, after = lean_symbol(cells, p - length), lean_symbol(cells, behind)
        store_i32(cells + 4 * middle, np.int32(DEAD))
        store_i32(cells + 4 * p, np.int32(new))
        store_i32(cells + 4 * p + 4, np.int32(p - behind))
        store_i32(cells + 4 * behind - 4, np.int32(p - behind))
        if before >= 0:
            row = neighbours + ROW * before
            if load_i64(row + LEFT + DEC) == 0:
                store_i32(lefts + 4 * n_lefts, np.int32(before))
                n_lefts += 1
            store_i64(row + LEFT + DEC, load_i64(row + LEFT + DEC) + weight)
            _note(row, LEFT, weight, events + 8 * made, before, p - length)
            made += 1
        if after >= 0:
            row = neighbours + ROW * after
            if load_i64(row + RIGHT + DEC) == 0:
                store_i32(rights + 4 * n_rights, np.int32(after))
                n_rights += 1
            store_i64(row + RIGHT + DEC, load_i64(row + RIGHT + DEC) + weight)
            _note(row, RIGHT, weight, events + 8 * made, -1 - after, p)
            made += 1
    run.made = made
    run.merged = merged
    run.lefts = n_lefts
    run.rights = n_rights
