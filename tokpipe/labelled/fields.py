"""Lines of columns as arrays: where each line, and each field of it, begins and ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import PADDING, Strings, take_strings

COMMENT = ord("#")

_TAB, _NEWLINE, _SPACE = 9, 10, 32


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """All fields of L lines."""

    data: NDArray[np.uint8]  # uint8[N + PADDING]
    starts: NDArray[np.int64]  # int64[L]: where each line begins
    blank: NDArray[np.bool_]  # bool[L]: whether it holds nothing but white space
    # `begins`, `ends`: int64[F]: of all fields, in order
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    # int64[L + 1]: the fields of line l are ``borders[l]:borders[l + 1]``
    borders: NDArray[np.int64]
    tabs: bool  # whether a tab stands between fields; else runs of spaces and tabs do

    def counts(self) -> NDArray[np.int64]:
        """Return how many fields each line has (int64[L])."""
        return np.diff(self.borders)

    def column(self, lines: NDArray[np.int64], column: int) -> Strings:
        """Copy field `column` (from the end, if below 0) of some lines (int64[n])."""
        base = self.borders[lines] if column >= 0 else self.borders[lines + 1]
        return cut(self.data, self.begins[base + column], self.ends[base + column])

    def starts_with(self, lines: NDArray[np.int64], text: bytes) -> NDArray[np.bool_]:
        """Mark the lines (of int64[n]) that begin with some bytes, at most `PADDING` of them."""
        places = self.starts[lines, None] + np.arange(len(text))
        return (self.data[places] == np.frombuffer(text, np.uint8)).all(axis=1)


def fields_of(lines: Strings) -> Fields:
    r"""Find the fields of lines.

    Tabs divide them if most lines have one (blank ones and those that begin with # aside): then a
    field may hold, or be, a space.

    Parameters
    ----------
    lines
        L of them, at least one, each with its ``\n``; the last may lack it.
    """
    data = lines.data[lines.offsets[0] : lines.offsets[-1]]
    if data[-1] != _NEWLINE:
        data = np.append(data, np.uint8(_NEWLINE))
    starts = lines.offsets[:-1] - lines.offsets[0]
    is_space = (data == _SPACE) | ((data >= _TAB) & (data <= 13))
    blank = np.logical_and.reduceat(is_space, starts)
    is_tab = data == _TAB
    counted = ~blank & (data[starts] != COMMENT)
    tabs = bool(2 * (np.logical_or.reduceat(is_tab, starts) & counted).sum() > counted.sum())
    find = _between_tabs if tabs else _between_spaces
    begins, ends, borders = find(data, is_tab, starts)
    padded = np.concatenate([data, np.zeros(PADDING, np.uint8)])
    return Fields(padded, starts, blank, begins, ends, borders, tabs)


def cut(data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Strings:
    """Copy n stretches ``data[begins[i]:ends[i]]``, ascending and apart, as strings."""
    if not len(begins):
        return Strings(np.zeros(PADDING, np.uint8), np.zeros(1, np.int64))
    pairs = np.stack([begins, ends], axis=1).reshape(-1)  # a stretch and a gap in turn
    return take_strings(Strings(data, pairs), 2 * np.arange(len(begins)))


def _between_tabs(
    data: NDArray[np.uint8], is_tab: NDArray[np.bool_], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    ends = np.flatnonzero(is_tab | (data == _NEWLINE))
    begins = np.concatenate([[0], ends[:-1] + 1])
    last = np.flatnonzero(data[ends] == _NEWLINE)
    return begins, ends, np.concatenate([[0], last + 1])


def _between_spaces(
    data: NDArray[np.uint8], is_tab: NDArray[np.bool_], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    outside = is_tab | (data == _SPACE) | (data == _NEWLINE)
    edges = np.diff(outside.astype(np.int8), prepend=1, append=1)
    begins, ends = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1)
    borders = np.append(np.searchsorted(begins, starts), len(begins))
    return begins, ends, borders
