"""One split of the corpus, gathered into blocks."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, padded
from tokpipe.shards.blocks import PART_SHIFT, Block, ResumePoint, Units


class Gathering:
    """What a split (0: training, 1: validation) has of the block that comes next.

    A block ends with the document that brings it to `block_bytes`; documents before `start` are
    left out.
    """

    def __init__(self, split: int, block_bytes: int, start: ResumePoint) -> None:
        self._split = split
        self._limit = block_bytes
        self._first = (start.next_document, start.next_part)
        self._start()

    def _start(self) -> None:
        self._data: list[NDArray[np.uint8]] = []
        self._lengths: list[NDArray[np.int64]] = []  # of the texts
        self._texts: list[NDArray[np.int64]] = []  # of each document
        self._numbers: list[NDArray[np.int64]] = []
        self._bytes = 0
        self._is_lines = False
        self._repairs: Counter[str] = Counter()
        self._resume_point = ResumePoint()

    def add(self, units: Units, chosen: NDArray[np.int64]) -> Iterator[Block]:
        """Take the chosen units of a piece, ascending; yield the blocks that are whole now."""
        (document, part), documents = self._first, units.documents[chosen]
        at_it = (documents == document) & (units.parts[chosen] >= part)
        chosen = chosen[at_it | (documents > document)]
        begins = units.begins[chosen]
        edges = units.texts.offsets[units.borders]
        sizes = (edges[1:] - edges[:-1])[chosen]
        start = 0
        while start < len(chosen):
            stop = self._stop(begins[start:], sizes[start:], units.is_lines) + start
            self._take(units, chosen[start:stop])
            if stop < len(chosen):
                yield self._block()
            start = stop

    def rest(self) -> Iterator[Block]:
        """Yield the last block, if anything is left."""
        if self._numbers:
            yield self._block()

    def _stop(self, begins: NDArray[np.bool_], sizes: NDArray[np.int64], is_lines: bool) -> int:
        """Return before which of the units the block ends; their number: before none."""
        if self._numbers and self._is_lines != is_lines and begins[0]:
            return 0
        before = self._bytes + np.cumsum(sizes) - sizes
        full = np.flatnonzero(begins & (before >= self._limit))
        return int(full[0]) if len(full) else len(sizes)

    def _take(self, units: Units, chosen: NDArray[np.int64]) -> None:
        if not len(chosen):
            return
        if not self._numbers:
            self._resume_point = units.resume_point(int(chosen[0]))
        if chosen[0] == 0:
            self._repairs.update(units.repairs)
        offsets, borders = units.texts.offsets, units.borders
        runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
        for run in runs:
            first, last = int(borders[run[0]]), int(borders[run[-1] + 1])
            data = units.texts.data[int(offsets[first]) : int(offsets[last])]
            # a view keeps the whole piece alive: good for most of it, not for a document of it
            self._data.append(data if 2 * len(data) > units.texts.nbytes else data.copy())
            self._lengths.append(np.diff(offsets[first : last + 1]))
            self._bytes += int(offsets[last] - offsets[first])
        texts = np.diff(borders)[chosen]
        numbers = (units.documents + (units.parts << PART_SHIFT))[chosen]
        if not units.begins[chosen[0]] and self._numbers:
            self._texts[-1][-1] += texts[0]
            texts, numbers = texts[1:], numbers[1:]
        if len(numbers):
            self._texts.append(texts)
            self._numbers.append(numbers)
        self._is_lines = units.is_lines

    def _block(self) -> Block:
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))])
        documents = np.concatenate([[0], np.cumsum(np.concatenate(self._texts))])
        data = padded(np.concatenate(self._data))
        block = Block(
            split=self._split,
            texts=Strings(data, offsets),
            documents=documents,
            numbers=np.concatenate(self._numbers),
            is_lines=self._is_lines,
            repairs=self._repairs,
            resume_point=self._resume_point,
        )
        self._start()
        return block
