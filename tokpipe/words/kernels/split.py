"""Texts to words on UTF-8 bytes: `take_word` for other kernels, and faces that lay words out.

A kernel walks a text with a cursor, on addresses and on the tables that `split_addresses` takes
from a `tokpipe.words.split.SplitTables`::

    split = split_addresses(tables)
    cursor, end = words_from(data_address + offsets[t]), data_address + offsets[t + 1]
    while True:
        cursor, word, size, lower = take_word(cursor, end, split, scratch)
        if size == 0:
            break

A word is `size` bytes at address `word`: in the text itself where it stands there as it is, else
in `scratch`, where the next call overwrites it. If `lower` is set, its ASCII capitals are still to
be lowered (`scan.lower_ascii8`); other bytes are final. ``rest_of(cursor)`` is the address from
which `words_from` finds the words not yet taken, so that a kernel can stop after any word and go
on in another call.

The scratch must hold what the longest text of the batch can grow to, `split.scratch_bytes`: the
longest text, not the longest word, because a text may be one word. It is not initialised, so that
what is never written costs no memory. One call takes time in proportion to the bytes that it
passes.

Where the words of a block of 64 bytes begin is found for all of them at once, and kept in the
cursor: to look for a word at the end of the one before makes a chain of loads through the whole
text (English: 380 MB/s with the chain, 1,090 without).
"""

import re
import unicodedata
from itertools import groupby, pairwise

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii64,
    ascii_alphanumerics64,
    ascii_blanks64,
    ascii_digits64,
    ascii_letters64,
    ascii_spaces64,
    blanks64,
    load_i32,
    load_u8,
    load_u16,
    store_u8,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.words.kernels.scan import (
    after_alphanumerics,
    after_letters,
    after_visible,
    copy_bytes,
    decode_at,
    encode_at,
)
from tokpipe.words.tables.names import (
    ALONE,
    ALONE_MAPPED,
    DROPPED,
    DROPPED_STARTER,
    HANGUL,
    MAPPED,
    PLAIN,
    SEPARATOR,
    SORTED,
)

BERT, GPT2, WHITESPACE, WHITESPACE_SPLIT, NONE = range(5)
OTHER, LETTER, NUMBER, SPACE = range(4)  # classes for gpt2; for whitespace, LETTER is \w

# what a split is made of, in the order of `split_addresses`
_KIND, _LOWER, _PAGES, _CLASSES, _REPLACED, _STRING_OFFSETS, _STRINGS, _COMBINING = range(8)
_BLANK = np.uint8(32)
_APOSTROPHE = np.uint8(39)
_NONE_LEFT, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)


@inlined_helper
def split_addresses(tables):
    """Return kind, lower and the six addresses of a `SplitTables`, eight int64."""
    return (
        np.int64(tables.kind),
        np.int64(tables.lower),
        np.int64(tables.pages.ctypes.data),
        np.int64(tables.classes.ctypes.data),
        np.int64(tables.replacements.ctypes.data),
        np.int64(tables.string_offsets.ctypes.data),
        np.int64(tables.strings.ctypes.data),
        np.int64(tables.combining.ctypes.data),
    )


@inlined_helper
def _slot(code_point, split):
    """Return where the paged tables hold a code point."""
    page = np.int64(load_u16(split[_PAGES] + ((code_point >> 8) << 1)))
    return (page << 8) | (code_point & 255)


@inlined_helper
def _class_at(address, split):
    """Return class and width of the code point at an address."""
    first = np.int64(load_u8(address))
    if first < 0x80:  # page 0 comes first in the tables
        return np.int64(load_u8(split[_CLASSES] + first)), np.int64(1)
    code_point, width = decode_at(address)
    return np.int64(load_u8(split[_CLASSES] + _slot(code_point, split))), width


@inlined_helper
def words_from(address):
    """Return a cursor before the first word at or after an address."""
    # an address, the places after it where words may begin (uint64, one bit a byte), and the end
    # of the last word taken, where to go on when those are used up
    return address, _NONE_LEFT, address


@inlined_helper
def rest_of(cursor):
    """Return the address behind the last word taken: `words_from` it finds the others."""
    return cursor[2]


@inlined_helper
def take_word(cursor, end, split, scratch):
    """Find the next word.

    Parameters
    ----------
    cursor : (int64, uint64, int64)
        From `words_from`, or from the call before.
    end : int64
        Address where the text ends.
    split : eight int64
        From `split_addresses`.
    scratch : int64
        Address of room for a word that is not in the text as it is.

    Returns
    -------
    cursor : (int64, uint64, int64)
        Behind the word.
    word, size : int64
        Where the word is and its bytes; size 0 when there are no more words.
    lower : bool
        Whether the word's ASCII capitals are still to be lowered.
    """
    if split[_KIND] == BERT:
        return _take_bert(cursor, end, split, scratch)
    if split[_KIND] == GPT2:
        return _take_gpt2(cursor, end, split)
    position = cursor[2]
    following = end
    if split[_KIND] != NONE:
        position, following = _next_run(position, end, split)
    return words_from(following), position, following - position, False


@inlined_helper
def _take_bert(cursor, end, split, scratch):
    address, places, following = cursor
    lower = split[_LOWER] != 0
    while True:
        while places == _NONE_LEFT:
            address = following
            if address >= end:
                return words_from(end), end, np.int64(0), lower
            places = _word_places(address, end)
            following = address + 64
        start = address + np.int64(trailing_zeros(places))
        places &= places - _ONE
        stop = after_alphanumerics(start)
        if stop >= end:
            return words_from(end), start, end - start, lower
        first = np.int64(load_u8(stop))
        kind = np.int64(load_u8(split[_CLASSES] + (first & 127)))
        if first < 0x80 and (kind == SEPARATOR) | (kind == ALONE):
            # Without a branch: whether a word or a punctuation mark stands here is hard to guess.
            size = stop - start
            size += np.int64(size == 0) & np.int64(kind == ALONE)
            if size > 0:
                return (address, places, start + size), start, size, lower
            following = start + 1
            continue
        following, word, size = _bert_word(start, stop, end, split, scratch)
        places = _NONE_LEFT
        if size > 0:
            return words_from(following), word, size, lower


@inlined_helper
def _word_places(address, end):
    """Mark in 64 bytes the first letter or digit of each run, and all that is no blank either."""
    alphanumerics = ascii_alphanumerics64(address)
    places = (alphanumerics & ~(alphanumerics << _ONE)) | ~(alphanumerics | ascii_blanks64(address))
    if end - address < 64:
        places &= (_ONE << np.uint64(end - address)) - _ONE
    return places


@compiled_helper
def _bert_word(start, position, end, split, scratch):
    """Return (next position, word, size) of what begins at `start`; size 0 if that is no word.

    The ASCII letters and digits from `start` to `position` are known to be there.
    """
    while position < end:
        kind, width = _class_at(position, split)
        if kind != PLAIN:
            break
        position += width
        if load_u8(position) < 0x80:
            position = after_alphanumerics(position)
    if position >= end:
        return end, start, end - start
    if kind in (SEPARATOR, ALONE, ALONE_MAPPED):
        if position > start:
            return position, start, position - start
        if kind == SEPARATOR:
            return position + width, position, np.int64(0)
        if kind == ALONE:
            return position + width, position, width
        code_point, width = decode_at(position)
        return position + width, scratch, _put_string(scratch, code_point, split)
    return _changed_bert_word(start, position, end, split, scratch)


@compiled_helper
def _changed_bert_word(start, position, end, split, scratch):
    """Write a word whose character at `position` is the first to change into the scratch."""
    size = position - start
    copy_bytes(scratch, start, size)
    marks, unsorted = size, False  # where the run of kept marks begins; whether it needs sorting
    while position < end:
        if load_u8(position) < 0x80:
            stop = min(after_alphanumerics(position), end)
            if stop > position:
                if unsorted:
                    _sort_marks(scratch + marks, size - marks, scratch + size, split)
                    unsorted = False
                copy_bytes(scratch + size, position, stop - position)
                size += stop - position
                marks = size
                position = stop
                continue
        kind, width = _class_at(position, split)
        if kind == SORTED:
            size, marks = _put_marks(scratch, size, marks, decode_at(position)[0], split)
            unsorted = True
        elif kind != DROPPED:
            if unsorted:
                _sort_marks(scratch + marks, size - marks, scratch + size, split)
                unsorted = False
            if kind == PLAIN:
                for i in range(width):
                    store_u8(scratch + size + i, load_u8(position + i))
                size += width
            elif kind == MAPPED:
                size += _put_string(scratch + size, decode_at(position)[0], split)
            elif kind == HANGUL:
                size += _put_jamo(scratch + size, decode_at(position)[0])
            elif kind != DROPPED_STARTER:
                break
            marks = size
        position += width
    if unsorted:
        _sort_marks(scratch + marks, size - marks, scratch + size, split)
    return position, scratch, size


@inlined_helper
def _put_string(target, code_point, split):
    """Write the replacement of a code point; return its bytes."""
    number = np.int64(load_u16(split[_REPLACED] + (_slot(code_point, split) << 1)))
    start = np.int64(load_i32(split[_STRING_OFFSETS] + (number << 2)))
    size = np.int64(load_i32(split[_STRING_OFFSETS] + ((number + 1) << 2))) - start
    for i in range(size):
        store_u8(target + i, load_u8(split[_STRINGS] + start + i))
    return size


@inlined_helper
def _put_jamo(target, code_point):
    """Write a Hangul syllable as its two or three jamo; return the bytes."""
    index = code_point - 0xAC00
    size = encode_at(target, 0x1100 + index // 588)
    size += encode_at(target + size, 0x1161 + (index % 588) // 28)
    if index % 28:
        size += encode_at(target + size, 0x11A7 + index % 28)
    return size


@inlined_helper
def _combining_at(address, split):
    """Return combining class and width of the code point at an address."""
    code_point, width = decode_at(address)
    return np.int64(load_u8(split[_COMBINING] + _slot(code_point, split))), width


@compiled_helper
def _put_marks(target, size, marks, code_point, split):
    """Write the replacement of a code point with marks in it behind the `size` bytes written.

    Returns the new size, and where the run of marks begins that is still to be sorted.
    """
    added = _put_string(target + size, code_point, split)
    if added == 0:
        added = encode_at(target + size, code_point)
    done = size + added
    while size < done:
        own, width = _combining_at(target + size, split)
        if own == 0:
            _sort_marks(target + marks, size - marks, target + done, split)
            marks = size + width
        size += width
    return size, marks


@compiled_helper
def _sort_marks(address, size, spare, split):
    """Sort a run of marks by combining class, equal ones in their order, one pass for a class.

    They are sorted into `spare`, of `size` bytes, and copied back. An insertion sort would be
    quadratic on a text that is all marks.
    """
    done, current = np.int64(0), np.int64(0)
    while done < size:
        position, following = np.int64(0), np.int64(256)
        while position < size:
            own, width = _combining_at(address + position, split)
            if own == current:
                for i in range(width):
                    store_u8(spare + done + i, load_u8(address + position + i))
                done += width
            elif own > current:
                following = min(following, own)
            position += width
        current = following
    for i in range(size):
        store_u8(address + i, load_u8(spare + i))


@inlined_helper
def _take_gpt2(cursor, end, split):
    address, places, following = cursor
    if places & (places - _ONE) == _NONE_LEFT:  # the end of a word is where the next one begins
        address = following
        if address >= end:
            return words_from(end), end, np.int64(0), False
        places = _gpt2_places(address, end)
    rest = places & (places - _ONE)
    start = address + np.int64(trailing_zeros(places))
    if rest == _NONE_LEFT or load_u8(start) == _APOSTROPHE:
        following = _after_gpt2(start, end, split)
        return words_from(following), start, following - start, False
    following = address + np.int64(trailing_zeros(rest))
    return (address, rest, following), start, following - start, False


@inlined_helper
def _gpt2_places(address, end):
    """Mark where words begin in 64 bytes, as far as ASCII decides; one begins at the first.

    Contractions are not seen: a word that begins with an apostrophe is looked at again.
    """
    ascii_bytes = ascii64(address)
    letters, digits = ascii_letters64(address), ascii_digits64(address)
    spaces, blanks = ascii_spaces64(address), blanks64(address)
    sure = np.int64(trailing_zeros(~ascii_bytes))  # 64 if all are ASCII
    left, last = end - address, _NONE_LEFT
    if left < sure:
        last = _ONE << np.uint64(left)  # the end is where a word would begin, ...
        letters, digits = letters & (last - _ONE), digits & (last - _ONE)
        spaces, blanks = spaces | last, blanks & (last - _ONE)  # ... and spaces before it one word
        below = last - _ONE
    else:
        below = _ALL >> np.uint64(65 - max(sure, np.int64(2)))  # the next decides on the last
    others = ~(letters | digits | spaces)
    after = ~(blanks << _ONE)
    begins = letters & ~(letters << _ONE) | digits & ~(digits << _ONE) | others & ~(others << _ONE)
    begins = begins & after | spaces & (~(spaces << _ONE) | ~(spaces >> _ONE))
    return begins & below | last | _ONE


@compiled_helper
def _after_gpt2(position, end, split):
    """Return where the GPT-2 word at `position` ends (before `end`)."""
    first = load_u8(position)
    if first == _APOSTROPHE:
        contraction = _contraction(position, end)
        if contraction > 0:
            return position + contraction
    start = position
    kind, width = _class_at(position, split)
    position += width
    if first == _BLANK and position < end:
        kind, width = _class_at(position, split)
        if kind != SPACE:
            position += width
    if kind == LETTER:
        return _after_letter_run(position, end, split)
    if kind == SPACE:
        return _after_spaces(start, end, split)
    return _after_run(position, end, kind, split)


@inlined_helper
def _contraction(position, end):
    """Return the bytes of 's 't 'm 'd 're 've 'll at an apostrophe, or 0."""
    if position + 1 < end:
        one = load_u8(position + 1)
        if one == 115 or one == 116 or one == 109 or one == 100:
            return np.int64(2)
        if position + 2 < end:
            two = load_u8(position + 2)
            if (one == 114 or one == 118) and two == 101:
                return np.int64(3)
            if one == 108 and two == 108:
                return np.int64(3)
    return np.int64(0)


@inlined_helper
def _after_letter_run(position, end, split):
    while True:
        position = after_letters(position)
        if position >= end:
            return end
        if load_u8(position) < 0x80:
            return position
        kind, width = _class_at(position, split)
        if kind != LETTER:
            return position
        position += width


@inlined_helper
def _after_run(position, end, kind, split):
    while position < end:
        other, width = _class_at(position, split)
        if other != kind:
            break
        position += width
    return position


@inlined_helper
def _after_spaces(position, end, split):
    r"""Return the end of ``\s+(?!\S)|\s+``: the last space before a word belongs to the word."""
    start, last = position, position
    while position < end:
        kind, width = _class_at(position, split)
        if kind != SPACE:
            return last if last > start else position
        last = position
        position += width
    return position


@compiled_helper
def _next_run(position, end, split):
    """Return start and end of the next run of one class, white space passed over."""
    kind = np.int64(SPACE)
    start = position
    while position < end:
        start = position
        kind, width = _class_at(position, split)
        position += width
        if kind != SPACE:
            break
    if kind == SPACE:
        return end, end
    while position < end:
        position = after_alphanumerics(position) if kind == LETTER else position
        if split[_KIND] == WHITESPACE_SPLIT:
            position = after_visible(position)
        if position >= end:
            break
        other, width = _class_at(position, split)
        if other != kind:
            return start, position
        position += width
    return start, end


def split_words_reference(data, offsets, tables):
    words, text_words = [], [0]
    for start, end in pairwise(offsets):
        text = data[start:end].tobytes().decode()
        found = _bert_reference if tables.kind == BERT else _pattern_reference
        words += [word.encode() for word in found(text, tables)]
        text_words.append(len(words))
    borders = np.cumsum([0] + [len(word) for word in words]).astype(np.int64)
    return np.frombuffer(b"".join(words), np.uint8), borders, np.array(text_words, np.int64)


def _look_up(table, character, tables):
    page = int(tables.pages[ord(character) >> 8])
    return int(table[(page << 8) | (ord(character) & 255)])


def _bert_reference(text, tables):
    """Normalise character by character, sort the marks, then cut at spaces and round the lone."""
    marked = []  # (character, what to do with it); None for a place that marks do not cross
    for character in text:
        kind = _look_up(tables.classes, character, tables)
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
    number = _look_up(tables.replacements, character, tables)
    if kind in (PLAIN, ALONE) or (kind == SORTED and number == 0):
        return character.lower() if tables.lower and character.isascii() else character
    start, end = tables.string_offsets[number : number + 2]
    return tables.strings[start:end].tobytes().decode()


def _in_canonical_order(marked, tables):
    """Sort each run of marks that are kept; only stripping of accents reorders."""
    if not (tables.classes == SORTED).any():
        return marked

    def combining(item):
        return _look_up(tables.combining, item[0], tables) if item else 0

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
    kinds = ("olns"[_look_up(tables.classes, c, tables)] if c != " " else "b" for c in text)
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

    Parameters
    ----------
    data : uint8[N + PADDING]
        The texts, UTF-8.
    offsets : int64[T + 1]
        Their borders.
    tables : SplitTables
        From `tokpipe.words.split.split_tables`.

    Returns
    -------
    words : uint8[M], borders : int64[W + 1], text_words : int64[T + 1]
        Words end to end, the border of each, and which words belong to which text.
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
                out = _grown(out, borders[count] + size + 64)
            if count + 2 > borders.size:
                borders = _grown(borders, count + 2)
            target = np.int64(out.ctypes.data) + borders[count]
            copy_bytes(target, word, size)
            if lower:
                _lower_in_place(target, size)
            count += 1
            borders[count] = borders[count - 1] + size
        text_words[t + 1] = count
    kept = scratch.size  # keeps the arrays behind the addresses alive until here
    size = borders[count] if kept and data.size else np.int64(0)
    return out[:size].copy(), borders[: count + 1].copy(), text_words


@compiled_helper
def _grown(array, least):
    larger = np.empty(max(2 * array.size, least), array.dtype)
    for i in range(array.size):  # assigning a slice would cost 3 s of compilation
        larger[i] = array[i]
    return larger


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

    Parameters
    ----------
    data : uint8[N + PADDING]
        The texts, UTF-8, normalised.
    offsets : int64[T + 1]
        Their borders.
    tables : SplitTables
        From `tokpipe.words.split.plain_split_tables`.

    Returns
    -------
    starts, ends : int64[W], text_words : int64[T + 1]
        Spans in `data`, and which words belong to which text.
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
                starts, ends = _grown(starts, count + 1), _grown(ends, count + 1)
            starts[count] = word - base
            ends[count] = word - base + size
            count += 1
        text_words[t + 1] = count
    count = count if data.size else np.int64(0)  # keeps the array alive until here
    return starts[:count].copy(), ends[:count].copy(), text_words
