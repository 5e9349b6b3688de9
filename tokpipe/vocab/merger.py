"""Drives the merge kernels: makes and enlarges their arrays, cuts the run into short calls."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.pages import release_compiler_pages
from tokpipe.foundation.threads import in_background
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import frequency, likelihood, pairs
from tokpipe.vocab.kernels import state as fields
from tokpipe.vocab.kernels.likelihood import Ranking
from tokpipe.vocab.kernels.state import MergeState
from tokpipe.vocab.vocabulary import new_token

_CELLS_A_CALL = 4_000_000  # 20 to 60 ms of counting
_WORK_A_CALL = 1_000_000  # occurrences: about 50 ms of merging
_MERGES_A_CALL = 4096  # 48 KB of room; where pairs are common, the work ends a call before
_ROOM = 1 / 8  # room ahead for candidates, as a share of the cells; 16 times that for places
_FIRST_SLOTS = 1 << 12  # 64 KB; it doubles as pairs come
_EVERY = -(1 << 62)  # a floor that no count lies below


class DuplicateTokenError(Exception):
    """Two merges made one token, which a thrifty run cannot go on from."""


class Spelling:
    """The tokens of a run by id and by text; new ones are appended to the list that is given."""

    def __init__(self, tokens: list[str], prefix: str) -> None:
        self.tokens, self.ids = tokens, {token: i for i, token in enumerate(tokens)}
        self._prefix = prefix

    def add(self, merges: NDArray[np.int32], *, repeats: bool) -> None:
        """Spell what merges (int32[M, 3]) make; a known token is an error if it must not repeat."""
        tokens, ids, prefix = self.tokens, self.ids, self._prefix
        for left, right, new in zip(*merges.T.tolist(), strict=True):
            token = new_token(tokens[left], tokens[right], prefix)
            if token not in ids:
                ids[token] = new
                tokens.append(token)
            elif not repeats:
                raise DuplicateTokenError(token)


class Merger:
    """One run of merges over words that are laid out as cells, int32[N, 2], which are used up.

    The words stand between borders. `large`, int64[K], has the counts that do not fit into a cell.
    `tokens` are those before the first merge, to which new ones are appended, and `lengths` says
    how many characters each has. The configuration gives size, score, minimum frequency, tie-break
    and limits. With `thrifty` only pairs are kept that can still be merged: right unless two merges
    make one token.
    """

    def __init__(
        self,
        cells: NDArray[np.int32],
        large: NDArray[np.int64],
        tokens: list[str],
        lengths: Sequence[int] | NDArray[np.int32],
        config: VocabConfig,
        *,
        thrifty: bool,
    ) -> None:
        self.tokens, self.config, self.thrifty = tokens, config, thrifty
        self.steps: list[NDArray[np.int32]] = []
        self._spelling = Spelling(tokens, config.prefix)
        self._spelt: Callable[[], None] = lambda: None  # waits until all merges so far are spelt
        self._cells = len(cells)
        self._most = min(config.sizes[-1], len(tokens) + len(cells)) + 1
        self._state = self._first_state(cells, large)
        self._state.lengths[: len(lengths)] = lengths
        self._ranking = first_ranking(self._most) if config.score == "likelihood" else None

    def run(self, report: Callable[[int], None]) -> NDArray[np.int32]:
        """Merge until the largest size is reached or no pair is common enough.

        Returned is (left, right, new) of every merge, in order, int32[E, 3].

        Raises
        ------
        DuplicateTokenError
            If the run is thrifty and a token turns up a second time.
        """
        self._count()
        release_compiler_pages()
        size = self.config.sizes[-1]
        while self._run.tokens < size and self._run.status != fields.FINISHED:
            if self.thrifty:
                merged = self._advance(min(size - self._run.tokens, _MERGES_A_CALL), -1)
            else:
                merged = self._advance(1, self._waiting())
            report(merged)
        self._spelt()
        return np.concatenate([np.zeros((0, 3), np.int32), *self.steps])

    def _first_state(self, cells: NDArray[np.int32], large: NDArray[np.int64]) -> MergeState:
        return MergeState(
            cells=cells.reshape(-1),
            large=large,
            starts=np.zeros(0, np.int64),
            weights=np.zeros(0, np.int64),
            slots=np.zeros((_FIRST_SLOTS, 2), np.int64),
            entries=np.zeros((0, 3), np.int64),
            places=np.zeros(0, np.int32),
            heap=np.zeros((0, 3), np.int64),
            events=np.zeros((0, 2), np.int32),
            neighbours=np.zeros((self._most, 8), np.int64),
            touched=np.zeros((2, self._most), np.int32),
            gathered=np.zeros(0 if self.thrifty else len(cells), np.int32),
            lengths=np.zeros(self._most, np.int32),
            run=first_record(len(self.tokens), self.config, thrifty=self.thrifty),
        )

    def _count(self) -> None:
        """Count all pairs, make a candidate of each, and choose the first."""
        counts, end = self._count_pairs(), self._cells - 1
        places, most = int(counts.sum(dtype=np.int64)), int(counts.max(initial=0))
        roomy = self._with_room(self._run.pairs, places, most)
        self._state = roomy._replace(slots=self._state.slots)  # `counts` goes by these slots
        pairs.open_entries(self._state, counts)
        for at in range(0, end, _CELLS_A_CALL):
            pairs.place_pairs(self._state, counts, at, min(at + _CELLS_A_CALL, end))
        self._move_slots(roomy, counts)
        self._state = roomy
        if self._ranking is None:
            frequency.fill_heap(self._state)
        else:
            self._ranking = widened(self._ranking, len(self._state.entries))
            for at in range(0, end, _CELLS_A_CALL):
                stop = min(at + _CELLS_A_CALL, end)
                likelihood.count_tokens(self._state, self._ranking, at, stop)
            likelihood.enter(self._state, self._ranking, 0, self._run.entries)
        self._advance(0, -1)

    def _count_pairs(self) -> NDArray[np.int32]:
        """Fill the slots; return int32[S], the number of places of the pair in each."""
        counts, end, at = np.zeros(len(self._state.slots), np.int32), self._cells - 1, 0
        while at < end:
            stop = min(at + _CELLS_A_CALL, end)
            at = pairs.count_pairs(self._state, counts, at, stop)
            if at < stop:  # the table is full
                slots = np.zeros((2 * len(counts), 2), np.int64)
                wider = np.zeros(2 * len(counts), np.int32)
                pairs.move_slots(self._state.slots, slots, counts, wider, _EVERY)
                self._state, counts = self._state._replace(slots=slots), wider
        return counts

    def _advance(self, most: int, known: int) -> int:
        """Make up to `most` merges in one call of a kernel; return how many it made."""
        rows = np.empty((most, 3), np.int32)
        if self._ranking is None:
            merged = int(frequency.advance(self._state, rows, known, _WORK_A_CALL))
        else:
            merged = int(
                likelihood.advance_likelihood(self._state, self._ranking, rows, known, _WORK_A_CALL)
            )
        if self._run.status == fields.CROWDED:
            self._make_room()
        self.steps.append(rows[:merged])
        self._spelt()
        spell = partial(self._spelling.add, rows[:merged], repeats=not self.thrifty)
        if self.thrifty:  # while the kernel goes on, which does not ask what tokens are called
            self._spelt = in_background(spell)
        else:
            spell()
        return merged

    def _waiting(self) -> int:
        """Return the id of the token that the waiting pair makes, be it new or known."""
        pair = int(self._state.entries[self._run.pending, 0])
        token = new_token(
            self.tokens[pair >> 32], self.tokens[pair & fields.LOW], self.config.prefix
        )
        return self._spelling.ids.get(token, len(self.tokens))

    @property
    def _run(self) -> np.record:
        return self._state.record

    def _make_room(self) -> None:
        """Move to arrays in which the waiting merge has room, without what has had its day."""
        wanted = self._run.wanted
        if self.thrifty and self._ranking is None:
            waiting = int(self._state.entries[self._run.pending, 2])
            places = self._run.live_places + waiting
            target = self._with_room(self._run.heap + 1, places, wanted)
            while not frequency.clean_up(self._state, target, _WORK_A_CALL):
                pass
        else:
            entries = max(self._run.entries, self._run.pairs)
            target = self._with_room(entries, self._run.places, wanted)
            self._copy_to(target)
        self._state = target
        if self._ranking is not None:
            self._ranking = widened(self._ranking, len(target.entries))

    def _copy_to(self, target: MergeState) -> None:
        for name in ("entries", "places", "heap"):
            used = slice(0, self._run[name])
            if name != "heap" or self._ranking is None:
                getattr(target, name)[used] = getattr(self._state, name)[used]
        self._move_slots(target, np.zeros(len(self._state.slots), np.int32))

    def _move_slots(self, target: MergeState, counts: NDArray[np.int32]) -> None:
        least = self._run.floor if self.thrifty else _EVERY
        unused = np.zeros(len(target.slots), np.int32)
        moved = pairs.move_slots(self._state.slots, target.slots, counts, unused, least)
        self._run.pairs = moved

    def _with_room(self, entries: int, places: int, wanted: int) -> MergeState:
        """Return the state with fresh arrays for what is there, one merge, and a good while more.

        What is never touched takes no memory: the room is generous.
        """
        state = self._state
        fresh, ahead = min(2 * wanted, 2 * self._most), int(self._cells * _ROOM)
        entries += fresh + max(entries // 2, min(ahead, self._most**2))
        places += 2 * wanted + 16 * ahead
        return state._replace(
            slots=np.zeros((1 << int(2 * (entries + 2 * fresh)).bit_length(), 2), np.int64),
            entries=np.empty((entries, 3), np.int64),
            heap=np.empty((entries if self._ranking is None else 0, 3), np.int64),
            places=np.empty(places, np.int32),
            events=np.empty((max(2 * wanted, len(state.events)), 2), np.int32),
        )


def widened(ranking: Ranking, entries: int) -> Ranking:
    """Return a ranking with room for more candidates."""
    names = ("counts", "parts", "scores", "ties", "links", "order", "standing")
    old = {name: getattr(ranking, name) for name in names}
    new = {name: np.empty((entries, *a.shape[1:]), a.dtype) for name, a in old.items()}
    for name in names:
        new[name][: len(old[name])] = old[name][:entries]
    return ranking._replace(**new)


def first_record(tokens: int, config: VocabConfig, *, thrifty: bool) -> NDArray[np.void]:
    """RUN[1]: the record of a run that begins with so many tokens."""
    record = np.zeros(1, fields.RUN)
    record["tokens"] = tokens
    record["pending"] = -1
    record["floor"] = max(1, config.min_frequency)
    record["longest"] = config.longest_token
    record["first_seen"] = config.tie_break == "first-seen"
    record["thrifty"] = thrifty
    record["likelihood"] = config.score == "likelihood"
    record["last_tie"] = np.iinfo(np.int64).max
    return record


def first_ranking(tokens: int) -> Ranking:
    """Return a ranking of no candidates yet, for up to so many tokens."""
    return Ranking(
        token_counts=np.zeros(tokens, np.int64),
        counts=np.zeros(0, np.int64),
        parts=np.zeros((0, 2), np.int64),
        scores=np.zeros(0, np.float64),
        ties=np.zeros(0, np.int64),
        heads=np.full((tokens, 2), -1, np.int32),
        links=np.zeros((0, 2), np.int32),
        order=np.zeros(0, np.int32),
        standing=np.zeros(0, np.int32),
    )
