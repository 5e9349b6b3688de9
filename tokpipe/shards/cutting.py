"""Long documents in parts, long texts in pieces: the borders depend on the text alone."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.arrays import Strings

_LOOK_BACK = 1024  # bytes in front of a cut in which white space is looked for
_BLANKS = np.isin(np.arange(256), [9, 10, 13, 32])  # tab, line feed, carriage return, space


class Parts(NamedTuple):
    """Documents as parts."""

    borders: NDArray[np.int64]  # int64[U + 1]: part u is texts ``borders[u]:borders[u + 1]``
    owners: NDArray[np.int64]  # int64[U]: which document it is of
    numbers: NDArray[np.int64]  # int64[U]: which part of it
    begins: NDArray[np.bool_]  # bool[U]: whether it begins here; only the first may not


def cut_documents(
    offsets: NDArray[np.int64],
    documents: NDArray[np.int64],
    limit: int,
    part: int = 0,
    part_bytes: int = 0,
) -> Parts:
    """Cut documents behind the text that brings a part of them to the limit, in bytes.

    Texts lie between `offsets`, int64[n + 1], bytes, and documents are texts between `documents`,
    int64[D + 1]. `part` of the first one goes on here, with `part_bytes` before it.

    Examples
    --------
    >>> cut_documents(np.array([0, 4, 8, 12, 13]), np.array([0, 3, 4]), 6).borders.tolist()
    [0, 2, 3, 4]
    """
    count = len(documents) - 1
    owners, numbers = np.arange(count), np.zeros(count, np.int64)
    begins = np.ones(count, np.bool_)
    if not count:
        return Parts(documents, owners, numbers, begins)
    numbers[0], begins[0] = part, part_bytes == 0
    sizes = np.diff(offsets[documents])
    sizes[0] += part_bytes
    long = np.flatnonzero(sizes > limit).tolist()
    cuts = [_cuts(offsets, documents, d, limit, 0 if d else part_bytes) for d in long]
    inner = np.concatenate([np.zeros(0, np.int64), *cuts])
    if not len(inner):
        return Parts(documents, owners, numbers, begins)
    inner_owners = np.repeat(long, [len(inner) for inner in cuts])
    order = np.argsort(np.concatenate([owners, inner_owners]), kind="stable")
    owners = np.concatenate([owners, inner_owners])[order]
    steps = np.cumsum(order >= count)
    numbers = numbers[owners] + steps - steps[np.searchsorted(owners, owners)]
    borders = np.append(np.concatenate([documents[:-1], inner])[order], documents[-1])
    return Parts(borders, owners, numbers, (order >= count) | begins[owners])


def _cuts(
    offsets: NDArray[np.int64],
    documents: NDArray[np.int64],
    document: int,
    limit: int,
    before: int,
) -> NDArray[np.int64]:
    """Return in front of which texts of a document another part begins."""
    start, end = int(documents[document]), int(documents[document + 1])
    cuts = []
    while True:
        start = int(np.searchsorted(offsets, offsets[start] + limit - before))
        if start >= end:
            return np.array(cuts, np.int64)
        cuts.append(start)
        before = 0


def without_long_texts(batch: TextBatch, limit: int) -> TextBatch:
    """Return a piece whose long texts are cut; its tally says how many were, as "cut"."""
    texts, documents, long = cut_long_texts(batch.texts, batch.documents, limit)
    tally = {**batch.tally, "cut": long} if long else batch.tally
    return replace(batch, texts=texts, documents=documents, tally=tally)


def cut_long_texts(
    texts: Strings, documents: NDArray[np.int64], limit: int
) -> tuple[Strings, NDArray[np.int64], int]:
    """Cut texts that are longer than the limit, in front of white space if there is any near.

    Nothing is copied: only borders come in between. Returned are the texts, the borders of the
    documents among them, int64[D + 1], and how many texts were cut.
    """
    long = np.flatnonzero(np.diff(texts.offsets) > limit)
    if not len(long):
        return texts, documents, 0
    cuts = [_cuts_of_text(texts, int(text), limit) for text in long]
    extra = np.zeros(len(texts) + 1, np.int64)
    extra[long + 1] = [len(inner) for inner in cuts]
    offsets = np.sort(np.concatenate([texts.offsets, *cuts]))
    return Strings(texts.data, offsets), documents + np.cumsum(extra)[documents], len(long)


def _cuts_of_text(texts: Strings, text: int, limit: int) -> NDArray[np.int64]:
    start, end = int(texts.offsets[text]), int(texts.offsets[text + 1])
    cuts = []
    while end - start > limit:
        start = _cut_before(texts.data, start, start + limit)
        cuts.append(start)
    return np.array(cuts, np.int64)


def _cut_before(data: NDArray[np.uint8], start: int, wanted: int) -> int:
    """Return a cut at or before `wanted`: at white space, else between two characters."""
    lowest = max(start + 1, wanted - _LOOK_BACK)
    blanks = np.flatnonzero(_BLANKS[data[lowest : wanted + 1]])
    if len(blanks):
        return lowest + int(blanks[-1])
    while wanted > start + 1 and data[wanted] & 0xC0 == 0x80:  # inside of a character
        wanted -= 1
    return wanted
