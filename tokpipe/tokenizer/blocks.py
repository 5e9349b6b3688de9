"""Texts in blocks, and the ids that come of each."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, distinct, padded
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count

BLOCK_BYTES = 1 << 20  # of text: some 12 ms of encoding, at 84 MB a CPU second
LINE_FEED = ord("\n")
_FEW = 8  # blocks that are joined sooner than threads begin

Ids = tuple[NDArray[np.int32], NDArray[np.int64]]  # int32[K], and int64[t + 1] borders of texts


def text_blocks(offsets: NDArray[np.int64], size: int) -> Iterator[tuple[int, int]]:
    """Cut texts into runs of about `size` bytes: yield the first of each, and the one behind it."""
    texts, start, end = len(offsets) - 1, int(offsets[0]), int(offsets[-1])
    targets = np.arange(start + size, end, size)
    cuts = distinct(np.concatenate([[0], np.searchsorted(offsets, targets), [texts]]))
    yield from pairwise(cuts.tolist())


def without_line_ends(texts: Strings) -> Strings:
    """Copy texts without the line feed that each may end in."""
    ends = texts.offsets[1:]
    is_line = (np.diff(texts.offsets) > 0) & (texts.data[ends - 1] == LINE_FEED)
    start = int(texts.offsets[0])
    data = np.delete(texts.data[start : int(texts.offsets[-1])], ends[is_line] - 1 - start)
    gone = np.concatenate([[0], np.cumsum(is_line)])
    return Strings(padded(data), texts.offsets - start - gone)


def join_ids(
    parts: list[Ids], dtype: Any = np.int32, threads: int | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Join the ids and the offsets of all blocks; the copy, if there are several, over threads."""
    if len(parts) == 1 and parts[0][0].dtype == dtype:
        return parts[0]
    starts = np.cumsum([0] + [len(ids) for ids, _ in parts])
    texts = np.cumsum([0] + [len(borders) - 1 for _, borders in parts])
    values = np.empty(starts[-1], dtype)
    offsets = np.zeros(texts[-1] + 1, np.int64)

    def copy(feed: Feed[int]) -> None:
        for i in feed:
            ids, borders = parts[i]
            values[starts[i] : starts[i + 1]] = ids
            np.add(borders[1:], starts[i], out=offsets[texts[i] + 1 : texts[i + 1] + 1])

    if len(parts) < _FEW:
        copy(Feed(range(len(parts))))
    else:
        run_in_threads(copy, range(len(parts)), min(thread_count(threads), len(parts)))
    return values, offsets
