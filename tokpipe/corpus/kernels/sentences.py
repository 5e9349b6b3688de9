"""Kernel that finds the sentences of documents.

Classes of characters are those of `characters`, rules and the table of words those of
`sentence_ends`. The time is linear in the text.
"""

from itertools import pairwise

import numpy as np

from tokpipe.corpus.kernels.characters import (
    CLOSE,
    DOT,
    ELLIPSIS,
    EVER,
    FULL,
    QUOTE,
    SPACE,
    SPACES,
    STOP,
    class_at,
    count_characters,
    next_mark,
    pass_over,
    without_spaces,
)
from tokpipe.corpus.kernels.lines import newlines_between
from tokpipe.corpus.kernels.sentence_ends import (
    CLOSING,
    STOPS,
    Rules,
    behind_tails,
    ends_line,
    ends_sentence,
)
from tokpipe.foundation.intrinsics import load_u8
from tokpipe.foundation.jit import compiled_helper, kernel

NONE, LINE, RULE = range(3)  # splitters


def sentence_spans_reference(data, units, splitter, classes, keys, kinds):
    spans, borders = [], [0]
    for a, b in pairwise(units.tolist()):
        text = data[a:b].tobytes().decode()
        places = np.cumsum([a] + [len(c.encode()) for c in text])
        found = _sentences_of(Rules(text, classes, keys, kinds), splitter)
        spans += [(places[start], places[end]) for start, end in found]
        borders.append(len(spans))
    return np.array(spans, np.int64).reshape(-1, 2), np.array(borders, np.int64)


def _sentences_of(rules, splitter):
    """Yield where each sentence of a text begins and ends, in characters."""
    text, kind, length = rules.text, rules.classes, rules.length
    start = line = at = rules.passed(0, (SPACE,))
    while splitter != NONE and at < length:
        is_stop = kind[at] >= DOT and splitter == RULE
        if not is_stop and text[at] != "\n":
            at += 1
            continue
        stops = end = rules.passed(at, (DOT, ELLIPSIS, STOP, FULL))
        while not is_stop and end > start and kind[end - 1] == SPACE:
            end -= 1
        if is_stop:
            end = rules.behind_tails(rules.passed(stops, (QUOTE, CLOSE, DOT, ELLIPSIS, STOP, FULL)))
        following = rules.passed(end, (SPACE,))
        if following == length:
            break
        ends = is_stop and rules.ends_sentence(start, at, stops, end, following)
        newlines = text.count("\n", end, following)
        if newlines and not ends:
            ends = splitter == LINE or newlines > 1 or rules.ends_line(end, following, line)
        if newlines:
            line = text.rindex("\n", end, following) + 1
        if ends:
            yield start, end
            start = following
        at = following
    end = length
    while end > start and kind[end - 1] == SPACE:
        end -= 1
    if end > start:
        yield start, end


@compiled_helper
def _widest(at, stop):
    """Return the characters of the longest line between two addresses."""
    widest = np.int64(0)
    while at <= stop:
        end = min(next_mark(at, stop, False), stop)
        if end - at > widest:  # bytes, no less than characters
            widest = max(widest, count_characters(at, end))
        at = end + 1
    return widest


@compiled_helper
def _next_sentence(unit, start, line, width, stop, splitter, classes, keys, kinds):
    """Find the end of the sentence that begins at `start` in a text from `unit` to `stop`.

    Returns its end, where the next one begins (`stop` if there is none), where the line there
    begins, and the width of the text, -1 if nobody has asked for it.
    """
    at = start
    while splitter != NONE:
        at = next_mark(at, stop, splitter == RULE)
        if at >= stop:
            break
        found, size = class_at(at, stop, classes)
        is_newline = load_u8(at) == 10
        if not is_newline and found < DOT:
            at += size
            continue
        stops = end = at
        if is_newline:
            end = without_spaces(start, at, classes)
        else:
            stops = pass_over(at, stop, classes, STOPS, EVER)
            end = behind_tails(pass_over(stops, stop, classes, CLOSING, EVER), stop, classes)
        following = pass_over(end, stop, classes, SPACES, EVER)
        if following >= stop:
            break
        ends = False
        if not is_newline:
            ends = ends_sentence(start, at, stops, end, following, stop, classes, keys, kinds)
        newlines = newlines_between(end, following)
        if newlines > 0 and not ends:
            if width < 0 and splitter == RULE and newlines == 1:
                width = _widest(unit, stop)
            ends = splitter == LINE or newlines > 1
            ends = ends or ends_line(end, following, line, stop, width, classes)
        if newlines > 0:
            line = following
            while load_u8(line - 1) != 10:
                line -= 1
        if ends:
            return end, following, line, width
        at = following
    return without_spaces(start, stop, classes), stop, line, width


@compiled_helper
def _grown(spans, count):
    out = np.empty((2 * spans.shape[0], 2), np.int64)
    for i in range(count):  # in one assignment numba also compiles the words of an error: 2.6 s
        out[i, 0], out[i, 1] = spans[i, 0], spans[i, 1]
    return out


@kernel(reference=sentence_spans_reference)
def sentence_spans(data, units, splitter, classes, keys, kinds):
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
        start = pass_over(base + units[unit], stop, table, SPACES, EVER)
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
