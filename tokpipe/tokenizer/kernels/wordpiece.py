"""WordPiece on one word: the longest token that fits, again and again. Bytes in, ids out.

References
----------
Schuster and Nakajima (2012), Japanese and Korean Voice Search, section 4.
"""

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
    entries,
    entry,
)


def wordpiece_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece, by trying the longest first."""
    edges = entries(model.trie)
    if len(word.decode()) > model.settings[MOST_CHARS]:
        return [(int(model.settings[UNKNOWN]), len(word))]
    pieces, start = [], 0
    while start < len(word):
        node, best = INNER_ROOT if start else WORD_ROOT, None
        for end in range(start, len(word)):
            edge = edges.get((node << 8 | word[end]) + 1)
            if edge is None:
                break
            node = edge >> 32
            if edge & 0xFFFFFFFF:
                best = (edge & 0xFFFFFFFF) - 1, end + 1
        if best is None:
            return [(int(model.settings[UNKNOWN]), len(word))]
        pieces.append(best)
        start = best[1]
    return pieces


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
