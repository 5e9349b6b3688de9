"""Words laid out lean, and what a reading of them finds: their pairs, the best first."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import lean_words as kernels
from tokpipe.vocab.kernels.symbols import BORDER

PLACES = 1 << 24  # 64 MB: the places that a round begins with; it may add as many
_LARGEST_SHARE = 1 / 16  # of the cells, where that is more
_MOST_PAIRS = 1 << 20  # candidates that a round begins with
_CELLS_A_CALL = 1 << 24  # 30 to 80 ms; more where the table leaves the cache
_FIRST_ROWS = 1 << 12  # 128 KB; it doubles as pairs come
_MOST_ROWS = 1 << 21  # 64 MB: more pairs are counted in parts
_LAST = np.iinfo(np.int64).max
_BUCKETS = 1 << 10  # of pairs, by hash: so many parts at most, a reading each
_ROWS_A_CALL = 1 << 18  # 2 MB of each array that is made on the way
_STEPS = 16  # by which counts are cut, in an octave
_ALL, _NONE = np.ones(1, np.uint8), np.zeros(1, np.uint8)  # of one bucket, which has every pair
_CLOSE = 1e-13  # float64 scores are right to about 6e-16

_COUNT, _PLACES, _FIRST, _TIE = range(1, 5)


class Pairs(NamedTuple):
    """Pairs as they stand in the words now, the one to be merged first first."""

    rows: NDArray[np.int64]  # int64[K, 5]: (pair, count, places, first place, tie)
    # `floor`, `last_tie`: a pair that is not among them comes after all of this count and tie
    floor: int
    last_tie: int
    placed: int  # how many pairs there is room for the places of
    totals: NDArray[np.int64]  # int64[V]: by likelihood: the count of each token; else empty

    @property
    def commonness(self) -> int:
        """In how many places the first pair stands; 0 if there is none."""
        return int(self.rows[0, _PLACES]) if len(self.rows) else 0


class LeanWords:
    """Words, and how often each occurs, as lean cells, see `kernels.lean_words`.

    `table`, int32[4, C], has the symbol of a character by its kind.
    """

    def __init__(
        self,
        words: Strings,
        weights: NDArray[np.int64],
        table: NDArray[np.int32],
        config: VocabConfig,
    ) -> None:
        self._config, self._are_many = config, False
        self._by_likelihood = config.score == "likelihood"
        self.cells = np.empty(words.nbytes + len(words) + 1, np.int32)
        self.cells[0] = BORDER
        kept = np.empty(len(words), np.int64)
        cursor = np.array([(0, 0, 1, 1, 0)], kernels.LAYOUT)
        while not kernels.lay_out_symbols(
            words.data, words.offsets, table, 1 if self._by_likelihood else 2,
            self.cells, kept, cursor, _CELLS_A_CALL,
        ):  # fmt: skip
            pass
        self._shrink(int(cursor["next"][0]))
        self.kept = kept[: cursor["kept"][0]]
        self.weights = weights[self.kept]
        self.starts = np.ones(len(self.kept) + 1, np.int64)
        self._table = np.zeros((_FIRST_ROWS, 4), np.int64)

    def read(self, lengths: NDArray[np.int32], pair: int = kernels.NO_PAIR, new: int = 0) -> Pairs:
        """Replace a pair by a new token where it stands, then count all pairs.

        `lengths`, int32[V], says how many characters each token has.
        """
        best = _Best(lengths, self._config, max(PLACES, int(len(self.cells) * _LARGEST_SHARE)))
        if self._by_likelihood:
            totals = np.zeros(len(lengths), np.int64)
            self._count(lengths, totals, _ALL, pair, new, most_rows=_LAST)
            best.add(self._table)
            return best.by_likelihood(totals)
        none = np.zeros(0, np.int64)
        if self._count(lengths, none, _NONE if self._are_many else _ALL, pair, new):
            best.add(self._table)
            return best.by_frequency()
        self._are_many = True  # and will be, mostly: do not try again
        return self._by_sketch(lengths, best) or self._in_parts(lengths, best)

    def _by_sketch(self, lengths: NDArray[np.int32], best: "_Best") -> Pairs | None:
        """Count the pairs of the buckets with the greatest sums; None if that finds none.

        A bucket's sum is no less than the count of each of its pairs.
        """
        self._table = np.zeros((_MOST_ROWS, 4), np.int64)
        sketch, cursor = self._table.reshape(-1, 2), np.array([(1, 1, 0, 0)], kernels.READING)
        longest = self._config.longest_token
        while kernels.sketch_pairs(
            self.cells, self.weights, lengths, longest, sketch, cursor, _CELLS_A_CALL
        ) < len(self.cells):
            pass
        least = _cut(sketch[:, 0], sketch[:, 1], best.room)
        wanted = (sketch[:, 0] >= least).view(np.uint8)
        if not self._count(lengths, np.zeros(0, np.int64), wanted):
            return None
        best.raise_floor(least)
        best.add(self._table)
        pairs = best.by_frequency()
        return pairs if len(pairs.rows) or least == 1 else None

    def _in_parts(self, lengths: NDArray[np.int32], best: "_Best") -> Pairs:
        """Count the pairs of some buckets, then of others, until all are done."""
        buckets, none, parts = np.arange(_BUCKETS), np.zeros(0, np.int64), 1
        while True:
            parts, best = 2 * parts, _Best(lengths, self._config, best.room)
            most = _MOST_ROWS if parts < _BUCKETS else _LAST
            for part in range(parts):
                wanted = (buckets % parts == part).view(np.uint8)
                if not self._count(lengths, none, wanted, most_rows=most):
                    break
                best.add(self._table)
            else:
                return best.by_frequency()

    def drop_table(self) -> None:
        """Give back the memory of a reading."""
        self._table = np.zeros((_FIRST_ROWS, 4), np.int64)

    def _count(
        self,
        lengths: NDArray[np.int32],
        totals: NDArray[np.int64],
        wanted: NDArray[np.uint8],
        pair: int = kernels.NO_PAIR,
        new: int = 0,
        *,
        most_rows: int | None = None,
    ) -> bool:
        """Read all, and count the pairs that are wanted; return whether they found room."""
        self._table[:] = 0
        cursor = np.array([(1, 1, 0, 0)], kernels.READING)
        while True:
            begin = int(cursor["read"][0])
            end = kernels.read_through(
                self.cells, self.starts, self.weights, totals, lengths, self._config.longest_token,
                pair, new, self._table, wanted, cursor, _CELLS_A_CALL,
            )  # fmt: skip
            if end >= len(self.cells):
                self._shrink(int(cursor["written"][0]))
                return wanted is not _NONE
            if end < begin + _CELLS_A_CALL and not self._widen(most_rows or _MOST_ROWS):
                wanted, cursor["pairs"] = _NONE, 0  # read to the end, for the cells

    def _widen(self, most_rows: int) -> bool:
        rows = 2 * len(self._table)
        if rows > most_rows:
            return False
        table = np.zeros((rows, 4), np.int64)
        kernels.widen_table(self._table, table)
        self._table = table
        return True

    def _shrink(self, cells: int) -> None:
        """Keep the first so many cells, in their place; the rest is given back."""
        self.cells.resize(cells, refcheck=False)  # nobody has a view of them


class _Best:
    """The pairs that come first, as many as there is room for."""

    def __init__(self, lengths: NDArray[np.int32], config: VocabConfig, room: int) -> None:
        self._lengths, self._config, self.room = lengths, config, room
        self._rows = np.zeros((0, 5), np.int64)
        self._floor, self._behind = max(1, config.min_frequency), _LAST

    def raise_floor(self, least: int) -> None:
        """Leave out what occurs less often: there is room for no more than what is left."""
        if least > self._floor:
            self._floor, self._behind = least, _LAST

    def add(self, table: NDArray[np.int64]) -> None:
        """Take rows (pair + 1 or 0, count, places, first place) in."""
        likely = self._config.score == "likelihood"
        if not likely:
            self.raise_floor(_cut(table[:, _COUNT], table[:, _PLACES], self.room))
        table = table[table[:, _COUNT] >= self._floor]
        rows = np.column_stack([table, table[:, 0]])
        rows[:, 0] -= 1
        rows[:, _TIE] = self._ties(rows)
        if likely:
            self._rows = rows
            return
        goes_before = (rows[:, _COUNT] > self._floor) | (rows[:, _TIE] < self._behind)
        # what stood before a cut that raised the floor would lower it again
        known = self._rows[self._rows[:, _COUNT] >= self._floor]
        rows = np.concatenate([known, rows[goes_before]])
        rows = rows[np.lexsort((rows[:, _TIE], -rows[:, _COUNT]))]
        fit = self._fitting(rows, self.room)
        if fit < len(rows):
            self._floor, self._behind = int(rows[fit, _COUNT]), int(rows[fit, _TIE])
        self._rows = rows[:fit]

    def by_frequency(self) -> Pairs:
        """Return the commonest pairs that there is room for the places of."""
        none = np.zeros(0, np.int64)
        return Pairs(self._rows, self._floor, self._behind - 1, len(self._rows), none)

    def by_likelihood(self, totals: NDArray[np.int64]) -> Pairs:
        """Return all pairs; the first is the best, behind it those likely to come next."""
        rows = self._rows
        lefts, rights = totals[rows[:, 0] >> 32], totals[rows[:, 0] & 0xFFFFFFFF]
        scores = rows[:, _COUNT] / (lefts.astype(np.float64) * rights)
        order = np.argsort(-scores, kind="stable")
        if len(rows):
            equal = np.flatnonzero(scores >= scores[order[0]] * (1 - _CLOSE))
            exact = np.column_stack([rows[equal, _COUNT], lefts[equal], rights[equal]])
            kinds, kind = np.unique(exact, axis=0, return_inverse=True)
            values = [Fraction(a, b * c) for a, b, c in kinds.tolist()]
            highest = np.array([value == max(values) for value in values])
            equal = equal[highest[kind.reshape(-1)]]
            first = equal[np.argmin(rows[equal, _TIE])]
            order = order[order != first]
            # Its merge makes its tokens rarer, and so the other pairs of them come up next.
            left, right = divmod(int(rows[first, 0]), 1 << 32)
            kin = (rows[order, 0] >> 32 == left) | (rows[order, 0] & 0xFFFFFFFF == right)
            order = np.concatenate([[first], order[kin], order[~kin]])
        # Half of the room for them; and half for rare pairs, which come up all of a sudden.
        likely = order[: self._fitting(rows[order], self.room // 2)]
        rare = np.argsort(rows[:, _PLACES], kind="stable")
        rare = rare[: self._fitting(rows[rare], self.room // 2)]
        placed = np.zeros(len(rows), bool)
        placed[likely] = placed[rare] = True
        order = np.concatenate([order[placed[order]], order[~placed[order]]])
        return Pairs(rows[order], self._floor, _LAST, int(placed.sum()), totals)

    def _ties(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._config.tie_break == "lowest-id":
            return rows[:, 0]
        lengths = self._lengths.astype(np.int64)
        length = lengths[rows[:, 0] >> 32] + lengths[rows[:, 0] & 0xFFFFFFFF]
        return length << 32 | rows[:, _FIRST]

    def _fitting(self, rows: NDArray[np.int64], room: int) -> int:
        """Return how many of the rows there is room for: at least one."""
        places = np.cumsum(rows[:, _PLACES])
        return max(1, min(int(np.searchsorted(places, room, "right")), _MOST_PAIRS))


def _cut(counts: NDArray[np.int64], places: NDArray[np.int64], room: int) -> int:
    """Return a count, at least 1: what has it or more has places enough for the room, or all."""
    filled = np.zeros(64 * _STEPS)
    for at in range(0, len(counts), _ROWS_A_CALL):
        logarithms = np.log2(np.maximum(counts[at : at + _ROWS_A_CALL], 1))
        steps = (logarithms * _STEPS).astype(np.int64)
        filled += np.bincount(steps, places[at : at + _ROWS_A_CALL], len(filled))
    enough = np.flatnonzero(np.cumsum(filled[::-1])[::-1] >= room)
    return max(1, int(2 ** (enough[-1] / _STEPS))) if len(enough) else 1
