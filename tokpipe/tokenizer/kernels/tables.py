"""A model as arrays: open-addressing tables of a trie's edges, of merges and of characters.

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
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import load_u8, load_u64, store_u64
from tokpipe.foundation.jit import inlined_helper, kernel

KIND, UNKNOWN, MOST_CHARS, FUSE, WHOLE_WORDS = range(5)  # fields of `settings`
WORDPIECE, BYTE_BPE, CHAR_BPE = range(3)
WORD_ROOT, INNER_ROOT = 0, 1  # nodes of the trie

ONE, ZERO = np.uint64(1), np.uint64(0)
LOW, HALF, EIGHT = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(8)  # fields of keys and values
# 2^64 / golden ratio, as in Fibonacci hashing; the high bits of a product depend on the whole key,
# and the shift brings 35 of them down to where the mask cuts
_MIX, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


class ModelTables(NamedTuple):
    """A model as arrays; see the module's layout."""

    settings: np.ndarray
    trie: np.ndarray
    pairs: np.ndarray
    bytes: np.ndarray


@inlined_helper
def model_addresses(model):
    """Return the addresses and masks of a model, as `encode_word` takes them."""
    return (
        model.settings.ctypes.data,
        model.trie.ctypes.data,
        np.uint64(model.trie.size // 2 - 1),
        model.pairs.ctypes.data,
        np.uint64(model.pairs.size // 2 - 1),
        model.bytes.ctypes.data,
    )


def entries(table):
    return {int(key): int(value) for key, value in table.reshape(-1, 2) if key}


def words_of(trie, root):
    """Return the words under a root of a trie, as bytes, with their ids."""
    edges = defaultdict(list)
    for key, value in entries(trie).items():
        edges[key - 1 >> 8].append((key - 1 & 255, value >> 32, (value & 0xFFFFFFFF) - 1))
    words, waiting = {}, [(root, b"")]
    for node, text in waiting:
        for byte, child, id in edges[node]:
            longer = text + bytes([byte])
            waiting.append((child, longer))
            if id >= 0:
                words[longer] = id
    return words


@inlined_helper
def entry(table, mask, key):
    """Return the address of the entry with a key, or of the free one where it belongs."""
    state = key * _MIX
    i = (state ^ (state >> _SPREAD)) & mask
    while True:
        slot = table + np.int64(i) * 16
        found = load_u64(slot)
        if found == key:
            return slot
        if found == ZERO:
            return slot
        i = (i + ONE) & mask


def put_entries_reference(keys, values, table):
    slots = len(table) // 2
    for key, value in zip(keys.tolist(), values.tolist(), strict=True):
        state = key * int(_MIX) & (2**64 - 1)
        i = (state ^ (state >> int(_SPREAD))) & (slots - 1)
        while int(table[2 * i]) not in (0, key):
            i = (i + 1) % slots
        table[2 * i : 2 * i + 2] = key, value


@kernel(reference=put_entries_reference)
def put_entries(keys, values, table):
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
        slot = entry(base, mask, keys[i])
        store_u64(slot, keys[i])
        store_u64(slot + 8, values[i])


def add_to_trie_reference(data, offsets, ids, root, nodes, trie):
    one_key, one_value = np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    for k in range(len(ids)):
        word, node, edges = data[offsets[k] : offsets[k + 1]].tolist(), int(root), entries(trie)
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
def add_to_trie(data, offsets, ids, root, nodes, trie):
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
            key = (node << EIGHT | np.uint64(data[i])) + ONE
            slot = entry(base, mask, key)
            if load_u64(slot) == ZERO:
                store_u64(slot, key)
                store_u64(slot + 8, np.uint64(nodes) << HALF)
                nodes += 1
            edge = load_u64(slot + 8)
            node = edge >> HALF
            if i == offsets[k + 1] - 1:
                store_u64(slot + 8, node << HALF | np.uint64(ids[k] + 1))
    return nodes


@inlined_helper
def whole_word(address, size, trie, mask):
    """Return the id of a word that is a token, or -1."""
    node, edge = np.uint64(WORD_ROOT), ZERO
    for i in range(address, address + size):
        slot = entry(trie, mask, (node << EIGHT | np.uint64(load_u8(i))) + ONE)
        edge = load_u64(slot + 8)
        if load_u64(slot) == ZERO:
            return np.int64(-1)
        node = edge >> HALF
    return np.int64(edge & LOW) - 1


@inlined_helper
def longest_token(position, end, trie, mask):
    """Return id and bytes of the longest token at an address, 0 bytes if there is none."""
    node, start, best, size = np.uint64(WORD_ROOT), position, np.int64(-1), np.int64(0)
    while position < end:
        slot = entry(trie, mask, (node << EIGHT | np.uint64(load_u8(position))) + ONE)
        if load_u64(slot) == ZERO:
            break
        edge = load_u64(slot + 8)
        node = edge >> HALF
        position += 1
        if edge & LOW != ZERO:
            best, size = np.int64(edge & LOW) - 1, position - start
    return best, size
