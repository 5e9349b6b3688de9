"""The models on one word: WordPiece by longest match, BPE by rank. Bytes in, ids out.

Layout of `ModelTables`:

``settings : int64[6]``
    Fields `KIND` and after.
``trie : uint64[2 * C]``
    An open-addressing table of edges, ``C`` a power of two, 16 bytes side by side: the key
    ``(node << 8 | byte) + 1`` (0 = free) and ``child << 32 | id + 1`` (low half 0 = no token ends
    there). Node 0 is the root of words, node 1 of what goes on inside a word (``##``).
``pairs : uint64[2 * P]``
    The same kind of table: key ``1 << 63 | left << 32 | right`` and ``rank << 32 | new id`` for
    merges; key ``1 << 62 | place << 32 | code point`` and the id for single characters, where
    place is 1 for the first of a word plus 2 for the last.
``bytes : int32[256]``
    The id of each byte (byte-level BPE); -1 where the vocabulary has none.

A merge never changes what it does by the order of equal ranks elsewhere, so "lowest rank, then
leftmost" over a list is the whole of BPE. Short words take a plain scan, O(n^2) with n about 7;
longer ones a heap over a linked list, O(n log n), which can be left and resumed.

References
----------
Sennrich, Haddow and Birch (2016), Neural Machine Translation of Rare Words with Subword Units,
section 3.2. Schuster and Nakajima (2012), Japanese and Korean Voice Search, section 4.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import (
    load_i32,
    load_i64,
    load_u8,
    load_u64,
    store_i32,
    store_u64,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel

KIND, UNKNOWN, MOST_CHARS, FUSE, WHOLE_WORDS = range(5)  # fields of `settings`
WORDPIECE, BYTE_BPE, CHAR_BPE = range(3)
WORD_ROOT, INNER_ROOT = 0, 1
SCAN = 64  # symbols up to which the scan beats the heap
NODE_BYTES = 32  # scratch a symbol: symbol, links, two heap places

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(29)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_EIGHT = np.uint64(8)
_MERGE_TAG, _CHAR_TAG = np.uint64(1 << 63), np.uint64(1 << 62)
_NEVER = np.uint64(0xFFFFFFFFFFFFFFFF)  # the rank of a pair that does not merge


class ModelTables(NamedTuple):
    """A model as arrays; see the module's layout."""

    settings: np.ndarray
    trie: np.ndarray
    pairs: np.ndarray
    bytes: np.ndarray


# -- twins: plain Python on dictionaries made from the same arrays


def _entries(table):  # type: ignore[no-untyped-def]
    return {int(key): int(value) for key, value in table.reshape(-1, 2) if key}


def wordpiece_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece, by trying the longest first."""
    edges = _entries(model.trie)
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


def symbols_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, bytes) of each character (or byte) of a word, before any merge."""
    unknown, fuse = int(model.settings[UNKNOWN]), bool(model.settings[FUSE])
    if model.settings[KIND] == BYTE_BPE:
        found = [(int(model.bytes[byte]), 1) for byte in word]
    else:
        ids, text = _entries(model.pairs), word.decode()
        found = []
        for i, char in enumerate(text):
            place = (i == 0) + 2 * (i == len(text) - 1)
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


def bpe_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece: merge the lowest rank, leftmost, until none is left."""
    if model.settings[WHOLE_WORDS] and (whole := _whole_word_reference(word, model)) is not None:
        return [(whole, len(word))]
    ranks, symbols = _entries(model.pairs), symbols_reference(word, model)
    while True:
        found = [ranks.get(1 << 63 | a[0] << 32 | b[0], 2**64) for a, b in pairwise(symbols)]
        if not found or min(found) == 2**64:
            break
        i = found.index(min(found))
        symbols[i : i + 2] = [(found[i] & 0xFFFFFFFF, symbols[i][1] + symbols[i + 1][1])]
    ends = np.cumsum([size for _, size in symbols]).tolist()
    return [(id, end) for (id, _), end in zip(symbols, ends, strict=True)]


def _whole_word_reference(word: bytes, model: ModelTables) -> int | None:
    edges, node, edge = _entries(model.trie), WORD_ROOT, 0
    for byte in word:
        edge = edges.get((node << 8 | byte) + 1, 0)
        if not edge:
            return None
        node = edge >> 32
    return (edge & 0xFFFFFFFF) - 1 if edge & 0xFFFFFFFF else None


def encode_word_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece of a word, whatever the model."""
    is_wordpiece = model.settings[KIND] == WORDPIECE
    return (wordpiece_reference if is_wordpiece else bpe_reference)(word, model)


# -- tables


@inlined_helper
def _entry(table, mask, key):  # type: ignore[no-untyped-def]
    """Return the address of the entry with a key, or of the free one where it belongs."""
    state = key * _MIX
    i = (state ^ (state >> _SPREAD)) & mask
    while True:
        slot = table + np.int64(i) * 16
        found = load_u64(slot)
        if found == key:
            return slot
        if found == _ZERO:
            return slot
        i = (i + _ONE) & mask


def put_entries_reference(keys, values, table):  # type: ignore[no-untyped-def]
    slots = len(table) // 2
    for key, value in zip(keys.tolist(), values.tolist(), strict=True):
        state = key * int(_MIX) & (2**64 - 1)
        i = (state ^ (state >> int(_SPREAD))) & (slots - 1)
        while int(table[2 * i]) not in (0, key):
            i = (i + 1) % slots
        table[2 * i : 2 * i + 2] = key, value


@kernel(reference=put_entries_reference)
def put_entries(keys, values, table):  # type: ignore[no-untyped-def]
    """Put keys with their values into an open-addressing table; a later equal key replaces.

    Parameters
    ----------
    keys, values : uint64[K]
        No key is 0.
    table : uint64[2 * C]
        Changed in place; C a power of two above the number of keys.
    """
    mask, base = np.uint64(table.size // 2 - 1), table.ctypes.data
    for i in range(keys.size):
        slot = _entry(base, mask, keys[i])
        store_u64(slot, keys[i])
        store_u64(slot + 8, values[i])
    _keep = table.size


def add_to_trie_reference(data, offsets, ids, root, nodes, trie):  # type: ignore[no-untyped-def]
    one_key, one_value = np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    for k in range(len(ids)):
        word, node, edges = data[offsets[k] : offsets[k + 1]].tolist(), int(root), _entries(trie)
        for i, byte in enumerate(word):
            key = (node << 8 | byte) + 1
            edge = edges.get(key)
            if edge is None:
                edge, nodes = nodes << 32, nodes + 1
            if i == len(word) - 1:
                edge = edge >> 32 << 32 | (int(ids[k]) + 1)
            one_key[0], one_value[0] = key, edge
            put_entries_reference(one_key, one_value, trie)
            node = edge >> 32
    return nodes


@kernel(reference=add_to_trie_reference)
def add_to_trie(data, offsets, ids, root, nodes, trie):  # type: ignore[no-untyped-def]
    """Add words with their ids to a trie, under one of its roots.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[W + 1]
        The words.
    ids : int32[W]
    root : int
        The node to begin at.
    nodes : int
        How many nodes there are.
    trie : uint64[2 * C]
        Changed in place; C above the number of edges.

    Returns
    -------
    nodes : int
        How many there are now.
    """
    mask, base = np.uint64(trie.size // 2 - 1), trie.ctypes.data
    for k in range(ids.size):
        node = np.uint64(root)
        for i in range(offsets[k], offsets[k + 1]):
            key = (node << _EIGHT | np.uint64(data[i])) + _ONE
            slot = _entry(base, mask, key)
            if load_u64(slot) == _ZERO:
                store_u64(slot, key)
                store_u64(slot + 8, np.uint64(nodes) << _HALF)
                nodes += 1
            edge = load_u64(slot + 8)
            node = edge >> _HALF
            if i == offsets[k + 1] - 1:
                store_u64(slot + 8, node << _HALF | np.uint64(ids[k] + 1))
    _keep = trie.size
    return nodes


# -- WordPiece


@compiled_helper
def wordpiece_word(address, size, settings, trie, mask, ids, ends):  # type: ignore[no-untyped-def]
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
        best, best_end, end = _ZERO, start, start
        while end < size:
            key = (node << _EIGHT | np.uint64(load_u8(address + end))) + _ONE
            slot = _entry(trie, mask, key)
            if load_u64(slot) == _ZERO:
                break
            edge = load_u64(slot + 8)
            node = edge >> _HALF
            end += 1
            if edge & _LOW != _ZERO:
                best, best_end = edge & _LOW, end
        if best == _ZERO:
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


# -- BPE: symbols are uint64, bytes << 32 | id


@inlined_helper
def _code_point(address):  # type: ignore[no-untyped-def]
    """Return the code point at an address and how many bytes it takes."""
    first = np.int64(load_u8(address))
    if first < 0x80:
        return first, 1
    second = np.int64(load_u8(address + 1)) & 63
    if first < 0xE0:
        return (first & 31) << 6 | second, 2
    third = np.int64(load_u8(address + 2)) & 63
    if first < 0xF0:
        return (first & 15) << 12 | second << 6 | third, 3
    fourth = np.int64(load_u8(address + 3)) & 63
    return (first & 7) << 18 | second << 12 | third << 6 | fourth, 4


@compiled_helper
def bpe_symbols(address, size, edges, settings, pairs, mask, bytes_, symbols):  # type: ignore[no-untyped-def]
    """Write the symbols of a word before any merge; return how many.

    `edges` is 3, or for a part of a word: 1 if the word begins there, plus 2 if it ends there.
    """
    unknown, fuse = load_i64(settings + 8 * UNKNOWN), load_i64(settings + 8 * FUSE)
    is_bytes = load_i64(settings + 8 * KIND) == BYTE_BPE
    i, count, after_unknown = 0, 0, False
    while i < size:
        length = 1
        if is_bytes:
            id = np.int64(load_i32(bytes_ + 4 * np.int64(load_u8(address + i))))
        else:
            char, length = _code_point(address + i)
            place = edges & ((1 if i == 0 else 0) + (2 if i + length >= size else 0))
            slot = _entry(pairs, mask, _CHAR_TAG | np.uint64(place) << _HALF | np.uint64(char))
            id = np.int64(load_u64(slot + 8)) if load_u64(slot) != _ZERO else np.int64(-1)
        i += length
        is_unknown = id < 0
        if is_unknown and after_unknown and fuse != 0:
            last = symbols + 8 * (count - 1)
            store_u64(last, load_u64(last) + (np.uint64(length) << _HALF))
        elif not is_unknown or unknown >= 0:
            id = unknown if is_unknown else id
            store_u64(symbols + 8 * count, np.uint64(length) << _HALF | np.uint64(id))
            count += 1
        after_unknown = is_unknown and unknown >= 0
    return count


@inlined_helper
def _rank(pairs, mask, left, right):  # type: ignore[no-untyped-def]
    """Return ``rank << 32 | new id`` of two symbols, or `_NEVER`."""
    key = _MERGE_TAG | (left & _LOW) << _HALF | (right & _LOW)
    slot = _entry(pairs, mask, key)
    return load_u64(slot + 8) if load_u64(slot) != _ZERO else _NEVER


@compiled_helper
def merge_by_scan(symbols, count, pairs, mask, ranks):  # type: ignore[no-untyped-def]
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
        size = (load_u64(here) >> _HALF) + (load_u64(here + 8) >> _HALF)
        merged = size << _HALF | (best & _LOW)
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
def _push(heap, count, key):  # type: ignore[no-untyped-def]
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
def _pop(heap, count):  # type: ignore[no-untyped-def]
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
def _offer(symbols, links, heap, waiting, left, right, pairs, mask):  # type: ignore[no-untyped-def]
    """Put the pair of two neighbours into the heap if it merges; return the heap's size."""
    if left < 0 or right < 0:
        return waiting
    rank = _rank(pairs, mask, load_u64(symbols + 8 * left), load_u64(symbols + 8 * right))
    if rank != _NEVER:
        _push(heap, waiting, (rank >> _HALF) << _HALF | np.uint64(left))
        waiting += 1
    return waiting


@compiled_helper
def start_heap(symbols, first, last, count, links, heap, waiting, pairs, mask):  # type: ignore[no-untyped-def]
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
def run_heap(symbols, links, heap, waiting, pairs, mask, steps):  # type: ignore[no-untyped-def]
    """Take up to `steps` pairs from the heap and merge them; return the heap's size.

    A merged-away symbol is 0 bytes long, which nothing else is. A key whose pair has changed since
    is known by its rank.
    """
    while waiting > 0 and steps > 0:
        key = _pop(heap, waiting)
        waiting -= 1
        steps -= 1
        left = np.int64(key & _LOW)
        symbol, right = load_u64(symbols + 8 * left), np.int64(load_i32(links + 8 * left + 4))
        if symbol >> _HALF == _ZERO or right < 0:
            continue
        other = load_u64(symbols + 8 * right)
        rank = _rank(pairs, mask, symbol, other)
        if rank == _NEVER or rank >> _HALF != key >> _HALF:
            continue
        size = (symbol >> _HALF) + (other >> _HALF)
        store_u64(symbols + 8 * left, size << _HALF | (rank & _LOW))
        store_u64(symbols + 8 * right, _ZERO)
        after = np.int64(load_i32(links + 8 * right + 4))
        store_i32(links + 8 * left + 4, np.int32(after))
        if after >= 0:
            store_i32(links + 8 * after, np.int32(left))
        before = np.int64(load_i32(links + 8 * left))
        waiting = _offer(symbols, links, heap, waiting, before, left, pairs, mask)
        waiting = _offer(symbols, links, heap, waiting, left, after, pairs, mask)
    return waiting


@inlined_helper
def _write_symbols(symbols, count, ids, ends):  # type: ignore[no-untyped-def]
    """Write the ids (and ends) of the symbols that are left; return how many."""
    written, end = 0, _ZERO
    for i in range(count):
        symbol = load_u64(symbols + 8 * i)
        if symbol >> _HALF != _ZERO:
            store_i32(ids + 4 * written, np.int32(symbol & _LOW))
            end += symbol >> _HALF
            if ends != 0:
                store_i32(ends + 4 * written, np.int32(end))
            written += 1
    return written


@inlined_helper
def whole_word(address, size, trie, mask):  # type: ignore[no-untyped-def]
    """Return the id of a word that is a token, or -1."""
    node, edge = np.uint64(WORD_ROOT), _ZERO
    for i in range(address, address + size):
        slot = _entry(trie, mask, (node << _EIGHT | np.uint64(load_u8(i))) + _ONE)
        edge = load_u64(slot + 8)
        if load_u64(slot) == _ZERO:
            return np.int64(-1)
        node = edge >> _HALF
    return np.int64(edge & _LOW) - 1


@inlined_helper
def longest_token(position, end, trie, mask):  # type: ignore[no-untyped-def]
    """Return id and bytes of the longest token at an address, 0 bytes if there is none."""
    node, start, best, size = np.uint64(WORD_ROOT), position, np.int64(-1), np.int64(0)
    while position < end:
        slot = _entry(trie, mask, (node << _EIGHT | np.uint64(load_u8(position))) + _ONE)
        if load_u64(slot) == _ZERO:
            break
        edge = load_u64(slot + 8)
        node = edge >> _HALF
        position += 1
        if edge & _LOW != _ZERO:
            best, size = np.int64(edge & _LOW) - 1, position - start
    return best, size


@compiled_helper
def bpe_word(address, size, model, ids, ends, scratch):  # type: ignore[no-untyped-def]
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


@inlined_helper
def model_addresses(model):  # type: ignore[no-untyped-def]
    """Return the addresses and masks of a model, as `encode_word` takes them."""
    return (
        model.settings.ctypes.data,
        model.trie.ctypes.data,
        np.uint64(model.trie.size // 2 - 1),
        model.pairs.ctypes.data,
        np.uint64(model.pairs.size // 2 - 1),
        model.bytes.ctypes.data,
    )


@inlined_helper
def encode_word(address, size, model, ids, ends, scratch):  # type: ignore[no-untyped-def]
    """Write the pieces of a word, whatever the model, and return how many there are."""
    settings, trie, mask = model[0], model[1], model[2]
    if load_i64(settings + 8 * KIND) == WORDPIECE:
        return wordpiece_word(address, size, settings, trie, mask, ids, ends)
    return bpe_word(address, size, model, ids, ends, scratch)


def encode_words_reference(data, starts, ends, first, model, ids, piece_ends, counts, scratch):  # type: ignore[no-untyped-def]
    written = 0
    for k in range(first, len(starts)):
        if (len(ids) - written) < ends[k] - starts[k] + 1:
            return k, written
        pieces = encode_word_reference(data[starts[k] : ends[k]].tobytes(), model)
        for id, end in pieces:
            ids[written], piece_ends[written] = id, starts[k] + end
            written += 1
        counts[k] = len(pieces)
    return len(starts), written


@kernel(reference=encode_words_reference)
def encode_words(data, starts, ends, first, model, ids, piece_ends, counts, scratch):  # type: ignore[no-untyped-def]
    """Encode words that are marked in a text, with the end of each piece.

    Parameters
    ----------
    data : uint8[N + PADDING]
    starts, ends : int64[W]
        Borders of the words in `data`.
    first : int
        The word to begin with.
    model : ModelTables
    ids, piece_ends : int32[K]
        Written from the start: the id of each piece, and where in `data` it ends.
    counts : int32[W]
        Written: how many pieces each word has.
    scratch : int
        Address of ``NODE_BYTES * S`` free bytes, S the size of the longest word.

    Returns
    -------
    next : int
        The word to go on with when `ids` was full; W when all are done.
    written : int
        How many ids were written.
    """
    addresses = model_addresses(model)
    base, out, out_ends = data.ctypes.data, ids.ctypes.data, piece_ends.ctypes.data
    work, written, k = np.int64(scratch), 0, np.int64(first)
    while k < starts.size:
        size = ends[k] - starts[k]
        if ids.size - written < size + 1:
            break
        found = encode_word(
            base + starts[k], size, addresses, out + 4 * written, out_ends + 4 * written, work
        )
        for i in range(written, written + found):
            piece_ends[i] += starts[k]
        counts[k] = found
        written += found
        k += 1
    _keep = data.size + ids.size + piece_ends.size
    _keep += model.settings.size + model.trie.size + model.pairs.size + model.bytes.size
    return k, written
