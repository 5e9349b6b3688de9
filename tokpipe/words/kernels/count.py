"""Texts to counts: every word of a batch is found, looked up and counted in one pass."""

from itertools import pairwise

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, store_i64
from tokpipe.foundation.jit import kernel
from tokpipe.words.kernels.split import (
    rest_of,
    split_addresses,
    split_words_reference,
    take_word,
    words_from,
)
from tokpipe.words.kernels.table import (
    _MIX,
    add_words_reference,
    find_word,
    first_slot,
    first_slot_reference,
    insert_word,
    word_key,
    word_key_reference,
)

COUNTED_AT_ONCE = 8 << 20  # bytes of text in one call, at a word's end: 40 to 100 ms


def count_texts_reference(
    data, offsets, left_out, text, position, tables, scratch_bytes, head, slots, arena
):  # type: ignore[no-untyped-def]
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
def count_texts(data, offsets, left_out, text, position, tables, scratch_bytes, head, slots, arena):  # type: ignore[no-untyped-def]
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
        Room for a word, see `words.split.scratch_bytes`.
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
    while text < texts and at < stop:
        end, size = base + offsets[text + 1], np.int64(1)
        if left_out[text]:
            at, size = end, np.int64(0)
        cursor = words_from(at)
        while size > 0 and at < stop:
            cursor, word, size, lower = take_word(cursor, end, split, room)
            if size > 0:
                key = word_key(word, size, lower)
                slot = find_word(slots_address, mask, arena_address, word, size, lower, key)
                if load_i64(slot + 8) != 0:
                    store_i64(slot + 16, load_i64(slot + 16) + 1)
                elif not insert_word(head_address, slot, arena_address, word, size, lower, key, 1):
                    needed = size
                    break
                words += 1
                at = rest_of(cursor)
        if needed != 0:
            break
        if size == 0:
            at, text = end, text + 1
    kept = data.size + scratch.size + head.size + slots.size + arena.size  # alive until here
    return text, at - base if kept else np.int64(0), needed, words


def texts_below_reference(data, offsets, threshold):  # type: ignore[no-untyped-def]
    texts = [data[a:b].tobytes() for a, b in pairwise(offsets)]
    mixed = [first_slot_reference(word_key_reference(t), len(t), 1 << 64) for t in texts]
    return np.array([m * int(_MIX) % 2**64 < threshold for m in mixed], np.bool_)


@kernel(reference=texts_below_reference)
def texts_below(data, offsets, threshold):  # type: ignore[no-untyped-def]
    """Choose texts by a hash of their bytes: always the same ones, wherever they stand.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[T + 1]
        The texts.
    threshold : uint64
        The share of texts to choose, times 2^64.

    Returns
    -------
    chosen : bool[T]
    """
    chosen = np.empty(offsets.size - 1, np.bool_)
    base = np.int64(data.ctypes.data)
    for t in range(chosen.size):
        size = offsets[t + 1] - offsets[t]
        key = np.uint64(0)
        if size > 0:
            key = word_key(base + offsets[t], size, False)
        chosen[t] = first_slot(key, size) * _MIX < threshold
    kept = data.size  # alive until here
    return chosen if kept else chosen[:0]
