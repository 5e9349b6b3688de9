"""One round over long words: the places of the best pairs are listed, and what can be is merged.

All pairs of a long word have more places than there is memory. By frequency a round begins with the
pairs that go before all others; as counts only fall, none of the others can come up before they are
done. By likelihood it begins with all pairs, but only the best have places. A round ends where one
without places would be next, or where the room for new places is used up; the next begins with a
reading of the words as they are then.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import frequency, likelihood
from tokpipe.vocab.kernels import lean_words as kernels
from tokpipe.vocab.kernels import state as fields
from tokpipe.vocab.kernels.likelihood import Ranking
from tokpipe.vocab.kernels.state import MergeState
from tokpipe.vocab.lean_words import PLACES, LeanWords, Pairs
from tokpipe.vocab.merger import Spelling, first_ranking, first_record, widened

_NEW_PAIRS = 1 << 18  # room for candidates that come up: 6 MB
_CELLS_A_CALL = 1 << 24  # as many as a call of `reading` goes through
_PAIRS_A_CALL = 1 << 18  # 2 MB of each column that is copied on the way
_WORK_A_CALL = 1_000_000  # occurrences: about 50 ms of merging
_MERGES_A_CALL = 4096  # 48 KB of room; where pairs are common, the work ends a call before


def merge_round(
    words: LeanWords,
    pairs: Pairs,
    lengths: NDArray[np.int32],
    spelling: Spelling,
    config: VocabConfig,
    report: Callable[[int], None],
) -> list[NDArray[np.int32]]:
    """Merge the best pairs as far as their places go: at least the first.

    The words, merged in place, and the pairs are as the last reading left and found them. New
    tokens are added to `lengths`, int32[V], the characters of each. Returned is (left, right, new)
    of the merges, in order, as int32[M, 3] arrays.

    Raises
    ------
    DuplicateTokenError
        If a token turns up a second time.
    """
    state = _placed(words, pairs, _state_of(words, pairs, lengths, len(spelling.tokens), config))
    ranking = _ranking_of(state, pairs) if config.score == "likelihood" else None
    if ranking is None:
        frequency.fill_heap(state)
    steps, running = [], True
    while running and len(spelling.tokens) < config.sizes[-1]:
        most = min(config.sizes[-1] - len(spelling.tokens), _MERGES_A_CALL)
        merges = np.empty((most, 3), np.int32)
        if ranking is None:
            merged = frequency.advance(state, merges, -1, _WORK_A_CALL)
        else:
            merged = likelihood.advance_likelihood(state, ranking, merges, -1, _WORK_A_CALL)
        steps.append(merges[:merged])
        spelling.add(merges[:merged], repeats=False)
        report(int(merged))
        running = state.record.status == fields.RUNNING
    return steps


def _state_of(
    words: LeanWords,
    pairs: Pairs,
    lengths: NDArray[np.int32],
    tokens: int,
    config: VocabConfig,
) -> MergeState:
    """Return a state with the pairs as candidates, and with room for a good while."""
    run, most = first_record(tokens, config, thrifty=True), len(lengths)
    run["floor"], run["last_tie"] = pairs.floor, pairs.last_tie
    run["lean"] = 1
    placed = pairs.rows[: pairs.placed, 2]
    largest, many = int(placed.max(initial=0)), len(pairs.rows)
    fresh = min(2 * largest, 2 * most)
    room = many + many // 2 + max(4 * fresh, _NEW_PAIRS)
    places = int(placed.sum())
    state = MergeState(
        cells=words.cells,
        large=np.zeros(0, np.int64),
        starts=words.starts,
        weights=words.weights,
        slots=np.zeros((1 << (2 * (room + 2 * fresh)).bit_length(), 2), np.int64),
        entries=np.empty((room, 3), np.int64),
        places=np.empty(places + max(2 * largest, PLACES), np.int32),
        heap=np.empty((0 if config.score == "likelihood" else room, 3), np.int64),
        events=np.empty((2 * largest, 2), np.int32),
        neighbours=np.zeros((most, 8), np.int64),
        touched=np.zeros((2, most), np.int32),
        gathered=np.zeros(0, np.int32),
        lengths=lengths,
        run=run,
    )
    entries = state.entries[:many]
    entries[:, 0] = pairs.rows[:, 0]
    entries[: pairs.placed, 1] = np.cumsum(placed) - placed
    entries[: pairs.placed, 2] = 0
    entries[pairs.placed :, 1] = pairs.rows[pairs.placed :, 3]
    entries[pairs.placed :, 2] = -1
    run["pairs"] = run["entries"] = many
    run["places"] = run["live_places"] = places
    return state


def _placed(words: LeanWords, pairs: Pairs, state: MergeState) -> MergeState:
    """Enter the candidates into the table, and write the places of those that have room."""
    words.drop_table()
    candidates = np.empty(len(state.slots), np.int32)
    for at in range(0, len(pairs.rows), _PAIRS_A_CALL):
        part = pairs.rows[at : at + _PAIRS_A_CALL]
        kernels.enter_pairs(state, part[:, 0].copy(), part[:, 1].copy(), at, candidates)
    end = len(words.cells) - 1
    for at in range(0, end, _CELLS_A_CALL):
        kernels.place_lean(state, candidates, at, min(at + _CELLS_A_CALL, end))
    return state


def _ranking_of(state: MergeState, pairs: Pairs) -> Ranking:
    """Return the candidates ranked by likelihood."""
    ranking = widened(first_ranking(len(state.lengths)), len(state.entries))
    ranking.token_counts[:] = pairs.totals
    for at in range(0, len(pairs.rows), _PAIRS_A_CALL):
        end = min(at + _PAIRS_A_CALL, len(pairs.rows))
        likelihood.enter(state, ranking, at, end)
    return ranking
