"""Drives the merge kernels: makes and enlarges their arrays, cuts the run into short calls."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import merges as kernels
from tokpipe.vocab.kernels.merges import MergeState
from tokpipe.vocab.reference import new_token

_CELLS_A_CALL = 4_000_000  # 20 to 60 ms of counting
_SLACK = 1 << 12  # the least room ahead, in candidates
_FIRST_SLOTS = 1 << 12
_WORK_A_CALL = 1_000_000  # occurrences: about 50 ms of merging
_FILLS = {"entries": kernels.ENTRIES, "places": kernels.PLACES, "heap": kernels.HEAP}
_UNLIMITED = 1 << 40


class DuplicateTokenError(Exception):
    """Two merges made one token, which a thrifty run cannot go on from."""


class Merger:
    """One run of merges over words that are laid out as cells.

    Parameters
    ----------
    cells : int32[N, 2]
        The words, between borders; used up.
    large : int64[K]
        The counts that do not fit into a cell.
    tokens
        The tokens before the first merge; new ones are appended.
    config
        Gives size, minimum frequency, tie-break and limits.
    thrifty
        Keep only pairs that can still be merged. Right unless two merges make one token.
    """

    def __init__(
        self,
        cells: NDArray[np.int32],
        large: NDArray[np.int64],
        tokens: list[str],
        config: VocabConfig,
        *,
        thrifty: bool,
    ) -> None:
        self.tokens, self.config, self.thrifty = tokens, config, thrifty
        self.steps: list[NDArray[np.int32]] = []
        self._ids = {token: i for i, token in enumerate(tokens)}
        most = min(config.sizes[-1], len(tokens) + len(cells)) + 1
        numbers = np.zeros(kernels.NUMBERS, np.int64)
        numbers[kernels.TOKENS] = len(tokens)
        numbers[kernels.PENDING] = -1
        numbers[kernels.FLOOR] = max(1, config.min_frequency)
        numbers[kernels.LONGEST] = config.max_token_length or _UNLIMITED
        numbers[kernels.FIRST_SEEN] = config.tie_break == "first-seen"
        numbers[kernels.THRIFTY] = thrifty
        nothing = np.zeros((0, 3), np.int64)
        self.state = MergeState(
            cells=cells,
            large=large,
            slots=np.zeros((_FIRST_SLOTS, 2), np.int64),
            entries=nothing,
            places=np.zeros(0, np.int32),
            heap=nothing,
            events=np.zeros((0, 2), np.int32),
            neighbours=np.zeros((most, 8), np.int64),
            touched=np.zeros((2, most), np.int32),
            gathered=np.zeros(0 if thrifty else len(cells), np.int32),
            numbers=numbers,
        )

    def run(self, report: Callable[[int], None]) -> NDArray[np.int32]:
        """Merge until the largest size is reached or no pair is common enough.

        Returns
        -------
        int32[E, 3]
            (left, right, new) of every merge, in order.

        Raises
        ------
        DuplicateTokenError
            If the run is thrifty and a token turns up a second time.
        """
        self._count()
        size = self.config.sizes[-1]
        while len(self.tokens) < size and self._status() != kernels.FINISHED:
            if self.thrifty:
                made = self._advance(min(size - len(self.tokens), 4096), -1)
            else:
                made = self._advance(1, self._waiting())
            report(made)
        return np.concatenate([np.zeros((0, 3), np.int32), *self.steps])

    def _count(self) -> None:
        """Count all pairs, and make the candidates of the first merge."""
        state, end = self.state, len(self.state.cells) - 1
        found, at = np.zeros(len(state.slots), np.int32), 0
        while at < end:
            stop = min(at + _CELLS_A_CALL, end)
            at = kernels.count_pairs(state, found, at, stop)
            if at < stop:
                slots, wider = (
                    np.zeros((2 * len(found), 2), np.int64),
                    np.zeros(2 * len(found), np.int32),
                )
                kernels.move_slots(state.slots, slots, found, wider)
                state, found = state._replace(slots=slots), wider
        pairs, places = int(state.numbers[kernels.PAIRS]), int(found.sum(dtype=np.int64))
        self.state = state = self._with_room(state, pairs, places, 0)._replace(slots=state.slots)
        kernels.open_entries(state, found)
        for at in range(0, end, _CELLS_A_CALL):
            kernels.place_pairs(state, found, at, min(at + _CELLS_A_CALL, end))
        kernels.fill_heap(state)
        self._advance(0, -1)

    def _advance(self, most: int, known: int) -> int:
        """Make up to `most` merges in one call of the kernel; return how many it made."""
        rows = np.empty((most, 3), np.int32)
        made = int(kernels.advance(self.state, rows, known, _WORK_A_CALL))
        if self._status() == kernels.CROWDED:
            self._clean_up()
        self.steps.append(rows[:made])
        for left, right, new in rows[:made].tolist():
            self._name(left, right, new)
        return made

    def _name(self, left: int, right: int, new: int) -> None:
        token = new_token(self.tokens[left], self.tokens[right], self.config)
        if token in self._ids:
            if self.thrifty:
                raise DuplicateTokenError(token)
        else:
            self._ids[token] = new
            self.tokens.append(token)

    def _waiting(self) -> int:
        """Return the id of the token that the waiting pair makes, be it new or known."""
        pair = int(self.state.entries[self.state.numbers[kernels.PENDING], 0])
        token = new_token(self.tokens[pair >> 32], self.tokens[pair & kernels.LOW], self.config)
        return self._ids.get(token, len(self.tokens))

    def _status(self) -> int:
        return int(self.state.numbers[kernels.STATUS])

    def _clean_up(self) -> None:
        """Move to arrays in which the waiting merge has room."""
        state, numbers = self.state, self.state.numbers
        wanted = int(numbers[kernels.WANTED])
        if self.thrifty:
            live = int(numbers[kernels.LIVE_PLACES] + state.entries[numbers[kernels.PENDING], 2])
            target = self._with_room(state, int(numbers[kernels.HEAP]) + 1, live, wanted)
            kernels.clean_up(state, target)
        else:
            entries = int(max(numbers[kernels.ENTRIES], numbers[kernels.PAIRS]))
            places = int(numbers[kernels.PLACES])
            target = self._with_room(state, entries, places, wanted)
            for name, filled in _FILLS.items():
                used = slice(0, int(numbers[filled]))
                getattr(target, name)[used] = getattr(state, name)[used]
            nothing = np.zeros(len(state.slots), np.int32)
            kernels.move_slots(
                state.slots, target.slots, nothing, np.zeros(len(target.slots), np.int32)
            )
        self.state = target

    def _with_room(self, state: MergeState, entries: int, places: int, wanted: int) -> MergeState:
        """Return the state with fresh arrays for what is there, one merge, and a good while more.

        What is never touched takes no memory: the room is generous.
        """
        fresh = min(2 * wanted, 2 * len(state.neighbours))
        entries += fresh + max(entries // 2, _SLACK)
        slots = 1 << (2 * (entries + 2 * fresh)).bit_length()
        return state._replace(
            slots=np.zeros((slots, 2), np.int64),
            entries=np.empty((entries, 3), np.int64),
            heap=np.empty((entries, 3), np.int64),
            places=np.empty(
                places + 2 * wanted + min(len(state.cells) // 2, 1024 * _SLACK), np.int32
            ),
            events=np.empty((max(2 * wanted, len(state.events)), 2), np.int32),
        )
