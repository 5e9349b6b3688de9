"""Spans to rows: [CLS], then each span with a [SEP] behind it."""

import numpy as np

from tokpipe.foundation.jit import kernel


def assemble_rows_reference(ids, spans, borders, cls_id, sep_id):
    rows, offsets = [], [0]
    for e in range(len(borders) - 1):
        rows.append(cls_id)
        for begin, end in spans[borders[e] : borders[e + 1]]:
            rows += [*ids[begin:end], sep_id]
        offsets.append(len(rows))
    return np.array(rows, np.int32), np.array(offsets, np.int64)


@kernel(reference=assemble_rows_reference)
def assemble_rows(ids, spans, borders, cls_id, sep_id):
    """Copy the spans of every example between its special tokens.

    Parameters
    ----------
    ids : int32[T]
    spans : int64[P, 2]
        Begin and end in the ids.
    borders : int64[E + 1]
        Which spans make an example.
    cls_id, sep_id : int

    Returns
    -------
    input_ids : int32[N]
        The examples, end to end.
    offsets : int64[E + 1]
        Their borders.
    """
    total = borders.size - 1 + spans.shape[0]
    for p in range(spans.shape[0]):
        total += spans[p, 1] - spans[p, 0]
    out, offsets = np.empty(total, np.int32), np.empty(borders.size, np.int64)
    at = np.int64(0)
    offsets[0] = 0
    for e in range(borders.size - 1):
        out[at] = cls_id
        at += 1
        for p in range(borders[e], borders[e + 1]):
            begin, size = spans[p, 0], spans[p, 1] - spans[p, 0]
            for i in range(size):
                out[at + i] = ids[begin + i]
            out[at + size] = sep_id
            at += size + 1
        offsets[e + 1] = at
    return out, offsets
