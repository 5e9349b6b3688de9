"""Texts to counts: every word of a batch is found, looked up and counted in one pass."""

from itertools import pairwise

import numpy as np

from tokpipe.foundation.intrinsics import (
    keep_alive,
    load_i64,
    load_u64,
    prefetch,
    store_i64,
    store_u64,
)
from tokpipe.foundation.jit import kernel
from tokpipe.words.kernels.classes import rest_of, split_addresses, words_from
from tokpipe.words.kernels.layout import split_words_reference
from tokpipe.words.kernels.split import take_word
from tokpipe.words.kernels.table import (
    _MIX,
    SLOT_BYTES,
    add_words_reference,
    find_word,
    first_slot,
    first_slot_reference,
    insert_word,
    word_key,
    word_key_reference,
)

_BATCH = 16  # words whose slots are asked for before the first is looked at: 250 -> 290 MB/s
# The fields of an entry of the batch, in bytes: the word, and where to go on if it finds no room.
# By address, as all that is done once a word.
_WORD, _SIZE, _KEY, _LOWER, _TEXT, _AT = range(0, 48, 8)
_ENTRY_BYTES = 48
COUNTED_AT_ONCE = 8 << 20  # bytes of text in one call, at a word's end: 40 to 100 ms


def count_texts_reference(
    data, offsets, left_out, text, position, tables, scratch_bytes, head, slots, arena
):
    """Count with the other twins; the table must have room for all words."""
    borders = np.array([position, *offsets[text + 1 :]])
    kept = [t for t in range(len(borders) - 1) if not left_out[text + t]]
    total = 0
    for t in kept:
        words, word_borders, _ = split_words_reference(data, borders[t : t + 2], tables)
        ones = np.ones(len(word_borders) - 1, np.int64)
        add_words_reference(words, word_borders, ones, False, 0, head, slots, arena)
        total += len(ones)
    return len(offsets) - 1, int(borders[-1]), 0, total


@kernel(reference=count_texts_reference)
def count_texts(data, offsets, left_out, text, position, tables, scratch_bytes, head, slots, arena):
    """Add the words of texts to a table, until it is full or the call has lasted long enough.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[T + 1]
        The texts, UTF-8.
    left_out : bool[T]
        Texts to pass over.
    text, position : int
        Where to begin: a text and a place in `data`, ``0, offsets[0]`` at first.
    tables : SplitTables
        How texts are split.
    scratch_bytes : int
        Room for a word, see `words.pre_tokenizers.scratch_bytes`.
    head : int64[4], slots : uint64[3 * C], arena : uint8[A]
        The table, see `words.kernels.table`; changed in place.

    Returns
    -------
    text, position : int
        Where to go on; text T at the end.
    needed : int
        Bytes of the word for which the table has no room, or 0.
    words : int
        How many words were counted.
    """
    scratch = np.empty(scratch_bytes, np.uint8)
    split, room = split_addresses(tables), np.int64(scratch.ctypes.data)
    head_address, slots_address = np.int64(head.ctypes.data), np.int64(slots.ctypes.data)
    arena_address, base = np.int64(arena.ctypes.data), np.int64(data.ctypes.data)
    mask = np.uint64(slots.size // 3 - 1)
    texts, words, needed = np.int64(offsets.size - 1), np.int64(0), np.int64(0)
    text, at = np.int64(text), base + np.int64(position)
    stop = at + COUNTED_AT_ONCE
    batch = np.empty((_BATCH, 6), np.int64)
    entries = np.int64(batch.ctypes.data)
    cursor = words_from(at)
    while text < texts and at < stop and needed == 0:
        filled = np.int64(0)
        while filled < _BATCH and text < texts and at < stop:
            end, size = base + offsets[text + 1], np.int64(0)
            if not left_out[text]:
                cursor, word, size, lower = take_word(cursor, end, split, room)
            if size == 0:
                at, text, cursor = end, text + 1, words_from(end)
                continue
            key = word_key(word, size, lower)
            prefetch(slots_address + np.int64(first_slot(key, size) & mask) * SLOT_BYTES)
            entry = entries + _ENTRY_BYTES * filled
            store_i64(entry + _WORD, word)
            store_i64(entry + _SIZE, size)
            store_u64(entry + _KEY, key)
            store_i64(entry + _LOWER, np.int64(lower))
            store_i64(entry + _TEXT, text)
            store_i64(entry + _AT, at)
            filled += 1
            at = rest_of(cursor)
            if word == room:  # the next call would overwrite it
                break
        for i in range(filled):
            entry = entries + _ENTRY_BYTES * i
            word, size = load_i64(entry + _WORD), load_i64(entry + _SIZE)
            key = load_u64(entry + _KEY)
            lower = load_i64(entry + _LOWER) != 0
            slot = find_word(slots_address, mask, arena_address, word, size, lower, key)
            if load_i64(slot + 8) != 0:
                store_i64(slot + 16, load_i64(slot + 16) + 1)
            elif not insert_word(head_address, slot, arena_address, word, size, lower, key, 1):
                needed, text, at = size, load_i64(entry + _TEXT), load_i64(entry + _AT)
                break
            words += 1
    keep_alive(scratch)
    keep_alive(batch)
    return text, at - base, needed, words


def texts_below_reference(data, offsets, threshold):
    texts = [data[a:b].tobytes() for a, b in pairwise(offsets)]
    mixed = [first_slot_reference(word_key_reference(t), len(t), 1 << 64) for t in texts]
    return np.array([m * int(_MIX) % 2**64 < threshold for m in mixed], np.bool_)


@kernel(reference=texts_below_reference)
def texts_below(data, offsets, threshold):
    """Choose texts (bool[T]) by a hash of their bytes: always the same ones, wherever they stand.

    Texts are `data`, uint8[N + PADDING], between `offsets`, int64[T + 1]; the threshold, uint64, is
    the share of them to choose, times 2^64.
    """
    chosen = np.empty(offsets.size - 1, np.bool_)
    base = np.int64(data.ctypes.data)
    for t in range(chosen.size):
        size = offsets[t + 1] - offsets[t]
        key = np.uint64(0)
        if size > 0:
            key = word_key(base + offsets[t], size, False)
        chosen[t] = first_slot(key, size) * _MIX < threshold
    return chosen
