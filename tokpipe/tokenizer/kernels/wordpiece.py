"""WordPiece on one word: the longest token that fits, again and again. Bytes in, ids out.

References
----------
Schuster and Nakajima (2012), Japanese and Korean Voice Search, section 4.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, load_u8, load_u64, store_i32
from tokpipe.foundation.jit import compiled_helper
from tokpipe.tokenizer.kernels.tables import (
    EIGHT,
    HALF,
    INNER_ROOT,
    LOW,
    MOST_CHARS,
    ONE,
    UNKNOWN,
    WORD_ROOT,
    ZERO,
    ModelTables,
    entry,
    words_of,
)


class Match(NamedTuple):
    """One step of the longest match: where it begins and ends, in characters, and the id.

    Where nothing fits, it ends where it begins, and the id is -1.
    """

    start: int
    end: int
    id: int


def longest_matches(
    word: str, begins: Mapping[str, int], inner: Mapping[str, int]
) -> Iterator[Match]:
    """Take the longest piece that fits, from the left, until the word ends or nothing fits.

    Parameters
    ----------
    word
        A word after normalisation.
    begins, inner
        The ids of the pieces that begin a word, and of those that go on with one, without prefix.

    Examples
    --------
    >>> list(longest_matches("hugs", {"h": 0, "hug": 1}, {"s": 2}))
    [Match(start=0, end=3, id=1), Match(start=3, end=4, id=2)]
    """
    start, fits = 0, True
    while start < len(word) and fits:
        pieces = inner if start else begins
        ends = (end for end in range(len(word), start, -1) if word[start:end] in pieces)
        end = next(ends, start)
        fits = end > start
        yield Match(start, end, pieces[word[start:end]] if fits else -1)
        start = end


def wordpiece_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece, by trying the longest first."""
    text, unknown = word.decode(), (int(model.settings[UNKNOWN]), len(word))
    begins, inner = (
        {piece.decode(): id for piece, id in words_of(model.trie, root).items()}
        for root in (WORD_ROOT, INNER_ROOT)
    )
    matches = list(longest_matches(text, begins, inner))
    if len(text) > model.settings[MOST_CHARS] or any(match.id < 0 for match in matches):
        return [unknown]
    return [(match.id, len(text[: match.end].encode())) for match in matches]


@compiled_helper
def wordpiece_word(address, size, settings, trie, mask, ids, ends):
    """Write the pieces of a word, longest match first, and return how many there are.

    Parameters
    ----------
    address, size : int64
        The word.
    settings, trie : int64
        Addresses of the arrays of `ModelTables`.
    mask : uint64
        Entries of the trie less one.
    ids, ends : int64
        Where to write int32 ids and int32 end bytes; `ends` 0 writes none.
    """
    chars = 0
    for i in range(address, address + size):
        chars += (load_u8(i) & 0xC0) != 0x80
    start, count, most = 0, 0, load_i64(settings + 8 * MOST_CHARS)
    while start < size and chars <= most:
        node = np.uint64(INNER_ROOT if start > 0 else WORD_ROOT)
        best, best_end, end = ZERO, start, start
        while end < size:
            key = (node << EIGHT | np.uint64(load_u8(address + end))) + ONE
            slot = entry(trie, mask, key)
            if load_u64(slot) == ZERO:
                break
            edge = load_u64(slot + 8)
            node = edge >> HALF
            end += 1
            if edge & LOW != ZERO:
                best, best_end = edge & LOW, end
        if best == ZERO:
            break
        store_i32(ids + 4 * count, np.int32(best) - np.int32(1))
        if ends != 0:
            store_i32(ends + 4 * count, np.int32(best_end))
        count += 1
        start = best_end
    if start < size:
        for i in range(1, count):  # leave nothing behind of what was tried
            store_i32(ids + 4 * i, np.int32(0))
            if ends != 0:
                store_i32(ends + 4 * i, np.int32(0))
        store_i32(ids, np.int32(load_i64(settings + 8 * UNKNOWN)))
        if ends != 0:
            store_i32(ends, np.int32(size))
        return 1
    return count
