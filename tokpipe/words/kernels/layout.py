"""Faces that lay the words of texts out, or say where they are; with their twins."""

import re
import unicodedata
from itertools import groupby, pairwise

import numpy as np

from tokpipe.foundation.intrinsics import keep_alive, load_u8, store_u8
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.utf8 import copy_bytes
from tokpipe.words.kernels.classes import (
    BERT,
    GPT2,
    NONE,
    WHITESPACE,
    WHITESPACE_SPLIT,
    split_addresses,
    words_from,
)
from tokpipe.words.kernels.growth import larger
from tokpipe.words.kernels.paged import look_up, string
from tokpipe.words.kernels.split import take_word
from tokpipe.words.tables.names import (
    ALONE,
    ALONE_MAPPED,
    DROPPED,
    DROPPED_STARTER,
    HANGUL,
    PLAIN,
    SEPARATOR,
    SORTED,
)


def split_words_reference(data, offsets, tables):
    words, text_words = [], [0]
    for start, end in pairwise(offsets):
        text = data[start:end].tobytes().decode()
        found = _bert_reference if tables.kind == BERT else _pattern_reference
        words += [word.encode() for word in found(text, tables)]
        text_words.append(len(words))
    borders = np.cumsum([0] + [len(word) for word in words]).astype(np.int64)
    return np.frombuffer(b"".join(words), np.uint8), borders, np.array(text_words, np.int64)


def _bert_reference(text, tables):
    """Normalise character by character, sort the marks, then cut at spaces and round the lone."""
    marked = []  # (character, what to do with it); None for a place that marks do not cross
    for character in text:
        kind = look_up(tables.classes, character, tables.pages)
        if kind == DROPPED_STARTER:
            marked.append(None)
        elif kind == SEPARATOR:
            marked.append((" ", SEPARATOR))
        elif kind != DROPPED:
            lone = ALONE if kind in (ALONE, ALONE_MAPPED) else PLAIN
            marked += [(part, lone) for part in _replaced(character, kind, tables)]
    words = [""]
    for part, kind in filter(None, _in_canonical_order(marked, tables)):
        if kind == PLAIN:
            words[-1] += part
        else:
            words += [part if kind == ALONE else "", ""]
    return [word for word in words if word]


def _replaced(character, kind, tables):
    if kind == HANGUL:
        return unicodedata.normalize("NFD", character)  # arithmetic, the same in all editions
    number = look_up(tables.replacements, character, tables.pages)
    if kind in (PLAIN, ALONE) or (kind == SORTED and number == 0):
        return character.lower() if tables.lower and character.isascii() else character
    return string(number, tables)


def _in_canonical_order(marked, tables):
    """Sort each run of marks that are kept; only stripping of accents reorders."""
    if not (tables.classes == SORTED).any():
        return marked

    def combining(item):
        return look_up(tables.combining, item[0], tables.pages) if item else 0

    runs = (list(run) for _, run in groupby(marked, key=lambda item: combining(item) > 0))
    return [item for run in runs for item in sorted(run, key=combining)]


_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
# on a text whose characters are replaced by their classes; a blank is b, other white space s
_PATTERNS = {
    GPT2: re.compile(r"b?l+|b?n+|b?o+|[bs]+(?![lno])|[bs]+"),
    WHITESPACE: re.compile("l+|o+"),
    WHITESPACE_SPLIT: re.compile("o+"),
    NONE: re.compile(".+"),
}


def _pattern_reference(text, tables):
    """Find the words by the regular expression itself, on the classes of the characters."""
    kinds = ("olns"[look_up(tables.classes, c, tables.pages)] if c != " " else "b" for c in text)
    classes, words, position = "".join(kinds), [], 0
    while position < len(text):
        contractions = (c for c in _CONTRACTIONS if text.startswith(c, position))
        word = next(contractions, "") if tables.kind == GPT2 else ""
        if not word:
            match = _PATTERNS[tables.kind].match(classes, position)
            word = text[position : match.end()] if match else ""
        words += [word] if word else []
        position += len(word) or 1
    return words


@kernel(reference=split_words_reference)
def split_words(data, offsets, tables):
    """Lay the words of all texts out, normalised as the tables say.

    Texts are UTF-8 in `data`, uint8[N + PADDING], between `offsets`, int64[T + 1]; the tables are
    of `tokpipe.words.pre_tokenizers.split_tables`. Returned are words end to end, uint8[M], the
    border of each, int64[W + 1], and which belong to which text, int64[T + 1].
    """
    texts = offsets.size - 1
    split, base = split_addresses(tables), np.int64(data.ctypes.data)
    longest = np.int64(0)
    for t in range(texts):
        longest = max(longest, offsets[t + 1] - offsets[t])
    scratch = np.empty(6 * longest + 64, np.uint8)
    room = np.int64(scratch.ctypes.data)
    out = np.empty(offsets[texts] - offsets[0] + 64, np.uint8)
    borders = np.zeros(16, np.int64)
    text_words = np.zeros(texts + 1, np.int64)
    count = np.int64(0)
    for t in range(texts):
        cursor, end = words_from(base + offsets[t]), base + offsets[t + 1]
        while True:
            cursor, word, size, lower = take_word(cursor, end, split, room)
            if size == 0:
                break
            if borders[count] + size + 64 > out.size:
                out = larger(out, borders[count] + size + 64)
            if count + 2 > borders.size:
                borders = larger(borders, count + 2)
            target = np.int64(out.ctypes.data) + borders[count]
            copy_bytes(target, word, size)
            if lower:
                _lower_in_place(target, size)
            count += 1
            borders[count] = borders[count - 1] + size
        text_words[t + 1] = count
    keep_alive(scratch)
    return out[: borders[count]].copy(), borders[: count + 1].copy(), text_words


@inlined_helper
def _lower_in_place(address, size):
    for i in range(size):
        byte = load_u8(address + i)
        if 65 <= byte <= 90:
            store_u8(address + i, np.uint8(byte + 32))


def word_spans_reference(data, offsets, tables):
    starts, ends, text_words = [], [], [0]
    for start, end in pairwise(offsets):
        text, place = data[start:end].tobytes().decode(), int(start)
        found = _bert_reference if tables.kind == BERT else _pattern_reference
        for word in found(text, tables):
            place = data.tobytes().index(word.encode(), place)
            starts.append(place)
            place += len(word.encode())
            ends.append(place)
        text_words.append(len(starts))
    return tuple(np.array(values, np.int64) for values in (starts, ends, text_words))


@kernel(reference=word_spans_reference)
def word_spans(data, offsets, tables):
    """Return where the words are in texts that the tables do not change.

    Texts are normalised UTF-8 in `data`, uint8[N + PADDING], between `offsets`, int64[T + 1]; the
    tables are of `tokpipe.words.pre_tokenizers.plain_split_tables`. Returned are starts and ends in
    `data`, int64[W], and which words belong to which text, int64[T + 1].
    """
    texts = offsets.size - 1
    split, base = split_addresses(tables), np.int64(data.ctypes.data)
    starts, ends = np.empty(16, np.int64), np.empty(16, np.int64)
    text_words = np.zeros(texts + 1, np.int64)
    count = np.int64(0)
    for t in range(texts):
        cursor, end = words_from(base + offsets[t]), base + offsets[t + 1]
        while True:
            cursor, word, size, _ = take_word(cursor, end, split, base)  # nothing is rewritten
            if size == 0:
                break
            if count == starts.size:
                starts, ends = larger(starts, count + 1), larger(ends, count + 1)
            starts[count] = word - base
            ends[count] = word - base + size
            count += 1
        text_words[t + 1] = count
    return starts[:count].copy(), ends[:count].copy(), text_words
