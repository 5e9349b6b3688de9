"""Words of any length to pieces by merges: a window at a time, in memory for a window.

Why windows give what the whole word gives: merging takes the pair of the lowest rank, the leftmost
of several, and what stands left and right of a place that no merge crosses never learns of the
other. So a row of pieces is the encoding of its text if, and only if, each two neighbours are the
encoding of theirs. Two windows that overlap and have a piece in common there (the same id at the
same place) can then be joined at that piece: all neighbours come from one of them. Nothing is
asked of the order of the ranks. Where there is no such piece, the word is begun again with wider
windows, up to the whole word.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import padded
from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.tokenizer.kernels import long_words as kernels
from tokpipe.tokenizer.kernels.tables import ModelTables

WINDOW = 1 << 16  # bytes: 36 of memory each, which the processor's cache holds
_OVERLAP = 16  # of which a window shares one with the next
_WIDER = 8  # times the window where one is too narrow: all before cost 1/7 of the last
_BYTES_A_BYTE = 36  # of memory: symbol 8, links 8, heap 16; its text and pieces are the rest

Pieces = tuple[NDArray[np.int32], NDArray[np.int64]]


class NothingInCommonError(Exception):
    """Two windows have no piece in common: all that was given is void."""


def pieces_of(
    word: NDArray[np.uint8], lower: bool, model: ModelTables, window: int
) -> Iterator[Pieces]:
    """Yield the pieces of a word in order: int32[k] ids, and int64[k] where in the word each ends.

    Parameters
    ----------
    word : uint8[n]
        UTF-8.
    lower
        Whether its ASCII letters are still to be lowered.
    model
        Merges by rank.
    window
        Bytes to look at together.

    Raises
    ------
    NothingInCommonError
        If windows of that size cannot be joined; not if one holds the word.
    MemoryLimitError
        If there is no room for a window.
    """
    encoder = _Window(word, lower, model, min(window, len(word)))
    stop = _whole(word, window)
    ids, ends = encoder.encode(0, stop)
    while stop < len(word):
        near = int(np.searchsorted(ends, stop - window // _OVERLAP))
        start, stop = int(ends[near]), _whole(word, int(ends[near]) + window)
        more = encoder.encode(start, stop)
        left, right = _common((ids[near + 1 :], ends[near:]), start, more)
        left += near + 1
        yield ids[:left], ends[:left]
        ids, ends = more[0][right:], more[1][right:]
    yield ids, ends


def windows(size: int) -> Iterator[int]:
    """Yield how wide windows are to be tried, up to the whole word."""
    window = WINDOW
    while window < size:
        yield window
        window *= _WIDER
    yield size


def _whole(word: NDArray[np.uint8], place: int) -> int:
    """Return the end of the last character that ends at a place or before."""
    if place >= len(word):
        return len(word)
    while word[place] & 0xC0 == 0x80:
        place -= 1
    return place


def _common(held: Pieces, start: int, more: Pieces) -> tuple[int, int]:
    """Return the numbers of a piece that two windows share, which begins after `start`.

    `held` are the ids from `start` on, and their borders: one more.
    """
    borders = np.concatenate([[start], more[1]])
    _, one, two = np.intersect1d(held[1], borders, assume_unique=True, return_indices=True)
    same = (np.diff(one) == 1) & (np.diff(two) == 1)
    same[same] = held[0][one[:-1][same]] == more[0][two[:-1][same]]
    if not same.any():
        raise NothingInCommonError
    first = int(same.argmax())
    return int(one[first]), int(two[first])


class _Window:
    """Room to merge a window of a word in."""

    def __init__(self, word: NDArray[np.uint8], lower: bool, model: ModelTables, size: int) -> None:
        self._word, self._lower, self._model = word, lower, model
        try:
            self._symbols, self._links = np.empty(size, np.uint64), np.empty(2 * size, np.int32)
            self._heap = np.empty(2 * size, np.uint64)
        except MemoryError as error:
            raise MemoryLimitError(
                f"one word of {len(word):,} bytes needs {_BYTES_A_BYTE * size:,} bytes of memory"
            ) from error

    def encode(self, start: int, stop: int) -> Pieces:
        """Return the pieces of a part of the word as if it stood alone, but for its edges."""
        raw = self._word[start:stop].tobytes()
        raw, edges = (
            raw.lower() if self._lower else raw,
            (start == 0) + 2 * (stop == len(self._word)),
        )
        state, symbols = np.zeros(2, np.int64), self._symbols
        links, heap = self._links.ctypes.data, self._heap.ctypes.data
        count = kernels.long_symbols(padded(raw), len(raw), edges, self._model, symbols)
        while not kernels.merge_long(symbols, count, links, heap, state, self._model):
            pass
        left = symbols[:count]
        left = left[left != 0]
        ends = np.cumsum(left >> np.uint64(32), dtype=np.uint64).astype(np.int64)
        return (left & np.uint64(0xFFFFFFFF)).astype(np.int32), ends + start
