"""Kernels that find the sentences of documents, and copy them out with their lines joined.

A text is valid UTF-8, and 64 bytes may be loaded behind it. Characters are told apart by
`classes`, uint8[C]: a class for each code point below `TABLED`, then for those from `HALFWIDTH`
to U+FFFF; all others are caseless letters. Words are told apart by a table of those that fit into
eight bytes. Each look back or ahead is bounded, or passes over bytes that no other look passes
over, so the time is linear in the text.

`Rules` in the twin and `_ends_sentence` in the kernel say the same, once on characters and once
on addresses.
"""

import re
from itertools import pairwise

import numpy as np

from tokpipe.foundation.intrinsics import (
    continuations64,
    count_ones,
    load_u8,
    load_u64,
    newlines64,
    sentence_marks64,
    store_u8,
    store_u64,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel

# Classes of characters.
OTHER, EYES, SPACE, LOWER, UPPER, DIGIT, LETTER = range(7)
QUOTE, OPEN, CLOSE, DASH, DOT, ELLIPSIS, STOP, FULL = range(7, 15)  # FULL needs no space behind it
# Kinds of words, as bits.
GOES_ON, BEFORE_NUMBER, MAY_END, STARTS, MONTH, TITLE = 1, 2, 4, 8, 16, 32
_ABBREVIATION = GOES_ON | BEFORE_NUMBER | MAY_END
# Splitters.
NONE, LINE, RULE = range(3)

TABLED, HALFWIDTH = 0x3100, 0xFF00
SLOTS = 1 << 10
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(54)
_LOOK = 24  # characters of a word, and of what is passed over before it, that are looked at
_PLAIN = (
    4  # small letters that make a word before a stop no abbreviation, though a small one follows
)
_SMILE = 4  # characters of an emoticon, at most
_WIDE = 4  # characters that move to the next line together in scripts without spaces


def word_slot(key: int) -> int:
    """Return where the search for a word begins in its table: its bytes, least first."""
    return (key * int(_MULTIPLIER) & 0xFFFFFFFFFFFFFFFF) >> int(_SHIFT)


class _Rules:
    """The rules on one text, character by character: what the kernel below does on bytes."""

    def __init__(self, text, splitter, classes, keys, kinds):  # type: ignore[no-untyped-def]
        self.text, self.splitter, self.length = text, splitter, len(text)
        self.words = {int(key): int(kind) for key, kind in zip(keys, kinds, strict=True) if key}
        self.classes = [self._class_of(classes, ord(c)) for c in text] + [SPACE] * (_LOOK + 1)
        self.width = max(len(line) for line in text.split("\n"))

    def _class_of(self, classes, point):  # type: ignore[no-untyped-def]
        if HALFWIDTH <= point < 0x10000:
            point -= HALFWIDTH - TABLED
        elif point >= TABLED:
            return LETTER
        return int(classes[point])

    def _passed(self, at, wanted, most=None):  # type: ignore[no-untyped-def]
        """Return the first place from `at` on, at most so far, whose class is not wanted."""
        first, stop = at, self.length if most is None else min(self.length, at + most)
        while first < stop and self.classes[first] in wanted:
            first += 1
        return first

    def _known(self, first, last):  # type: ignore[no-untyped-def]
        raw = self.text[first:last].encode()
        small = bytes(c + 32 if 65 <= c <= 90 else c for c in raw)
        return self.words.get(int.from_bytes(small, "little"), 0) if 0 < len(raw) <= 8 else 0

    def spans(self):  # type: ignore[no-untyped-def]
        """Yield where each sentence begins and ends."""
        kind = self.classes
        start = line = at = self._passed(0, (SPACE,))
        while self.splitter != NONE and at < self.length:
            is_stop = kind[at] >= DOT and self.splitter == RULE
            if not is_stop and self.text[at] != "\n":
                at += 1
                continue
            stops = end = self._passed(at, (DOT, ELLIPSIS, STOP, FULL))
            while not is_stop and end > start and kind[end - 1] == SPACE:
                end -= 1
            if is_stop:
                end = self._passed(stops, (QUOTE, CLOSE, DOT, ELLIPSIS, STOP, FULL))
                end = self._behind_tails(end)
            following = self._passed(end, (SPACE,))
            if following == self.length:
                break
            ends = is_stop and self.ends_sentence(start, at, stops, end, following)
            newlines = self.text.count("\n", end, following)
            if newlines and not ends:
                ends = self.splitter == LINE or newlines > 1 or self.ends_line(end, following, line)
            if newlines:
                line = self.text.rindex("\n", end, following) + 1
            if ends:
                yield start, end
                start = following
            at = following
        end = self.length
        while end > start and kind[end - 1] == SPACE:
            end -= 1
        if end > start:
            yield start, end

    def _behind_tails(self, end):  # type: ignore[no-untyped-def]
        """Pass over what stands alone behind a stop and belongs to it: ``. .``, ``)``, ``:-)``."""
        while True:
            first = self._passed(end, (SPACE,))
            if first in (end, self.length) or "\n" in self.text[end:first]:
                return end
            if self.classes[first] == EYES:
                last = first + 1
                while last < self.length and last - first <= _SMILE and self.classes[last] != SPACE:
                    last += 1
                if not 2 <= last - first <= _SMILE:
                    return end
            else:
                last = self._passed(first, (CLOSE, DOT, ELLIPSIS, STOP, FULL), _SMILE)
                if last == first or self.classes[last] != SPACE:
                    return end
            end = last

    def ends_sentence(self, start, at, stops, end, following):  # type: ignore[no-untyped-def]
        """Say whether the stops from `at` on end a sentence; closing marks reach to `end`."""
        kind, text = self.classes, self.text
        glued = following == end
        if FULL in kind[at:stops]:  # a quotation particle may follow a closing bracket
            return not (glued and end > stops and "\u3041" <= text[following] <= "\u309f")
        strong = STOP in kind[at:stops]
        first = self._passed(following, (SPACE, QUOTE, OPEN, CLOSE, DASH), _LOOK)
        last = self._passed(first, (LOWER, UPPER, LETTER, DIGIT), _LOOK)
        following_kind = kind[first] if first < self.length else OTHER
        starts = self._known(first, last)
        word = at
        while word > start and at - word < _LOOK and kind[word - 1] not in (SPACE, OPEN):
            word -= 1
        word = self._passed(word, (QUOTE,), at - word)
        letters, size = kind[word:at], at - word
        if glued:
            if first != stops or size < 2:
                return False
            if strong and letters[-1] == following_kind == LETTER:
                return True
            if letters[-1] != LOWER or following_kind != UPPER or not {*letters} <= {LOWER, UPPER}:
                return False
            plain = kind[first + 1] == LOWER if last - first > 1 else text[first] in "AI"
            return strong or (plain and (kind[last] == SPACE or text[last] in ",'’"))
        if strong:  # but "Wait! – she said"
            return following_kind != LOWER or (end == stops and kind[following] != DASH)
        if stops - at > 1 or kind[at] == ELLIPSIS:
            return following_kind != LOWER
        known = self._known(word, at)
        if following_kind == LOWER:
            least = 2 if kind[start] == LOWER else _PLAIN
            plain = size >= least and {*letters} == {LOWER}
            return plain and end == stops and not known & _ABBREVIATION
        if known & GOES_ON or (known & TITLE and letters[0] == UPPER):
            return False
        if known & BEFORE_NUMBER and (following_kind == DIGIT or starts & BEFORE_NUMBER):
            return False
        if size and {*letters} == {DIGIT}:  # the number of a list's item, or of a day
            return word != start and not (size <= 2 and starts & MONTH)
        if size == 1 and letters[0] == UPPER:
            initials = word - start >= 3 and kind[word - 2] == DOT and kind[word - 3] == UPPER
            return text[word] == "I" and not initials
        if known & MAY_END or (size > 1 and letters[-2] == DOT):
            return bool(starts & STARTS)
        return True

    def ends_line(self, end, following, line):  # type: ignore[no-untyped-def]
        """Say whether a line end is meant: the next word would have fitted into the line."""
        kind, text = self.classes, self.text
        if kind[following] == OTHER and kind[following + 1] == SPACE:  # a bullet
            return True
        first = self._passed(following, (DIGIT,), 3)
        if following < first < self.length and text[first] in ".)" and kind[first + 1] == SPACE:
            return True
        first = self._passed(following, (SPACE, QUOTE, OPEN, CLOSE, DASH), _LOOK)
        if (first < self.length and kind[first] == LOWER) or text[end - 1] == ",":
            return False
        last, most = following, _WIDE if text[following] >= "\u3000" else self.length
        while last < self.length and last - following < most and kind[last] != SPACE:
            last += 1
        return end - line + 1 + last - following <= self.width


def sentence_spans_reference(data, units, splitter, classes, keys, kinds):  # type: ignore[no-untyped-def]
    spans, borders = [], [0]
    for a, b in pairwise(units.tolist()):
        text = data[a:b].tobytes().decode()
        places = np.cumsum([a] + [len(c.encode()) for c in text])
        rules = _Rules(text, splitter, classes, keys, kinds)
        spans += [(places[start], places[end]) for start, end in rules.spans()]
        borders.append(len(spans))
    return np.array(spans, np.int64).reshape(-1, 2), np.array(borders, np.int64)


@inlined_helper
def _class_at(at, stop, classes):  # type: ignore[no-untyped-def]
    """Return the class of the character at an address and the bytes it takes; SPACE at the stop."""
    if at >= stop:
        return np.int64(SPACE), np.int64(1)
    first = np.int64(load_u8(at))
    if first < 0x80:
        return np.int64(load_u8(classes + first)), np.int64(1)
    point = np.int64(load_u8(at + 1)) & 63
    if first < 0xE0:
        return np.int64(load_u8(classes + (((first & 31) << 6) | point))), np.int64(2)
    if first >= 0xF0:
        return np.int64(LETTER), np.int64(4)
    point = ((first & 15) << 12) | (point << 6) | (np.int64(load_u8(at + 2)) & 63)
    if point >= HALFWIDTH:
        return np.int64(load_u8(classes + (point - HALFWIDTH + TABLED))), np.int64(3)
    if point >= TABLED:
        return np.int64(LETTER), np.int64(3)
    return np.int64(load_u8(classes + point)), np.int64(3)


@inlined_helper
def _before(at):  # type: ignore[no-untyped-def]
    """Return the address of the character that ends before an address."""
    at -= 1
    while load_u8(at) & 0xC0 == 0x80:
        at -= 1
    return at


@inlined_helper
def _is_among(found, wanted):  # type: ignore[no-untyped-def]
    return (np.int64(wanted) >> found) & 1 != 0


@inlined_helper
def _pass(at, stop, classes, wanted, most):  # type: ignore[no-untyped-def]
    """Pass over characters whose classes are bits of `wanted`, at most so many."""
    while at < stop and most > 0:
        found, size = _class_at(at, stop, classes)
        if not _is_among(found, wanted):
            break
        at += size
        most -= 1
    return at


_EVER = 1 << 62
_SPACES = 1 << SPACE
_STOPS = 1 << DOT | 1 << ELLIPSIS | 1 << STOP | 1 << FULL
_ENDS = _STOPS | 1 << CLOSE
_CLOSING = _ENDS | 1 << QUOTE
_LEADING = _SPACES | 1 << QUOTE | 1 << OPEN | 1 << CLOSE | 1 << DASH
_CASED = 1 << LOWER | 1 << UPPER
_WORDLY = _CASED | 1 << LETTER | 1 << DIGIT


@inlined_helper
def _known(first, last, keys, kinds):  # type: ignore[no-untyped-def]
    """Return the kinds of the word between two addresses, 0 where the table has it not."""
    size = last - first
    if size <= 0 or size > 8:
        return np.int64(0)
    key = np.uint64(0)
    for i in range(size):
        byte = np.uint64(load_u8(first + i))
        if byte >= np.uint64(65) and byte <= np.uint64(90):
            byte += np.uint64(32)
        key |= byte << np.uint64(8 * i)
    slot = np.int64((key * _MULTIPLIER) >> _SHIFT)
    while load_u64(keys + 8 * slot) != key:
        if load_u64(keys + 8 * slot) == 0:
            return np.int64(0)
        slot = (slot + 1) % SLOTS
    return np.int64(load_u8(kinds + slot))


@compiled_helper
def _behind_tails(end, stop, classes):  # type: ignore[no-untyped-def]
    while True:
        first = _pass(end, stop, classes, _SPACES, _EVER)
        if first in (end, stop) or _newlines(end, first) > 0:
            return end
        found, last = _class_at(first, stop, classes)
        if found == EYES:
            last += first
            size = np.int64(1)
            while last < stop and size <= _SMILE:
                found, step = _class_at(last, stop, classes)
                if found == SPACE:
                    break
                last += step
                size += 1
            if size < 2 or size > _SMILE:
                return end
        else:
            last = _pass(first, stop, classes, _ENDS, _SMILE)
            if last == first or _class_at(last, stop, classes)[0] != SPACE:
                return end
        end = last


@inlined_helper
def _newlines(at, stop):  # type: ignore[no-untyped-def]
    count = np.int64(0)
    while at < stop:
        count += load_u8(at) == 10
        at += 1
    return count


@inlined_helper
def _classes_between(at, stop, classes):  # type: ignore[no-untyped-def]
    """Return a bit for each class between two addresses, how many characters, and the last two."""
    seen, count, last, second = np.int64(0), np.int64(0), np.int64(-1), np.int64(-1)
    while at < stop:
        second = last
        last, step = _class_at(at, stop, classes)
        seen |= np.int64(1) << last
        count += 1
        at += step
    return seen, count, last, second


@inlined_helper
def _has_initial(start, word, classes):  # type: ignore[no-untyped-def]
    """Say whether a capital and its stop come before a word, one character between."""
    dot = word
    for _ in range(2):
        if dot <= start:
            return False
        dot = _before(dot)
    if dot <= start or load_u8(dot) != 46:
        return False
    return _class_at(_before(dot), dot, classes)[0] == UPPER


@inlined_helper
def _is_hiragana(at):  # type: ignore[no-untyped-def]
    point = np.int64(load_u8(at + 1)) << 8 | np.int64(load_u8(at + 2))
    return load_u8(at) == 0xE3 and point >= 0x8181 and point <= 0x829F


@inlined_helper
def _ends_glued(first, last, stop, found, letters, last_letter, strong, classes):  # type: ignore[no-untyped-def]
    """Say whether a stop with no space behind it ends a sentence."""
    if strong and last_letter == LETTER and found == LETTER:
        return True
    if last_letter != LOWER or found != UPPER or letters & ~np.int64(_CASED) != 0:
        return False
    if strong:
        return True
    second = first + _class_at(first, stop, classes)[1]
    byte = load_u8(first)
    if second < last:
        if _class_at(second, stop, classes)[0] != LOWER:
            return False
    elif byte != 65 and byte != 73:
        return False
    behind = np.int64(load_u8(last))
    apostrophe = behind == 44 or behind == 39
    curly = behind == 0xE2 and load_u8(last + 1) == 0x80 and load_u8(last + 2) == 0x99
    return _class_at(last, stop, classes)[0] == SPACE or apostrophe or curly


@compiled_helper
def _ends_sentence(start, at, stops, end, following, stop, classes, keys, kinds):  # type: ignore[no-untyped-def]
    glued = following == end
    marks, marks_count, _, _ = _classes_between(at, stops, classes)
    if _is_among(FULL, marks):
        return not (glued and end > stops and _is_hiragana(following))
    strong = _is_among(STOP, marks)
    first = _pass(following, stop, classes, _LEADING, _LOOK)
    last = _pass(first, stop, classes, _WORDLY, _LOOK)
    found = _class_at(first, stop, classes)[0] if first < stop else np.int64(OTHER)
    starts = _known(first, last, keys, kinds)
    word, steps = at, 0
    while word > start and steps < _LOOK:
        one = _before(word)
        if _is_among(_class_at(one, word, classes)[0], 1 << SPACE | 1 << OPEN):
            break
        word = one
        steps += 1
    word = _pass(word, at, classes, 1 << QUOTE, _EVER)
    letters, size, last_letter, second_last = _classes_between(word, at, classes)
    if glued:
        if first != stops or size < 2:
            return False
        return _ends_glued(first, last, stop, found, letters, last_letter, strong, classes)
    if strong:
        is_dash = _class_at(following, stop, classes)[0] == DASH
        return found != LOWER or (end == stops and not is_dash)
    if marks_count > 1 or _is_among(ELLIPSIS, marks):
        return found != LOWER
    known = _known(word, at, keys, kinds)
    if found == LOWER:
        least = 2 if _class_at(start, stop, classes)[0] == LOWER else _PLAIN
        plain = size >= least and letters == 1 << LOWER
        return plain and end == stops and known & _ABBREVIATION == 0
    if known & GOES_ON or (known & TITLE and _class_at(word, at, classes)[0] == UPPER):
        return False
    if known & BEFORE_NUMBER and (found == DIGIT or starts & BEFORE_NUMBER):
        return False
    if letters == 1 << DIGIT:
        return word != start and not (size <= 2 and starts & MONTH)
    if size == 1 and last_letter == UPPER:
        return load_u8(word) == 73 and not _has_initial(start, word, classes)
    if known & MAY_END or second_last == DOT:
        return starts & STARTS != 0
    return True


@compiled_helper
def _ends_line(end, following, line, stop, width, classes):  # type: ignore[no-untyped-def]
    found, step = _class_at(following, stop, classes)
    if found == OTHER and _class_at(following + step, stop, classes)[0] == SPACE:
        return True
    first = _pass(following, stop, classes, 1 << DIGIT, 3)
    is_numbered = following < first < stop and load_u8(first) in (46, 41)
    if is_numbered and _class_at(first + 1, stop, classes)[0] == SPACE:
        return True
    first = _pass(following, stop, classes, _LEADING, _LOOK)
    if first < stop and _class_at(first, stop, classes)[0] == LOWER:
        return False
    if load_u8(end - 1) == 44:
        return False
    last, most = following, np.int64(_WIDE if load_u8(following) >= 0xE3 else _EVER)
    word = np.int64(0)
    while last < stop and word < most:
        found, step = _class_at(last, stop, classes)
        if found == SPACE:
            break
        last += step
        word += 1
    return _characters(line, end) + 1 + word <= width


@compiled_helper
def _characters(at, stop):  # type: ignore[no-untyped-def]
    """Count the characters of UTF-8 from one address to another."""
    size, all_ones = stop - at, ~np.uint64(0)
    while at < stop:
        mask = continuations64(at)
        if stop - at < 64:
            mask &= ~(all_ones << np.uint64(stop - at))
        size -= np.int64(count_ones(mask))
        at += 64
    return size


@compiled_helper
def _next(at, stop, splitter):  # type: ignore[no-untyped-def]
    """Return the first address from `at` on that may hold a mark, or one not before `stop`."""
    while at < stop:
        mask = sentence_marks64(at) if splitter == RULE else newlines64(at)
        if mask != 0:
            return at + np.int64(trailing_zeros(mask))
        at += 64
    return at


@compiled_helper
def _widest(at, stop):  # type: ignore[no-untyped-def]
    """Return the characters of the longest line between two addresses."""
    widest = np.int64(0)
    while at <= stop:
        end = min(_next(at, stop, LINE), stop)
        if end - at > widest:  # bytes, no less than characters
            widest = max(widest, _characters(at, end))
        at = end + 1
    return widest


@inlined_helper
def _trimmed(start, end, classes):  # type: ignore[no-untyped-def]
    """Return the end without the white space before it."""
    while end > start:
        one = _before(end)
        if _class_at(one, end, classes)[0] != SPACE:
            break
        end = one
    return end


@compiled_helper
def _next_sentence(unit, start, line, width, stop, splitter, classes, keys, kinds):  # type: ignore[no-untyped-def]
    """Find the end of the sentence that begins at `start` in a text from `unit` to `stop`.

    Returns its end, where the next one begins (`stop` if there is none), where the line there
    begins, and the width of the text, -1 if nobody has asked for it.
    """
    at = start
    while splitter != NONE:
        at = _next(at, stop, splitter)
        if at >= stop:
            break
        found, size = _class_at(at, stop, classes)
        is_newline = load_u8(at) == 10
        if not is_newline and found < DOT:
            at += size
            continue
        stops = end = at
        if is_newline:
            end = _trimmed(start, at, classes)
        else:
            stops = _pass(at, stop, classes, _STOPS, _EVER)
            end = _behind_tails(_pass(stops, stop, classes, _CLOSING, _EVER), stop, classes)
        following = _pass(end, stop, classes, _SPACES, _EVER)
        if following >= stop:
            break
        ends = False
        if not is_newline:
            ends = _ends_sentence(start, at, stops, end, following, stop, classes, keys, kinds)
        newlines = _newlines(end, following)
        if newlines > 0 and not ends:
            if width < 0 and splitter == RULE and newlines == 1:
                width = _widest(unit, stop)
            ends = splitter == LINE or newlines > 1
            ends = ends or _ends_line(end, following, line, stop, width, classes)
        if newlines > 0:
            line = following
            while load_u8(line - 1) != 10:
                line -= 1
        if ends:
            return end, following, line, width
        at = following
    return _trimmed(start, stop, classes), stop, line, width


@compiled_helper
def _grown(spans, count):  # type: ignore[no-untyped-def]
    out = np.empty((2 * spans.shape[0], 2), np.int64)
    out[:count] = spans[:count]
    return out


@kernel(reference=sentence_spans_reference)
def sentence_spans(data, units, splitter, classes, keys, kinds):  # type: ignore[no-untyped-def]
    """Find the sentences of texts, each text on its own.

    Parameters
    ----------
    data : uint8[N]
        Valid UTF-8, and 64 bytes more that may be loaded.
    units : int64[U + 1]
        Borders of the texts.
    splitter : int
        `NONE`: a text is a sentence; `LINE`: a line is; `RULE`.
    classes : uint8[C]
    keys : uint64[SLOTS]
    kinds : uint8[SLOTS]

    Returns
    -------
    spans : int64[S, 2]
        Where each sentence begins and ends in `data`: no white space at either end, none empty.
    borders : int64[U + 1]
        Borders of the texts among the sentences.
    """
    base, table = data.ctypes.data, classes.ctypes.data
    words, meanings = keys.ctypes.data, kinds.ctypes.data
    spans = np.empty((64 + (units[-1] - units[0]) // 64, 2), np.int64)
    borders = np.zeros(units.size, np.int64)
    count = np.int64(0)
    for unit in range(units.size - 1):
        stop = base + units[unit + 1]
        start = _pass(base + units[unit], stop, table, _SPACES, _EVER)
        line, width = start, np.int64(-1)
        while start < stop:
            end, following, line, width = _next_sentence(
                base + units[unit], start, line, width, stop, splitter, table, words, meanings
            )
            if end > start:
                if count == spans.shape[0]:
                    spans = _grown(spans, count)
                spans[count, 0], spans[count, 1] = start - base, end - base
                count += 1
            start = following
        borders[unit + 1] = count
    return spans[:count].copy(), borders


def join_sentences_reference(data, spans, borders, leading_space):  # type: ignore[no-untyped-def]
    first = set(borders.tolist())
    sentences = []
    for i, (a, b) in enumerate(spans.tolist()):
        joined = re.sub(rb"[\t-\r ]*\n[\t-\r ]*", b" ", data[a:b].tobytes())
        sentences.append(b" " * (leading_space and i not in first) + joined)
    out = np.frombuffer(b"".join(sentences) + bytes(64), np.uint8)
    return out, np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)


@inlined_helper
def _copy(target, source, size):  # type: ignore[no-untyped-def]
    done = np.int64(0)
    while done < size:
        store_u64(target + done, load_u64(source + done))
        done += 8


@inlined_helper
def _is_blank(byte):  # type: ignore[no-untyped-def]
    return byte == 32 or (byte >= 9 and byte <= 13)


@kernel(reference=join_sentences_reference)
def join_sentences(data, spans, borders, leading_space):  # type: ignore[no-untyped-def]
    """Copy sentences out, end to end, the white space round a line end made one space.

    Parameters
    ----------
    data : uint8[N]
        64 bytes more may be loaded.
    spans : int64[S, 2]
        Where the sentences are; none begins or ends with ASCII white space.
    borders : int64[D + 1]
        Borders of the documents among the sentences.
    leading_space : bool
        Whether a space comes before each sentence that is not the first of its document.

    Returns
    -------
    data : uint8[N' + 64]
        The sentences, then zeros.
    offsets : int64[S + 1]
    """
    base, count = data.ctypes.data, spans.shape[0]
    room = count + 64
    for i in range(count):
        room += spans[i, 1] - spans[i, 0]
    out = np.empty(room, np.uint8)
    offsets = np.zeros(count + 1, np.int64)
    target = out.ctypes.data
    for document in range(borders.size - 1):
        for i in range(borders[document], borders[document + 1]):
            at, stop = base + spans[i, 0], base + spans[i, 1]
            if leading_space and i > borders[document]:
                store_u8(target, np.uint8(32))
                target += 1
            while at < stop:
                newline = min(_next(at, stop, LINE), stop)
                end = newline
                while newline < stop and _is_blank(load_u8(end - 1)):
                    end -= 1
                _copy(target, at, end - at)
                target += end - at
                at = newline
                if newline < stop:
                    store_u8(target, np.uint8(32))
                    target += 1
                while at < stop and _is_blank(load_u8(at)):
                    at += 1
            offsets[i + 1] = target - out.ctypes.data
    size = offsets[count]
    out[size : size + 64] = 0
    return out[: size + 64], offsets
