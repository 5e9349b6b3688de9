"""Units to packed examples: RoBERTa's FULL-SENTENCES and DOC-SENTENCES.

Units are taken in order until the next one would not fit. An example holds one span for each
document that it met, and each span costs one separator more than its tokens.

References
----------
Y. Liu et al.: RoBERTa: A Robustly Optimized BERT Pretraining Approach, 2019, sec. 4.2.
"""

import numpy as np

from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import (
    random_below,
    random_below_reference,
    random_unit,
    random_unit_reference,
)

_LEAST = 3  # tokens and separators in an example that is made shorter


def pack_units_reference(units, documents, keys, room, short_share, crosses):
    units, documents = units.tolist(), documents.tolist()
    spans, borders, owners, ordinals = [], [0], [], []
    used, limit, last = 0, 0, -1

    def finish():
        if used:
            borders.append(len(spans))

    for d in range(len(documents) - 1):
        first = documents[d]
        for u in range(first, documents[d + 1]):
            size = units[u + 1] - units[u]
            if used and used + size + (last != d) > limit:
                finish()
                used = 0
            if not used:
                owners.append(d)
                ordinals.append(u - first)
                limit, last, key = room, -1, int(keys[d])
                if random_unit_reference(key, 2 * (u - first)) < short_share:
                    draw = random_below_reference(key, 2 * (u - first) + 1, room - _LEAST + 1)
                    limit = _LEAST + draw
            if last != d:
                spans.append([units[u], units[u]])
                used += 1
            spans[-1][1] = units[u + 1]
            used, last = used + size, d
        if not crosses:
            finish()
            used = 0
    finish()
    lists = (borders, owners, ordinals)
    return np.array(spans, np.int64).reshape(-1, 2), *(np.array(x, np.int64) for x in lists)


@inlined_helper
def _limit(key, ordinal, room, short_share):
    if random_unit(key, 2 * ordinal) < short_share:
        return _LEAST + random_below(key, 2 * ordinal + 1, room - _LEAST + 1)
    return np.int64(room)


@kernel(reference=pack_units_reference)
def pack_units(units, documents, keys, room, short_share, crosses):
    """Fill examples with units in their order.

    Parameters
    ----------
    units : int64[U + 1]
        Borders into the ids; no unit is empty or longer than ``room - 1``.
    documents : int64[D + 1]
        Borders into the units.
    keys : uint64[D]
        Of each document's draws.
    room : int
        Most tokens of an example: its text and one separator a span.
    short_share : float
        Share of examples with a smaller limit, drawn evenly.
    crosses : bool
        Whether an example goes on into the next document.

    Returns
    -------
    spans : int64[P, 2]
        Begin and end in the ids.
    borders : int64[E + 1]
        Which spans make an example.
    owners : int64[E]
        The document in which an example begins.
    ordinals : int64[E]
        With which unit of that document it begins.
    """
    count = units.size - 1
    spans, borders = np.empty((count, 2), np.int64), np.empty(count + 1, np.int64)
    owners, ordinals = np.empty(count, np.int64), np.empty(count, np.int64)
    examples, filled = np.int64(0), np.int64(0)
    used, limit, last = np.int64(0), np.int64(0), np.int64(-1)
    for d in range(documents.size - 1):
        first = documents[d]
        if not crosses:
            used = np.int64(0)
        for u in range(first, documents[d + 1]):
            size = units[u + 1] - units[u]
            if used > 0 and used + size + (1 if last != d else 0) > limit:
                used = np.int64(0)
            if used == 0:
                owners[examples], ordinals[examples] = d, u - first
                borders[examples] = filled
                examples += 1
                limit, last = _limit(keys[d], u - first, room, short_share), np.int64(-1)
            if last != d:
                spans[filled, 0] = units[u]
                filled += 1
                used += 1
            spans[filled - 1, 1] = units[u + 1]
            used, last = used + size, np.int64(d)
    borders[examples] = filled
    return (
        spans[:filled].copy(),
        borders[: examples + 1].copy(),
        owners[:examples].copy(),
        ordinals[:examples].copy(),
    )
