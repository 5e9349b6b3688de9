"""The run by likelihood: count(ij) / (count(i) * count(j)), the greatest first.

This score rises when a part becomes rarer, so that a lazy heap is wrong: every candidate that has
a part of the merged pair is looked up again at once. Each token has two lists of candidates, those
it begins and those it ends; the heap knows where each candidate stands.

Scores are compared as float64, and exactly, in 192 bits, where that cannot decide: equal scores
are equal, whatever the size of the counts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.intrinsics import load_i64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.vocab.kernels.merge import merge_waiting
from tokpipe.vocab.kernels.state import (
    FINISHED,
    LOW,
    RUNNING,
    UNPLACED,
    bind,
    slot_of,
    symbol_at,
    tie_of,
    weight_at,
)

_CLOSE = 1e-14  # float64 scores are right to about 6e-16
# The lower half of 64 bits, and the shift to the upper: products of 128 bits are made of halves
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


class Ranking(NamedTuple):
    """What orders the candidates."""

    # int64[V]: how often each token stands in the words as they are cut now
    token_counts: NDArray[np.int64]
    # int64[E]: of each candidate's pair, as last looked up; -1 once it is merged
    counts: NDArray[np.int64]
    # int64[E, 2]: the counts of its two tokens at that time: while several candidates change, the
    # heap must see each of them as it was until its turn comes
    parts: NDArray[np.int64]
    scores: NDArray[np.float64]  # float64[E]
    ties: NDArray[np.int64]  # int64[E]
    # int32[V, 2]: the first candidate that a token begins, and that it ends; -1 where there is none
    heads: NDArray[np.int32]
    # int32[E, 2]: the next candidate with the same left token, and with the same right one
    links: NDArray[np.int32]
    order: NDArray[np.int32]  # int32[E]: the heap: the best candidate first, two children each
    # int32[E]: where in `order` a candidate is; -1 if its pair is too rare
    standing: NDArray[np.int32]


@inlined_helper
def _product(a, b):
    """Return a * b of two uint64 as (high, low)."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    low, one, two = a0 * b0, a0 * b1, a1 * b0
    middle = (low >> _HALF) + (one & _LOW) + (two & _LOW)
    high = a1 * b1 + (one >> _HALF) + (two >> _HALF) + (middle >> _HALF)
    return high, (low & _LOW) | (middle << _HALF)


@compiled_helper
def compare_ratios(a, b, c, d, e, f):
    """Compare a / (b * c) with d / (e * f), positive int64 all: -1, 0 or 1."""
    left = _triple(np.uint64(a), np.uint64(e), np.uint64(f))
    right = _triple(np.uint64(d), np.uint64(b), np.uint64(c))
    for i in range(3):
        if left[i] != right[i]:
            return 1 if left[i] > right[i] else -1
    return 0


@inlined_helper
def _triple(a, b, c):
    """Return a * b * c as three uint64, the highest first."""
    high, low = _product(a, b)
    carry, bottom = _product(low, c)
    top, middle = _product(high, c)
    total = carry + middle
    return top + (np.uint64(1) if total < carry else np.uint64(0)), total, bottom


@inlined_helper
def _goes_before(ranking, e, f):
    """Say whether candidate `e` is better than `f`."""
    one, two = ranking.scores[e], ranking.scores[f]
    if abs(one - two) > _CLOSE * max(one, two):
        return one > two
    exact = compare_ratios(
        ranking.counts[e],
        ranking.parts[e, 0],
        ranking.parts[e, 1],
        ranking.counts[f],
        ranking.parts[f, 0],
        ranking.parts[f, 1],
    )
    if exact != 0:
        return exact > 0
    if ranking.ties[e] != ranking.ties[f]:
        return ranking.ties[e] < ranking.ties[f]
    return e < f


@compiled_helper
def _settle(run, ranking, j, e):
    """Put candidate `e` into the gap at `j` of the heap, and move it up or down to its place."""
    size = run.heap
    while j > 0 and _goes_before(ranking, e, np.int64(ranking.order[(j - 1) >> 1])):
        ranking.order[j] = ranking.order[(j - 1) >> 1]
        ranking.standing[ranking.order[j]] = j
        j = (j - 1) >> 1
    while 2 * j + 1 < size:
        child = 2 * j + 1
        if child + 1 < size and _goes_before(
            ranking, np.int64(ranking.order[child + 1]), np.int64(ranking.order[child])
        ):
            child += 1
        if _goes_before(ranking, e, np.int64(ranking.order[child])):
            break
        ranking.order[j] = ranking.order[child]
        ranking.standing[ranking.order[j]] = j
        j = child
    ranking.order[j] = e
    ranking.standing[e] = j


@compiled_helper
def _leave(run, ranking, e):
    """Take a candidate out of the heap."""
    j = np.int64(ranking.standing[e])
    ranking.standing[e] = -1
    run.heap -= 1
    size = run.heap
    if j < size:
        _settle(run, ranking, j, np.int64(ranking.order[size]))


@compiled_helper
def _rate(run, state, ranking, e):
    """Look up a candidate's count and score again, and give it its place in the heap or none."""
    pair = state.entries[e, 0]
    count = load_i64(slot_of(run.slots_at, run.slot_mask, pair) + 8)
    # A pair that can come back may be broken and made in one merge: the first place moves, the
    # count does not.
    changed = count != ranking.counts[e] or run.thrifty == 0
    if count < run.floor:
        if ranking.standing[e] >= 0:
            _leave(run, ranking, e)
        ranking.counts[e] = count
        return
    lefts, rights = ranking.token_counts[pair >> 32], ranking.token_counts[pair & LOW]
    ranking.counts[e] = count
    ranking.parts[e, 0] = lefts
    ranking.parts[e, 1] = rights
    ranking.scores[e] = np.float64(count) / (np.float64(lefts) * np.float64(rights))
    if changed:
        ranking.ties[e] = tie_of(run, e)
    j = np.int64(ranking.standing[e])
    if j < 0:
        j = run.heap
        run.heap = j + 1
    _settle(run, ranking, j, e)


@compiled_helper
def count_tokens(state, ranking, begin, end):
    """Count the tokens that begin in cells ``begin..end - 1``."""
    run = bind(state)
    cells, large = run.cells_at, run.large_at
    for p in range(begin, end):
        symbol = symbol_at(cells, p)
        if symbol >= 0:
            ranking.token_counts[symbol] += weight_at(cells, large, p)


@compiled_helper
def enter(state, ranking, begin, end):
    """Put the candidates ``begin..end - 1`` into the lists of their tokens and into the heap."""
    run = bind(state)
    for e in range(begin, end):
        pair = state.entries[e, 0]
        for side in range(2):
            token = pair >> 32 if side == 0 else pair & LOW
            ranking.links[e, side] = ranking.heads[token, side]
            ranking.heads[token, side] = e
        ranking.counts[e] = 0
        ranking.standing[e] = -1
        _rate(run, state, ranking, e)


@compiled_helper
def _rate_neighbours(run, state, ranking, token, side):
    """Rate the candidates that a token begins (side 0) or ends (side 1) again.

    Those that are merged leave the list, and those that are too rare as well if THRIFTY.
    Returns how many there were.
    """
    seen = np.int64(0)
    before = np.int64(-1)
    e = np.int64(ranking.heads[token, side])
    while e >= 0:
        follower = np.int64(ranking.links[e, side])
        if ranking.counts[e] >= 0:
            _rate(run, state, ranking, e)
        stays = ranking.counts[e] >= (run.floor if run.thrifty else 0)
        if stays:
            before = e
        elif before < 0:
            ranking.heads[token, side] = follower
        else:
            ranking.links[before, side] = follower
        e = follower
        seen += 1
    return seen


@compiled_helper
def advance_likelihood(state, ranking, merges, known, work):
    """Go on merging; parameters and result as in `frequency.advance`, and the `Ranking`."""
    run = bind(state)
    run.status = RUNNING
    done = np.int64(0)
    while True:
        if run.pending < 0:
            if run.heap == 0:
                run.status = FINISHED
                return done
            if state.entries[ranking.order[0], 2] < 0:
                run.status = UNPLACED
                return done
            run.pending = ranking.order[0]
            _leave(run, ranking, run.pending)
            ranking.counts[run.pending] = -1
        if done == merges.shape[0] or work <= 0 or known < -1:
            return done
        pair = state.entries[run.pending, 0]
        left, right = pair >> 32, pair & LOW
        new = run.tokens if known < 0 else np.int64(known)
        outcome = merge_waiting(run, state, new, work)
        work -= run.wanted + 100
        if outcome != FINISHED:
            run.status = outcome
            return done
        ranking.token_counts[left] -= run.merged
        ranking.token_counts[right] -= run.merged
        ranking.token_counts[new] += run.merged
        for token in (left, right, new):
            for side in range(2):
                work -= _rate_neighbours(run, state, ranking, token, side)
        enter(state, ranking, run.first_made, run.entries)
        merges[done, 0] = left
        merges[done, 1] = right
        merges[done, 2] = new
        done += 1
        if known >= 0:
            known = -2  # only the choice of the next one is left to do
