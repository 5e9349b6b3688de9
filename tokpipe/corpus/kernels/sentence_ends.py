"""Where sentences end: the rules, for one stop or one line end.

`Rules` in the twin and the helpers of the kernel say the same, once on characters and once on
addresses. Words are told apart by a table of those that fit into eight bytes. Each look back or
ahead is bounded, or passes over bytes that no other look passes over.
"""

import numpy as np

from tokpipe.corpus.kernels.characters import (
    CLOSE,
    DASH,
    DIGIT,
    DOT,
    ELLIPSIS,
    EVER,
    EYES,
    FULL,
    LETTER,
    LOWER,
    OPEN,
    OTHER,
    QUOTE,
    SPACE,
    SPACES,
    STOP,
    UPPER,
    class_at,
    class_of_reference,
    classes_between,
    count_characters,
    is_among,
    pass_over,
)
from tokpipe.corpus.kernels.lines import newlines_between
from tokpipe.foundation.intrinsics import load_u8, load_u64
from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.foundation.utf8 import character_before

# Kinds of words, as bits.
GOES_ON, BEFORE_NUMBER, MAY_END, STARTS, MONTH, TITLE = 1, 2, 4, 8, 16, 32
_ABBREVIATION = GOES_ON | BEFORE_NUMBER | MAY_END

SLOTS = 1 << 10  # for 375 words
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio: Fibonacci hashing
_SHIFT = np.uint64(54)  # leaves the ten bits of a slot
_LOOK = 24  # characters of a word, and of what is passed over before it, that are looked at
# Small letters that make a word before a stop no abbreviation, though a small one follows.
_PLAIN = 4
_SMILE = 4  # characters of an emoticon, at most
_WIDE = 4  # characters that move to the next line together in scripts without spaces


def word_slot(key: int) -> int:
    """Return where the search for a word begins in its table: its bytes, least first."""
    return (key * int(_MULTIPLIER) & 0xFFFFFFFFFFFFFFFF) >> int(_SHIFT)


class Rules:
    """The rules on one text, character by character: for the twins."""

    def __init__(self, text, classes, keys, kinds):
        self.text, self.length = text, len(text)
        self.words = {int(key): int(kind) for key, kind in zip(keys, kinds, strict=True) if key}
        behind = [SPACE] * (_LOOK + 1)
        self.classes = [class_of_reference(c, classes) for c in text] + behind
        self.width = max(len(line) for line in text.split("\n"))

    def passed(self, at, wanted, most=None):
        """Return the first place from `at` on, at most so far, whose class is not wanted."""
        first, stop = at, self.length if most is None else min(self.length, at + most)
        while first < stop and self.classes[first] in wanted:
            first += 1
        return first

    def _known(self, first, last):
        raw = self.text[first:last].encode()
        small = bytes(c + 32 if 65 <= c <= 90 else c for c in raw)
        return self.words.get(int.from_bytes(small, "little"), 0) if 0 < len(raw) <= 8 else 0

    def behind_tails(self, end):
        """Pass over what stands alone behind a stop and belongs to it: ``. .``, ``)``, ``:-)``."""
        while True:
            first = self.passed(end, (SPACE,))
            if first in (end, self.length) or "\n" in self.text[end:first]:
                return end
            if self.classes[first] == EYES:
                last = first + 1
                while last < self.length and last - first <= _SMILE and self.classes[last] != SPACE:
                    last += 1
                if not 2 <= last - first <= _SMILE:
                    return end
            else:
                last = self.passed(first, (CLOSE, DOT, ELLIPSIS, STOP, FULL), _SMILE)
                if last == first or self.classes[last] != SPACE:
                    return end
            end = last

    def ends_sentence(self, start, at, stops, end, following):
        """Say whether the stops from `at` on end a sentence; closing marks reach to `end`."""
        kind, text = self.classes, self.text
        glued = following == end
        if FULL in kind[at:stops]:  # a quotation particle may follow a closing bracket
            return not (glued and end > stops and "\u3041" <= text[following] <= "\u309f")
        strong = STOP in kind[at:stops]
        first = self.passed(following, (SPACE, QUOTE, OPEN, CLOSE, DASH), _LOOK)
        last = self.passed(first, (LOWER, UPPER, LETTER, DIGIT), _LOOK)
        following_kind = kind[first] if first < self.length else OTHER
        starts = self._known(first, last)
        word = at
        while word > start and at - word < _LOOK and kind[word - 1] not in (SPACE, OPEN):
            word -= 1
        word = self.passed(word, (QUOTE,), at - word)
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

    def ends_line(self, end, following, line):
        """Say whether a line end is meant: the next word would have fitted into the line."""
        kind, text = self.classes, self.text
        if kind[following] == OTHER and kind[following + 1] == SPACE:  # a bullet
            return True
        first = self.passed(following, (DIGIT,), 3)
        if following < first < self.length and text[first] in ".)" and kind[first + 1] == SPACE:
            return True
        first = self.passed(following, (SPACE, QUOTE, OPEN, CLOSE, DASH), _LOOK)
        if (first < self.length and kind[first] == LOWER) or text[end - 1] == ",":
            return False
        last, most = following, _WIDE if text[following] >= "\u3000" else self.length
        while last < self.length and last - following < most and kind[last] != SPACE:
            last += 1
        return end - line + 1 + last - following <= self.width


STOPS = 1 << DOT | 1 << ELLIPSIS | 1 << STOP | 1 << FULL
CLOSING = STOPS | 1 << CLOSE | 1 << QUOTE
_ENDS = STOPS | 1 << CLOSE
_LEADING = SPACES | 1 << QUOTE | 1 << OPEN | 1 << CLOSE | 1 << DASH
_CASED = 1 << LOWER | 1 << UPPER
_WORDLY = _CASED | 1 << LETTER | 1 << DIGIT


@inlined_helper
def _known(first, last, keys, kinds):
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
def behind_tails(end, stop, classes):
    while True:
        first = pass_over(end, stop, classes, SPACES, EVER)
        if first in (end, stop) or newlines_between(end, first) > 0:
            return end
        found, last = class_at(first, stop, classes)
        if found == EYES:
            last += first
            size = np.int64(1)
            while last < stop and size <= _SMILE:
                found, step = class_at(last, stop, classes)
                if found == SPACE:
                    break
                last += step
                size += 1
            if size < 2 or size > _SMILE:
                return end
        else:
            last = pass_over(first, stop, classes, _ENDS, _SMILE)
            if last == first or class_at(last, stop, classes)[0] != SPACE:
                return end
        end = last


@inlined_helper
def _has_initial(start, word, classes):
    """Say whether a capital and its stop come before a word, one character between."""
    dot = word
    for _ in range(2):
        if dot <= start:
            return False
        dot = character_before(dot)
    if dot <= start or load_u8(dot) != 46:
        return False
    return class_at(character_before(dot), dot, classes)[0] == UPPER


@inlined_helper
def _is_hiragana(at):
    point = np.int64(load_u8(at + 1)) << 8 | np.int64(load_u8(at + 2))
    return load_u8(at) == 0xE3 and point >= 0x8181 and point <= 0x829F


@inlined_helper
def _ends_glued(first, last, stop, found, letters, last_letter, strong, classes):
    """Say whether a stop with no space behind it ends a sentence."""
    if strong and last_letter == LETTER and found == LETTER:
        return True
    if last_letter != LOWER or found != UPPER or letters & ~np.int64(_CASED) != 0:
        return False
    if strong:
        return True
    second = first + class_at(first, stop, classes)[1]
    byte = load_u8(first)
    if second < last:
        if class_at(second, stop, classes)[0] != LOWER:
            return False
    elif byte != 65 and byte != 73:
        return False
    behind = np.int64(load_u8(last))
    apostrophe = behind == 44 or behind == 39
    curly = behind == 0xE2 and load_u8(last + 1) == 0x80 and load_u8(last + 2) == 0x99
    return class_at(last, stop, classes)[0] == SPACE or apostrophe or curly


@compiled_helper
def ends_sentence(start, at, stops, end, following, stop, classes, keys, kinds):
    glued = following == end
    marks, marks_count, _, _ = classes_between(at, stops, classes)
    if is_among(FULL, marks):
        return not (glued and end > stops and _is_hiragana(following))
    strong = is_among(STOP, marks)
    first = pass_over(following, stop, classes, _LEADING, _LOOK)
    last = pass_over(first, stop, classes, _WORDLY, _LOOK)
    found = class_at(first, stop, classes)[0] if first < stop else np.int64(OTHER)
    starts = _known(first, last, keys, kinds)
    word, steps = at, 0
    while word > start and steps < _LOOK:
        one = character_before(word)
        if is_among(class_at(one, word, classes)[0], 1 << SPACE | 1 << OPEN):
            break
        word = one
        steps += 1
    word = pass_over(word, at, classes, 1 << QUOTE, EVER)
    letters, size, last_letter, second_last = classes_between(word, at, classes)
    if glued:
        if first != stops or size < 2:
            return False
        return _ends_glued(first, last, stop, found, letters, last_letter, strong, classes)
    if strong:
        is_dash = class_at(following, stop, classes)[0] == DASH
        return found != LOWER or (end == stops and not is_dash)
    if marks_count > 1 or is_among(ELLIPSIS, marks):
        return found != LOWER
    known = _known(word, at, keys, kinds)
    if found == LOWER:
        least = 2 if class_at(start, stop, classes)[0] == LOWER else _PLAIN
        plain = size >= least and letters == 1 << LOWER
        return plain and end == stops and known & _ABBREVIATION == 0
    if known & GOES_ON or (known & TITLE and class_at(word, at, classes)[0] == UPPER):
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
def ends_line(end, following, line, stop, width, classes):
    found, step = class_at(following, stop, classes)
    if found == OTHER and class_at(following + step, stop, classes)[0] == SPACE:
        return True
    first = pass_over(following, stop, classes, 1 << DIGIT, 3)
    is_numbered = following < first < stop and load_u8(first) in (46, 41)
    if is_numbered and class_at(first + 1, stop, classes)[0] == SPACE:
        return True
    first = pass_over(following, stop, classes, _LEADING, _LOOK)
    if first < stop and class_at(first, stop, classes)[0] == LOWER:
        return False
    if load_u8(end - 1) == 44:
        return False
    last, most = following, np.int64(_WIDE if load_u8(following) >= 0xE3 else EVER)
    word = np.int64(0)
    while last < stop and word < most:
        found, step = class_at(last, stop, classes)
        if found == SPACE:
            break
        last += step
        word += 1
    return count_characters(line, end) + 1 + word <= width
