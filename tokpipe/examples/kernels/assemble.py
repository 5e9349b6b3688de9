"""Spans to rows: the spans of an example between the special tokens of a template."""

import numpy as np

from tokpipe.foundation.jit import inlined_helper, kernel


def assemble_rows_reference(ids, spans, borders, begin, between, end):
    rows, offsets = [], [0]
    for e in range(len(borders) - 1):
        rows += begin.tolist()
        for p in range(borders[e], borders[e + 1]):
            rows += between.tolist() if p > borders[e] else []
            rows += ids[spans[p, 0] : spans[p, 1]].tolist()
        rows += end.tolist()
        offsets.append(len(rows))
    return np.array(rows, np.int32), np.array(offsets, np.int64)


@inlined_helper
def _append(out, at, ids, begin, size):
    for i in range(size):
        out[at + i] = ids[begin + i]
    return at + size


@kernel(reference=assemble_rows_reference)
def assemble_rows(ids, spans, borders, begin, between, end):
    """Copy the spans of every example between its special tokens.

    Parameters
    ----------
    ids : int32[T]
    spans : int64[P, 2]
        Begin and end in the ids.
    borders : int64[E + 1]
        Which spans make an example.
    begin, between, end : int32[k]
        In front of the first span, between two of them, and behind the last one.

    Returns
    -------
    input_ids : int32[N]
        The examples, end to end.
    offsets : int64[E + 1]
        Their borders.
    """
    offsets = np.empty(borders.size, np.int64)
    offsets[0] = 0
    for e in range(borders.size - 1):
        size = begin.size + end.size
        for p in range(borders[e], borders[e + 1]):
            size += spans[p, 1] - spans[p, 0] + (between.size if p > borders[e] else 0)
        offsets[e + 1] = offsets[e] + size
    out = np.empty(offsets[-1], np.int32)
    for e in range(borders.size - 1):
        at = _append(out, offsets[e], begin, 0, begin.size)
        for p in range(borders[e], borders[e + 1]):
            if p > borders[e]:
                at = _append(out, at, between, 0, between.size)
            at = _append(out, at, ids, spans[p, 0], spans[p, 1] - spans[p, 0])
        _append(out, at, end, 0, end.size)
    return out, offsets
