"""Sorted runs of counted words: made from a table, merged in memory or as streams."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import PADDING, Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.threads import run_in_threads
from tokpipe.foundation.visible import visible
from tokpipe.words.kernels.merge import DONE, DRY, OVERFLOW, merge_runs
from tokpipe.words.kernels.order import copy_words, order_ties, pack_slots
from tokpipe.words.table import WordTable

BATCH_WORDS = 1 << 13  # most words of a batch in a stream of runs
BATCH_BYTES = 1 << 17  # most bytes of them, unless one word is longer
_MERGED_AT_ONCE = 1 << 18  # words merged in one kernel call: about 50 ms
_RANGE_WORDS = 1 << 21  # words that a thread merges before it can be stopped: about 300 ms
_SLACK = 8  # kernels store whole eights


class Run(NamedTuple):
    """Words in the order of their bytes, all different, and how often each occurs."""

    words: Strings
    counts: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.words.nbytes + self.words.offsets.nbytes + self.counts.nbytes

    @property
    def total(self) -> int:
        """How many words there are, each as often as it is counted; exact past 63 bits."""
        return (int((self.counts >> 32).sum()) << 32) + int((self.counts & 0xFFFFFFFF).sum())

    @property
    def weight(self) -> int:
        """How many bytes they have together, each as often as it is counted; exact as well."""
        sizes, low = np.diff(self.words.offsets), (self.counts & 0xFFFFFFFF).astype(np.uint64)
        return (int((self.counts >> 32) @ sizes) << 32) + int(low @ sizes.astype(np.uint64))


EMPTY = Run(Strings.from_list([]), np.zeros(0, np.int64))


def sorted_run(table: WordTable) -> Run:
    """Return all that a table holds, sorted, and clear the table."""
    order = _sort(table)
    offsets, counts = np.empty(len(order) + 1, np.int64), np.empty(len(order), np.int64)
    data = np.empty(_bytes_of_words(table, order) + PADDING, np.uint8)
    copy_words(table.slots, table.arena, order, data, offsets, counts)
    data = data[: offsets[-1] + PADDING]
    data[offsets[-1] :] = 0
    table.clear()
    return Run(Strings(data, offsets), counts)


def sorted_batches(table: WordTable) -> Iterator[Run]:
    """Yield all that a table holds, sorted, in batches that are small beside it; then clear it."""
    order, done, size = _sort(table), 0, BATCH_BYTES + PADDING
    while done < len(order):
        part = order[done : done + BATCH_WORDS]
        offsets, counts = np.zeros(len(part) + 1, np.int64), np.empty(len(part), np.int64)
        data = np.zeros(size, np.uint8)
        written = copy_words(table.slots, table.arena, part, data, offsets, counts)
        if written == 0:
            size = int(offsets[1]) + PADDING
            continue
        done, size = done + written, BATCH_BYTES + PADDING
        yield Run(Strings(data, offsets[: written + 1]), counts[:written])
    table.clear()


def _sort(table: WordTable) -> NDArray[np.int64]:
    slot, packed, done = 0, 0, 0
    while slot < len(table.slots) // 3:
        slot, packed = pack_slots(table.slots, table.arena, slot, packed)
    order = np.argsort(table.slots[: 3 * packed : 3])
    while done < packed:
        done = order_ties(table.slots, table.arena, order, done)
    return order


def _bytes_of_words(table: WordTable, order: NDArray[np.int64]) -> int:
    # An upper bound: short words by their sizes, long ones by the arena with its record heads.
    places = table.slots[1 : 3 * len(order) : 3]
    short = int(np.minimum(places, 8).sum())
    return short + table.arena_used


def merge_in_memory(runs: Sequence[Run], threads: int | None = 1) -> Run:
    """Merge runs into one; the counts of equal words add up. Each thread takes a range of words.

    A word that occurs more than 2^63 - 1 times is an `InputError`.
    """
    runs = [run for run in runs if len(run.counts)]
    if len(runs) < 2:
        return runs[0] if runs else EMPTY
    words = sum(len(run.counts) for run in runs)
    cuts = _cuts(runs, max(words // _RANGE_WORDS, 4 * threads if threads and threads > 1 else 1))
    parts: dict[int, Run] = {}

    def work(feed: Iterator[int]) -> None:
        for i in feed:
            parts[i] = _merge_range(runs, cuts[i], cuts[i + 1])

    run_in_threads(work, range(len(cuts) - 1), threads)
    return _joined([parts.pop(i) for i in range(len(cuts) - 1)])


def _cuts(runs: Sequence[Run], parts: int) -> list[list[int]]:
    """Cut all runs at the same words, so that each range can be merged on its own."""
    longest = max(runs, key=lambda run: len(run.counts))
    step = max(1, len(longest.counts) // parts)
    borders = [longest.words.bytes_of(i) for i in range(step, len(longest.counts), step)][
        : parts - 1
    ]
    inner = [[_place(run.words, border) for run in runs] for border in borders]
    return [[0] * len(runs), *inner, [len(run.counts) for run in runs]]


def _place(words: Strings, word: bytes) -> int:
    """Return how many words stand before a word."""
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        if words.bytes_of(middle) < word:
            low = middle + 1
        else:
            high = middle
    return low


def _merge_range(runs: Sequence[Run], lows: list[int], highs: list[int]) -> Run:
    merge = _Merge([iter([_slice(run, a, b)]) for run, a, b in zip(runs, lows, highs, strict=True)])
    words = sum(highs) - sum(lows)
    data = np.empty(merge.data.size + _SLACK + PADDING, np.uint8)
    offsets, counts = np.zeros(words + 1, np.int64), np.empty(words, np.int64)
    done, used = 0, 0
    while not merge.done:
        end = min(words, done + _MERGED_AT_ONCE)
        written = merge.fill(data[used:], offsets[done : end + 1], counts[done:end])
        offsets[done : done + written + 1] += used
        done, used = done + written, int(offsets[done + written])
    return Run(Strings(data, offsets[: done + 1]), counts[:done])


def _slice(run: Run, low: int, high: int) -> Run:
    return Run(Strings(run.words.data, run.words.offsets[low : high + 1]), run.counts[low:high])


def _joined(parts: list[Run]) -> Run:
    bytes_of = [part.words.nbytes for part in parts]
    data = np.empty(sum(bytes_of) + PADDING, np.uint8)
    starts = np.cumsum([0, *bytes_of])
    for part, (start, end) in zip(parts, pairwise(starts), strict=True):
        data[start:end] = part.words.data[: end - start]
    data[starts[-1] :] = 0
    moved = [p.words.offsets[1:] + start for p, start in zip(parts, starts, strict=False)]
    offsets = np.concatenate([np.zeros(1, np.int64), *moved])
    return Run(Strings(data, offsets), np.concatenate([part.counts for part in parts]))


def merge_streams(streams: Sequence[Iterator[Run]]) -> Iterator[Run]:
    """Merge streams of batches, each sorted as a whole, into one stream; memory holds a batch each.

    A batch has at most `BATCH_WORDS` words and, unless one word is longer, `BATCH_BYTES` bytes. A
    word that occurs more than 2^63 - 1 times is an `InputError`.
    """
    merge, size = _Merge(streams), BATCH_BYTES + PADDING
    while not merge.done:
        data, counts = np.zeros(size, np.uint8), np.empty(BATCH_WORDS, np.int64)
        offsets = np.zeros(BATCH_WORDS + 1, np.int64)
        written = merge.fill(data, offsets, counts)
        size = BATCH_BYTES + PADDING
        if written:
            yield Run(Strings(data, offsets[: written + 1]), counts[:written])
        elif not merge.done:
            size = merge.longest_word + PADDING


class _Merge:
    """The state of a merge: a region of the kernel's arrays for the current batch of each run."""

    def __init__(self, streams: Sequence[Iterator[Run]]) -> None:
        self._streams = streams
        self.done = False
        self._ended = np.zeros(len(streams), np.bool_)
        self._room = np.zeros((2, len(streams)), np.int64)  # bytes and rows of each region
        self._lay_out([next(stream, EMPTY) for stream in streams])

    def _lay_out(self, batches: Sequence[Run]) -> None:
        """Put one batch a run into fresh arrays; regions never shrink."""
        needed = [[b.words.nbytes for b in batches], [len(b.words.offsets) for b in batches]]
        self._room = np.maximum(self._room, np.array(needed, np.int64))
        self._bytes, self._rows = np.cumsum(np.pad(self._room, ((0, 0), (1, 0))), axis=1)
        self.data = np.zeros(self._bytes[-1] + PADDING, np.uint8)
        self._offsets, self._counts = np.zeros((2, self._rows[-1]), np.int64)
        self._cursors, self._ends = self._rows[:-1].copy(), self._rows[:-1].copy()
        for r, batch in enumerate(batches):
            self._put(r, batch)

    def _put(self, r: int, batch: Run) -> None:
        row, start, words = self._rows[r], self._bytes[r], batch.words
        first, last = words.offsets[0], words.offsets[-1]
        self.data[start : start + last - first] = words.data[first:last]
        self._offsets[row : row + len(words.offsets)] = words.offsets - first + start
        self._counts[row : row + len(batch.counts)] = batch.counts
        self._cursors[r], self._ends[r] = row, row + len(batch.counts)

    def _fits(self, r: int, batch: Run) -> bool:
        room, rows = self._room[:, r]
        return batch.words.nbytes <= room and len(batch.words.offsets) <= rows

    def _refill(self) -> None:
        for r in np.flatnonzero((self._cursors == self._ends) & ~self._ended).tolist():
            batch = next(self._streams[r], None)
            if batch is None:
                self._ended[r] = True
            elif self._fits(r, batch):
                self._put(r, batch)
            else:
                self._lay_out([batch if s == r else self._rest(s) for s in range(len(self._ends))])

    def _rest(self, r: int) -> Run:
        """Return what is left of the current batch."""
        low, high = self._cursors[r], self._ends[r]
        offsets = self._offsets[low : high + 1]
        return Run(Strings(self.data, offsets), self._counts[low:high])

    @property
    def longest_word(self) -> int:
        """Bytes of the longest word that may come next."""
        rows = self._cursors[self._cursors < self._ends]
        return int((self._offsets[rows + 1] - self._offsets[rows]).max())

    def fill(self, data: NDArray, offsets: NDArray, counts: NDArray) -> int:
        """Merge until the output is full or all is done; return how many words were written."""
        done = used = 0
        while True:
            status, written = merge_runs(
                self.data, self._offsets, self._counts, self._cursors, self._ends, self._ended,
                data[used:], offsets[done:], counts[done:],
            )  # fmt: skip
            if status == OVERFLOW:
                first, last = offsets[done + written : done + written + 2] + used
                raise _too_many(data[first:last].tobytes())
            offsets[done : done + written + 1] += used
            done, used = done + written, int(offsets[done + written])
            if status != DRY:
                self.done = status == DONE
                return done
            self._refill()


def _too_many(word: bytes) -> InputError:
    text = visible(word[:80].decode(errors="replace"))
    return InputError(
        f"the word {text!r} occurs more than 2^63 - 1 times",
        hint="Are the same counts given many times?",
    )
