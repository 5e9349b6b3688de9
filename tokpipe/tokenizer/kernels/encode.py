"""Texts to ids: split, look each word up in the cache, run the model on what is new.

The cache is a word table (`words.kernels.table`) whose value holds the ids of the word: the low
four bits say how many, and up to three ids of 20 bits each stand above them, so that a word met
before costs one cache line. Longer results (`_MANY` in the low bits) have an offset into ``pieces``
above them: the count there, then the ids.

A call encodes until its budget is used up and says in ``progress`` where it stands, inside a text
if need be; nothing is allocated. A word of more than `INLINE` bytes is left to the caller, who
merges it in windows (`long_words`): the caller adds its ids and calls again.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import (
    load_i32,
    load_i64,
    load_u8,
    store_i32,
    store_u8,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.tokenizer.kernels.bpe import NODE_BYTES
from tokpipe.tokenizer.kernels.model import encode_word, encode_word_reference
from tokpipe.tokenizer.kernels.tables import KIND, MOST_CHARS, UNKNOWN, WORDPIECE, model_addresses
from tokpipe.words.kernels.classes import rest_of, split_addresses, words_from
from tokpipe.words.kernels.layout import split_words
from tokpipe.words.kernels.split import take_word
from tokpipe.words.kernels.table import find_word, insert_word, word_key

LINE_FEED = 10  # in ASCII
INLINE = 4096  # bytes of a word up to which the kernel merges it itself
CACHED = 128  # bytes of a word up to which it is worth remembering
WORK_BYTES = INLINE + 64 + NODE_BYTES * INLINE  # a lower-cased copy, and the model's scratch
MOST_ID = (1 << 20) - 1  # what fits into the cache
DONE, MORE, ROOM, LONG = range(4)
PROGRESS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("text", "position", "match"),  # where to go on; `position` is one in the data
            "written",  # ids
            "pieces",  # of `CacheArrays.pieces`, how many are used
            # The word at which a call stopped: an offset into data or scratch, its bytes, whether
            # its letters are still to be lowered, and whether it is in scratch.
            *("word", "word_size", "lower", "in_scratch"),
        )
    ]
)

_MANY = 15  # all four bits of the count
_FIRST, _SECOND, _THIRD = 4, 24, 44  # shifts of the ids: 4 bits of a count, then 20 each make 64


class TextBatch(NamedTuple):
    """T texts and the M added tokens in them."""

    data: np.ndarray  # uint8[N + PADDING], offsets : int64[T + 1]: the texts, UTF-8
    offsets: np.ndarray
    # int64[M, 4]: added tokens found in the texts: start, end (in `data`), id and text, ascending
    matches: np.ndarray
    line_ends: bool  # whether a line feed at the end of a text is part of it


class CacheArrays(NamedTuple):
    """The words met before: a `WordTable`'s arrays, and ids of words of more than three."""

    # `head`, `slots`, `arena`: words are added while there is room
    head: np.ndarray
    slots: np.ndarray
    arena: np.ndarray
    pieces: np.ndarray  # int32[Q]


class Output(NamedTuple):
    """Where ids are written."""

    ids: np.ndarray  # int32[K]: K at least as large as all words
    borders: np.ndarray  # int64[T + 1]: the ids of text ``t`` end at ``borders[t + 1]``


def encode_texts_reference(batch, progress, budget, split, model, cache, out, scratch, work):
    # a cache makes no difference to the ids, so the twin has none
    data, offsets, matches, line_ends = batch
    written = 0
    for t in range(len(offsets) - 1):
        here, end = offsets[t], offsets[t + 1]
        if not line_ends and end > here and data[end - 1] == LINE_FEED:
            end -= 1
        ids = []
        for start, stop, id, _ in [m for m in matches.tolist() if here <= m[0] < end]:
            ids += [*_segment_reference(data[here:start], split, model), id]
            here = stop
        ids += _segment_reference(data[here:end], split, model)
        out.ids[written : written + len(ids)] = ids
        written += len(ids)
        out.borders[t + 1] = written
    progress["text"], progress["position"] = len(offsets) - 1, offsets[-1]
    progress["match"], progress["written"] = len(matches), written
    return DONE


def _segment_reference(segment, split, model):
    offsets = np.array([0, len(segment)], np.int64)
    words, borders, _ = split_words.reference(segment, offsets, split)
    pieces = [words[a:b].tobytes() for a, b in pairwise(borders)]
    return [id for word in pieces for id, _ in encode_word_reference(word, model)]


@inlined_helper
def _emit(value, pieces, out, written):
    """Write the ids that a cache value stands for; return how many are written by now."""
    here = out + 4 * written
    count = value & _MANY
    if count != _MANY:
        store_i32(here, np.int32((value >> _FIRST) & MOST_ID))
        store_i32(here + 4, np.int32((value >> _SECOND) & MOST_ID))
        store_i32(here + 8, np.int32((value >> _THIRD) & MOST_ID))
        return written + count
    source = pieces + 4 * (value >> _FIRST)
    count = np.int64(load_i32(source))
    for i in range(count):
        store_i32(here + 4 * i, load_i32(source + 4 + 4 * i))
    return written + count


@inlined_helper
def _cache_value(ids, count, pieces, used, most):
    """Return the cache value for ids at an address and the pieces used; -1 if there is no room."""
    if count <= 3:
        value = np.int64(count)
        for i in range(count):
            value |= np.int64(load_i32(ids + 4 * i)) << (_FIRST + 20 * i)
        return value, used
    if used + count + 1 > most:
        return np.int64(-1), used
    store_i32(pieces + 4 * used, np.int32(count))
    for i in range(count):
        store_i32(pieces + 4 * (used + 1 + i), load_i32(ids + 4 * i))
    return (used << _FIRST) | _MANY, used + count + 1


@inlined_helper
def _lower_copy(address, size, target):
    for i in range(size):
        byte = load_u8(address + i)
        if 65 <= byte <= 90:
            byte = np.uint8(byte + 32)
        store_u8(target + i, byte)


@inlined_helper
def _is_hopeless(size, model):
    """Say whether a word is too long for WordPiece whatever its characters are."""
    settings = model[0]
    is_wordpiece = load_i64(settings + 8 * KIND) == WORDPIECE
    return is_wordpiece and size > 4 * load_i64(settings + 8 * MOST_CHARS)


@compiled_helper
def _encode_new(word, size, lower, key, slot, model, cache, pieces, run, out, work):
    """Run the model on a word that is not cached, cache it if it fits; return how many ids it has.

    They are written at `out`.
    """
    head, arena = cache
    if _is_hopeless(size, model):
        store_i32(out, np.int32(load_i64(model[0] + 8 * UNKNOWN)))
        count, address = np.int64(1), word
    else:
        address = word
        if lower:
            _lower_copy(word, size, work)
            address = work
        count = np.int64(encode_word(address, size, model, out, np.int64(0), work + INLINE + 64))
    if size <= CACHED and load_i64(head) < load_i64(head + 8):
        value, used = _cache_value(out, count, pieces[0], run.pieces, pieces[1])
        if value >= 0 and insert_word(head, slot, arena, word, size, lower, key, value):
            run.pieces = used
    return count


@kernel(reference=encode_texts_reference)
def encode_texts(batch, progress, budget, split, model, cache, out, scratch, work):
    """Encode texts from where `progress` stands, until all are done or the budget is used up.

    Parameters
    ----------
    batch : TextBatch
    progress : PROGRESS[1]
        Changed in place.
    budget : int
        Bytes of words, and 16 a word, after which the call returns.
    split : SplitTables
    model : ModelTables
    cache : CacheArrays
    out : Output
    scratch, work : int
        Addresses of ``words.pre_tokenizers.scratch_bytes`` and of `WORK_BYTES` free bytes.

    Returns
    -------
    status : int
        `DONE`; `MORE`, the budget is used up; `ROOM`, `out.ids` may be too small for the next word,
        of `word_size` bytes; or `LONG`, the caller is to add the ids of the word that `progress`
        names.
    """
    addresses, splitter = model_addresses(model), split_addresses(split)
    data, offsets, matches, line_ends = batch.data, batch.offsets, batch.matches, batch.line_ends
    base, room, work_room = data.ctypes.data, np.int64(scratch), np.int64(work)
    table, mask = cache.slots.ctypes.data, np.uint64(cache.slots.size // 3 - 1)
    arena_address, run = cache.arena.ctypes.data, progress[0]
    words = cache.head.ctypes.data, arena_address
    piece_room = cache.pieces.ctypes.data, cache.pieces.size
    ids, written, most = out.ids.ctypes.data, run.written, out.ids.size - 4
    text, match, cursor = run.text, run.match, words_from(base + run.position)
    status, left = DONE, np.int64(budget)
    while text < offsets.size - 1:
        end = base + offsets[text + 1]
        if not line_ends and offsets[text + 1] > offsets[text]:
            end -= np.int64(load_u8(end - 1) == LINE_FEED)
        stop = end
        if match < matches.shape[0] and base + matches[match, 0] < end:
            stop = base + matches[match, 0]
        while left > 0:
            before = cursor
            cursor, word, size, lower = take_word(cursor, stop, splitter, room)
            if size == 0:
                break
            if written + size > most:
                cursor, status = before, ROOM
                run.word_size = size
                break
            left -= size + 16
            if size > CACHED:
                if size > INLINE and not _is_hopeless(size, addresses):
                    in_scratch = word < base or word >= base + data.size
                    run.word = word - (room if in_scratch else base)
                    run.word_size, run.lower, run.in_scratch = size, lower, in_scratch
                    status = LONG
                    break
                written += _encode_new(
                    word, size, lower, np.uint64(0), np.int64(0), addresses, words, piece_room,
                    run, ids + 4 * written, work_room,
                )  # fmt: skip
                continue
            key = word_key(word, size, lower)
            slot = find_word(table, mask, arena_address, word, size, lower, key)
            if load_i64(slot + 8) != 0:
                written = _emit(load_i64(slot + 16), piece_room[0], ids, written)
            else:
                written += _encode_new(
                    word, size, lower, key, slot, addresses, words, piece_room,
                    run, ids + 4 * written, work_room,
                )  # fmt: skip
        if status != DONE or left <= 0:
            break
        if stop < end:
            store_i32(ids + 4 * written, np.int32(matches[match, 2]))
            written += 1
            cursor = words_from(base + matches[match, 1])
            match += 1
            continue
        text += 1
        cursor = words_from(base + offsets[text])
        out.borders[text] = written
    if status == DONE and text < offsets.size - 1:
        status = MORE
    run.text, run.match, run.written = text, match, written
    run.position = rest_of(cursor) - base
    return status
