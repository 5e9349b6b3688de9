"""Merges of the pairs that most of a long text is made of, before the `Merger` lists any place.

A word of 100 MB costs 200 MB here, and would cost 1.2 GB there. It is the quicker way as well
while a merge takes a good share of the symbols away; once that is over, the rest goes to cells.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import rescan as kernels
from tokpipe.vocab.kernels.pairs import move_slots
from tokpipe.vocab.kernels.symbols import BORDER
from tokpipe.vocab.merger import DuplicateTokenError
from tokpipe.vocab.reference import new_token

_MANY = 1 << 24  # symbols: 128 MB of cells, and up to 64 MB of places
_ENOUGH = 1 << 22  # symbols that are left to the cells
_LEAST_SHARE = 1 / 64  # of the symbols that a merge has to take away
_SYMBOLS_A_CALL = 1 << 24  # 30 to 80 ms
_FIRST_SLOTS = 1 << 16


class Rescanned(NamedTuple):
    """What is left to merge, and what is merged already.

    Attributes
    ----------
    symbols : uint16[N]
        Words end to end, see `kernels.rescan`.
    kept : int64[W]
        Which words they are.
    lengths : list of int
        How many characters each token has.
    steps : int32[E, 3]
        (left, right, new) of each merge.
    """

    symbols: NDArray[np.uint16]
    kept: NDArray[np.int64]
    lengths: list[int]
    steps: NDArray[np.int32]


def is_worthwhile(words: Strings, tokens: int, config: VocabConfig) -> bool:
    """Say whether words are long enough, and the settings such as `merge_by_rescans` knows."""
    return (
        words.nbytes >= _MANY
        and tokens < kernels.MOST_SYMBOLS
        and config.score == "frequency"
        and config.tie_break == "lowest-id"
    )


def merge_by_rescans(
    words: Strings,
    weights: NDArray[np.int64],
    table: NDArray[np.int32],
    tokens: list[str],
    config: VocabConfig,
    report: Callable[[int], None],
) -> Rescanned:
    """Merge the commonest pair again and again, while that takes much of the text away.

    Parameters
    ----------
    words, weights
        The words, and how often each occurs.
    table : int32[4, C]
        The symbol of a character by its kind.
    tokens
        The tokens before the first merge; new ones are appended.
    config
        Gives size, minimum frequency and limits.
    report
        Told of the merges made.

    Raises
    ------
    DuplicateTokenError
        If a token turns up a second time.
    """
    symbols, kept = _laid_out(words, table)
    known, lengths, steps = set(tokens), [1] * len(tokens), []
    reading = _Reading(symbols, weights[kept], config)
    left = reading.through(lengths)
    most = min(config.sizes[-1], kernels.MOST_SYMBOLS)
    while len(tokens) < most and left > _ENOUGH:
        pair, count = reading.commonest()
        if count < max(1, config.min_frequency):
            break
        one, two, before = pair >> 32, pair & 0xFFFFFFFF, left
        token = new_token(tokens[one], tokens[two], config.prefix)
        if token in known:
            raise DuplicateTokenError(token)
        lengths.append(lengths[one] + lengths[two])
        left = reading.through(lengths, pair, len(tokens))
        steps.append((one, two, len(tokens)))
        known.add(token)
        tokens.append(token)
        report(1)
        if before - left < before * _LEAST_SHARE:
            break
    made = np.array(steps, np.int32).reshape(-1, 3)
    return Rescanned(reading.symbols, kept, lengths, made)


def cells_of(rescanned: Rescanned, weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32[N + 1, 2]: what is left as the cells of a `Merger`; `weights` is for all words."""
    symbols, cursor = rescanned.symbols, np.zeros(4, np.int64)
    cells = np.empty((len(symbols) + 1, 2), np.int32)
    cells[0] = BORDER, 0
    kept = weights[rescanned.kept]
    while kernels.to_cells(symbols, kept, cells, cursor, _SYMBOLS_A_CALL) < len(symbols):
        pass
    return cells


def _laid_out(
    words: Strings, table: NDArray[np.int32]
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return the words as symbols, and which words have any to merge."""
    symbols = np.empty(words.nbytes + len(words), np.uint16)
    kept, cursor = np.empty(len(words), np.int64), np.zeros(5, np.int64)
    while not kernels.lay_out_symbols(
        words.data, words.offsets, table, 2, symbols, kept, cursor, _SYMBOLS_A_CALL
    ):
        pass
    return symbols[: cursor[kernels.NEXT]], kept[: cursor[kernels.KEPT]]


class _Reading:
    """The symbols, and the pairs that the last reading counted."""

    def __init__(
        self, symbols: NDArray[np.uint16], weights: NDArray[np.int64], config: VocabConfig
    ) -> None:
        self.symbols, self._weights, self._longest = symbols, weights, config.longest_token
        self._slots = np.zeros((_FIRST_SLOTS, 2), np.int64)

    def through(self, lengths: list[int], pair: int = kernels.NO_PAIR, new: int = 0) -> int:
        """Read all, replace a pair, count all pairs; return how many symbols are left."""
        self._slots[:] = 0
        cursor, known = np.zeros(4, np.int64), np.array(lengths, np.int32)
        while True:
            begin = int(cursor[kernels.READ])
            end = kernels.read_through(
                self.symbols, self._weights, known, self._longest, pair, new,
                self._slots, cursor, _SYMBOLS_A_CALL,
            )  # fmt: skip
            if end >= len(self.symbols):
                self.symbols = self.symbols[: cursor[kernels.WRITTEN]]
                return len(self.symbols)
            if end < begin + _SYMBOLS_A_CALL:
                self._widen()

    def _widen(self) -> None:
        slots = np.zeros((2 * len(self._slots), 2), np.int64)
        unused = np.zeros(len(slots), np.int32)
        move_slots(self._slots, slots, unused, unused, 1)
        self._slots = slots

    def commonest(self) -> tuple[int, int]:
        """Return the pair of the greatest count, the lowest of several, and the count."""
        count = int(self._slots[:, 1].max())
        if count == 0:
            return 0, 0
        return int(self._slots[self._slots[:, 1] == count, 0].min()) - 1, count
