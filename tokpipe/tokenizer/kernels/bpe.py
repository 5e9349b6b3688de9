"""BPE on one word: merges by rank. Bytes in, ids out; symbols are uint64, bytes << 32 | id.

A merge never changes what it does by the order of equal ranks elsewhere, so "lowest rank, then
leftmost" over a list is the whole of BPE. Short words take a plain scan, O(n^2) with n about 7;
longer ones a heap over a linked list, O(n log n), which can be left and resumed.

References
----------
Sennrich, Haddow and Birch (2016), Neural Machine Translation of Rare Words with Subword Units,
section 3.2.
"""

from collections.abc import Hashable, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

import numpy as np

from tokpipe.foundation.intrinsics import (
    load_i32,
    load_i64,
    load_u8,
    load_u64,
    store_i32,
    store_u64,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.foundation.utf8 import decode_at
from tokpipe.tokenizer.kernels.tables import (
    BYTE_BPE,
    FUSE,
    HALF,
    KIND,
    LOW,
    UNKNOWN,
    WHOLE_WORDS,
    WORD_ROOT,
    ZERO,
    ModelTables,
    entries,
    entry,
    whole_word,
    words_of,
)

S = TypeVar("S", bound=Hashable)

SCAN = 64  # symbols up to which the scan beats the heap
NODE_BYTES = 32  # scratch a symbol: symbol, links, two heap places

# They keep the two kinds of keys in one table apart, and each from 0, which is a free entry
_MERGE_TAG, _CHAR_TAG = np.uint64(1 << 63), np.uint64(1 << 62)
_NEVER = np.uint64(0xFFFFFFFFFFFFFFFF)  # the rank of a pair that does not merge


def symbols_reference(word: bytes, model: ModelTables, edges: int = 3) -> list[tuple[int, int]]:
    """Return (id, bytes) of each character (or byte) of a word, before any merge.

    `edges` as of `bpe_symbols`.
    """
    unknown, fuse = int(model.settings[UNKNOWN]), bool(model.settings[FUSE])
    if model.settings[KIND] == BYTE_BPE:
        found = [(int(model.bytes[byte]), 1) for byte in word]
    else:
        ids, text = entries(model.pairs), word.decode()
        found = []
        for i, char in enumerate(text):
            place = edges & (i == 0) + 2 * (i == len(text) - 1)
            key = 1 << 62 | place << 32 | ord(char)
            found.append((ids.get(key, -1), len(char.encode())))
    symbols: list[tuple[int, int]] = []
    after_unknown = False
    for id, size in found:
        if id < 0 and after_unknown and fuse:
            symbols[-1] = unknown, symbols[-1][1] + size
        elif id >= 0 or unknown >= 0:
            symbols.append((id if id >= 0 else unknown, size))
        after_unknown = id < 0 and unknown >= 0
    return symbols


def merge_by_rank(symbols: list[S], merges: Mapping[tuple[S, S], tuple[int, S]]) -> Iterator[int]:
    """Merge the pair of the lowest rank, the leftmost of several, until nothing merges.

    Parameters
    ----------
    symbols
        Of a word; changed in place, one merge at a time.
    merges
        Pair to its rank, and the symbol that it becomes.

    Yields
    ------
    int
        Where the symbol is that was just made.

    Examples
    --------
    >>> symbols = list("aab")
    >>> list(merge_by_rank(symbols, {("a", "b"): (0, "ab"), ("a", "ab"): (1, "aab")})), symbols
    ([1, 0], ['aab'])
    """
    while True:
        ranks = [(merges[pair][0], i) for i, pair in enumerate(pairwise(symbols)) if pair in merges]
        if not ranks:
            return
        _, i = min(ranks)
        symbols[i : i + 2] = [merges[symbols[i], symbols[i + 1]][1]]
        yield i


def merges_of(model: ModelTables) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the merges of a model, by ids."""
    low = 0xFFFFFFFF
    return {
        (key >> 32 & low >> 1, key & low): (value >> 32, value & low)
        for key, value in entries(model.pairs).items()
        if key >> 63
    }


def bpe_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece."""
    whole = words_of(model.trie, WORD_ROOT) if model.settings[WHOLE_WORDS] else {}
    if word in whole:
        return [(whole[word], len(word))]
    symbols = symbols_reference(word, model)
    ids, sizes = [id for id, _ in symbols], [size for _, size in symbols]
    for i in merge_by_rank(ids, merges_of(model)):
        sizes[i : i + 2] = [sizes[i] + sizes[i + 1]]
    return list(zip(ids, np.cumsum(sizes).tolist(), strict=True))


@compiled_helper
def bpe_symbols(address, size, edges, settings, pairs, mask, bytes_, symbols):
    """Write the symbols of a word before any merge; return how many.

    `edges` is 3, or for a part of a word: 1 if the word begins there, plus 2 if it ends there.
    """
    unknown, fuse = load_i64(settings + 8 * UNKNOWN), load_i64(settings + 8 * FUSE)
    is_bytes = load_i64(settings + 8 * KIND) == BYTE_BPE
    i, count, after_unknown = 0, 0, False
    while i < size:
        length = np.int64(1)
        if is_bytes:
            id = np.int64(load_i32(bytes_ + 4 * np.int64(load_u8(address + i))))
        else:
            char, length = decode_at(address + i)
            place = edges & ((1 if i == 0 else 0) + (2 if i + length >= size else 0))
            slot = entry(pairs, mask, _CHAR_TAG | np.uint64(place) << HALF | np.uint64(char))
            id = np.int64(load_u64(slot + 8)) if load_u64(slot) != ZERO else np.int64(-1)
        i += length
        is_unknown = id < 0
        if is_unknown and after_unknown and fuse != 0:
            last = symbols + 8 * (count - 1)
            store_u64(last, load_u64(last) + (np.uint64(length) << HALF))
        elif not is_unknown or unknown >= 0:
            id = unknown if is_unknown else id
            store_u64(symbols + 8 * count, np.uint64(length) << HALF | np.uint64(id))
            count += 1
        after_unknown = is_unknown and unknown >= 0
    return count


@inlined_helper
def _rank(pairs, mask, left, right):
    """Return ``rank << 32 | new id`` of two symbols, or `_NEVER`."""
    key = _MERGE_TAG | (left & LOW) << HALF | (right & LOW)
    slot = entry(pairs, mask, key)
    return load_u64(slot + 8) if load_u64(slot) != ZERO else _NEVER


@compiled_helper
def merge_by_scan(symbols, count, pairs, mask, ranks):
    """Merge `count` symbols in place by looking over all ranks for each merge; return how many."""
    for i in range(count - 1):
        left, right = load_u64(symbols + 8 * i), load_u64(symbols + 8 * i + 8)
        store_u64(ranks + 8 * i, _rank(pairs, mask, left, right))
    while count > 1:
        best, at = _NEVER, 0
        for i in range(count - 1):
            rank = load_u64(ranks + 8 * i)
            if rank < best:
                best, at = rank, i
        if best == _NEVER:
            break
        here = symbols + 8 * at
        size = (load_u64(here) >> HALF) + (load_u64(here + 8) >> HALF)
        merged = size << HALF | (best & LOW)
        store_u64(here, merged)
        count -= 1
        for i in range(at + 1, count):
            store_u64(symbols + 8 * i, load_u64(symbols + 8 * i + 8))
            store_u64(ranks + 8 * i - 8, load_u64(ranks + 8 * i))
        if at > 0:
            rank = _rank(pairs, mask, load_u64(here - 8), merged)
            store_u64(ranks + 8 * at - 8, rank)
        if at < count - 1:
            store_u64(ranks + 8 * at, _rank(pairs, mask, merged, load_u64(here + 8)))
    return count


@inlined_helper
def _push(heap, count, key):
    """Put a key into a binary min-heap of `count`; the caller counts."""
    i = count
    while i > 0:
        parent = (i - 1) >> 1
        above = load_u64(heap + 8 * parent)
        if above <= key:
            break
        store_u64(heap + 8 * i, above)
        i = parent
    store_u64(heap + 8 * i, key)


@inlined_helper
def _pop(heap, count):
    """Take the least key out of a heap of `count` (at least 1); the caller counts."""
    least = load_u64(heap)
    last = load_u64(heap + 8 * (count - 1))
    size, i = count - 1, 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        key = load_u64(heap + 8 * child)
        if child + 1 < size and load_u64(heap + 8 * child + 8) < key:
            child += 1
            key = load_u64(heap + 8 * child)
        if key >= last:
            break
        store_u64(heap + 8 * i, key)
        i = child
    store_u64(heap + 8 * i, last)
    return least


@inlined_helper
def _offer(symbols, links, heap, waiting, left, right, pairs, mask):
    """Put the pair of two neighbours into the heap if it merges; return the heap's size."""
    if left < 0 or right < 0:
        return waiting
    rank = _rank(pairs, mask, load_u64(symbols + 8 * left), load_u64(symbols + 8 * right))
    if rank != _NEVER:
        _push(heap, waiting, (rank >> HALF) << HALF | np.uint64(left))
        waiting += 1
    return waiting


@compiled_helper
def start_heap(symbols, first, last, count, links, heap, waiting, pairs, mask):
    """Link symbols `first` to `last` of `count`, and put the pairs that merge into the heap.

    Returns the heap's size, `waiting` before.
    """
    for i in range(first, last):
        store_i32(links + 8 * i, np.int32(i - 1))
        store_i32(links + 8 * i + 4, np.int32(i + 1 if i + 1 < count else -1))
        if i > 0:
            waiting = _offer(symbols, links, heap, waiting, i - 1, i, pairs, mask)
    return waiting


@compiled_helper
def run_heap(symbols, links, heap, waiting, pairs, mask, steps):
    """Take up to `steps` pairs from the heap and merge them; return the heap's size.

    A merged-away symbol is 0 bytes long, which nothing else is. A key whose pair has changed since
    is known by its rank.
    """
    while waiting > 0 and steps > 0:
        key = _pop(heap, waiting)
        waiting -= 1
        steps -= 1
        left = np.int64(key & LOW)
        symbol, right = load_u64(symbols + 8 * left), np.int64(load_i32(links + 8 * left + 4))
        if symbol >> HALF == ZERO or right < 0:
            continue
        other = load_u64(symbols + 8 * right)
        rank = _rank(pairs, mask, symbol, other)
        if rank == _NEVER or rank >> HALF != key >> HALF:
            continue
        size = (symbol >> HALF) + (other >> HALF)
        store_u64(symbols + 8 * left, size << HALF | (rank & LOW))
        store_u64(symbols + 8 * right, ZERO)
        after = np.int64(load_i32(links + 8 * right + 4))
        store_i32(links + 8 * left + 4, np.int32(after))
        if after >= 0:
            store_i32(links + 8 * after, np.int32(left))
        before = np.int64(load_i32(links + 8 * left))
        waiting = _offer(symbols, links, heap, waiting, before, left, pairs, mask)
        waiting = _offer(symbols, links, heap, waiting, left, after, pairs, mask)
    return waiting


@inlined_helper
def _write_symbols(symbols, count, ids, ends):
    """Write the ids (and ends) of the symbols that are left; return how many."""
    written, end = 0, ZERO
    for i in range(count):
        symbol = load_u64(symbols + 8 * i)
        if symbol >> HALF != ZERO:
            store_i32(ids + 4 * written, np.int32(symbol & LOW))
            end += symbol >> HALF
            if ends != 0:
                store_i32(ends + 4 * written, np.int32(end))
            written += 1
    return written


@compiled_helper
def bpe_word(address, size, model, ids, ends, scratch):
    """Write the pieces of a word, merges by rank, and return how many there are.

    Parameters
    ----------
    model : tuple
        What `model_addresses` gives.
    scratch : int64
        Address of ``NODE_BYTES * size`` free bytes.
    """
    settings, trie, trie_mask, pairs, mask, bytes_ = model
    if load_i64(settings + 8 * WHOLE_WORDS) != 0:
        whole = whole_word(address, size, trie, trie_mask)
        if whole >= 0:
            store_i32(ids, np.int32(whole))
            if ends != 0:
                store_i32(ends, np.int32(size))
            return 1
    symbols = scratch
    count = bpe_symbols(address, size, 3, settings, pairs, mask, bytes_, symbols)
    if count <= SCAN:
        count = merge_by_scan(symbols, count, pairs, mask, scratch + 8 * count)
    else:
        links, heap = scratch + 8 * count, scratch + 16 * count
        waiting = start_heap(symbols, 0, count, count, links, heap, 0, pairs, mask)
        run_heap(symbols, links, heap, waiting, pairs, mask, np.int64(1) << 62)
    return _write_symbols(symbols, count, ids, ends)
