"""Units to segment pairs: BERT's next sentence, ALBERT's sentence order.

A document is walked once. Units are gathered until they reach the target length; the first few of
them become segment A, the rest segment B (the true next), or a run of another document does (a
random next), and then the rest is put back to begin the next pair. What is too long loses tokens
at either end of its longer segment.

What the published scripts leave to chance or do wrong, and what happens here:

- a lone unit always gets a random next, as there; for sentence order it is split in two (ALBERT's
  script takes a random document and calls it swapped);
- a block without a second document lends a run of the same one, away from the pair;
- if there is none, the pair is the true one, and a lone unit is split in two; if it is a single
  token, it is left out and counted.

References
----------
J. Devlin et al.: BERT, 2019, sec. 3.1 and appendix A.2.
Z. Lan et al.: ALBERT, 2020, sec. 3.1 (sentence order).
"""

import numpy as np

from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import (
    random_below,
    random_below_reference,
    random_unit,
    random_unit_reference,
)


class _Draws:
    """The draws of a document, one after the other: for the twin."""

    def __init__(self, key):
        self.key, self.count = int(key), 0

    def below(self, limit):
        self.count += 1
        return random_below_reference(self.key, self.count - 1, int(limit))

    def chance(self, share):
        self.count += 1
        return random_unit_reference(self.key, self.count - 1) < share


def build_pairs_reference(units, documents, keys, window, short_share, order, exact):
    units, documents = units.tolist(), documents.tolist()
    filled = [d for d in range(len(documents) - 1) if documents[d] < documents[d + 1]]
    spans, labels, owners, balance, dropped = [], [], [], 0, 0
    for rank, d in enumerate(filled):
        draws, (first, end) = _Draws(keys[d]), documents[d : d + 2]
        target = 2 + draws.below(window - 1) if draws.chance(short_share) else window
        at = first
        while at < end:
            begin, at = at, at + 1
            while at < end and units[at] - units[begin] < target:
                at += 1
            split = begin + 1 + (draws.below(at - begin - 1) if at - begin > 1 else 0)
            a, b = [units[begin], units[split]], [units[split], units[at]]
            lone = at - begin == 1
            elsewhere = (begin - first) + max(0, end - at - 1)
            random = not order and (len(filled) > 1 or elsewhere > 0)
            if random and not lone:
                random = balance < 0 if exact and balance else draws.chance(0.5)
            if random:
                if len(filled) > 1:
                    other = draws.below(len(filled) - 1)
                    other = filled[other + (other >= rank)]
                    stop = documents[other + 1]
                    start = documents[other] + draws.below(stop - documents[other])
                else:
                    start = first + draws.below(elsewhere)
                    stop = begin if start < begin else end
                    start += at + 1 - begin if start >= begin else 0
                wanted = target - (a[1] - a[0])
                last = start + 1
                while last < stop and units[last] - units[start] < wanted:
                    last += 1
                b, at = [units[start], units[last]], split
            elif lone:
                if a[1] - a[0] < 2:
                    dropped += 1
                    continue
                middle = a[0] + 1 + draws.below(a[1] - a[0] - 1)
                a, b = [a[0], middle], [middle, a[1]]
            if order and draws.chance(0.5):
                a, b, random = b, a, True
            own = a[1] - a[0] + (0 if random and not order else b[1] - b[0])
            while a[1] - a[0] + b[1] - b[0] > window:
                longer = a if a[1] - a[0] > b[1] - b[0] else b
                if draws.chance(0.5):
                    longer[0] += 1
                else:
                    longer[1] -= 1
            dropped += own - (a[1] - a[0]) - (0 if random and not order else b[1] - b[0])
            balance += 1 if random else -1
            spans += [a, b]
            labels.append(random)
            owners.append(d)
    pairs = np.array(spans, np.int64).reshape(-1, 2)
    return pairs, np.array(labels, np.int8), np.array(owners, np.int64), dropped


@inlined_helper
def _truncate(a_begin, a_end, b_begin, b_end, window, key, count):
    """Take tokens from the ends of the longer segment until both fit; also the draws so far."""
    a, b = a_end - a_begin, b_end - b_begin
    while a + b > window:
        front = np.int64(1 if random_unit(key, count) < 0.5 else 0)
        count += 1
        if a > b:
            a_begin += front
            a -= 1
        else:
            b_begin += front
            b -= 1
    return a_begin, a_begin + a, b_begin, b_begin + b, count


@inlined_helper
def _run_end(units, start, stop, wanted):
    """Return the end of a run of units of at least `wanted` tokens, or `stop`."""
    last = start + 1
    while last < stop and units[last] - units[start] < wanted:
        last += 1
    return last


@kernel(reference=build_pairs_reference)
def build_pairs(units, documents, keys, window, short_share, order, exact):
    """Make segment pairs of all documents.

    Parameters
    ----------
    units : int64[U + 1]
        Borders into the ids; no unit is empty.
    documents : int64[D + 1]
        Borders into the units.
    keys : uint64[D]
        Of each document's draws.
    window : int
        Most tokens of both segments together; at least 2.
    short_share : float
        Share of documents with a smaller target, drawn evenly from 2 up.
    order : bool
        Sentence order in the place of next sentence.
    exact : bool
        Let pairs that have a choice even out those that have none.

    Returns
    -------
    spans : int64[2 * E, 2]
        Begin and end in the ids of the segments A, B, A, B, …
    labels : int8[E]
        1 for a random next, or for swapped segments.
    owners : int64[E]
        The document of segment A.
    dropped : int
        Tokens that were cut off; those of a random next are not lost, and not counted.
    """
    count = units.size - 1
    spans = np.empty((2 * count, 2), np.int64)
    labels, owners = np.empty(count, np.int8), np.empty(count, np.int64)
    filled = np.empty(documents.size, np.int64)
    filled_count = np.int64(0)
    for d in range(documents.size - 1):
        filled[filled_count] = d
        filled_count += documents[d + 1] > documents[d]
    examples, balance, dropped = np.int64(0), np.int64(0), np.int64(0)
    for rank in range(filled_count):
        d = filled[rank]
        key, draws = keys[d], np.int64(1)
        first, end = documents[d], documents[d + 1]
        target = np.int64(window)
        if random_unit(key, 0) < short_share:
            target = 2 + random_below(key, 1, window - 1)
            draws += 1
        at = first
        while at < end:
            begin = at
            at = _run_end(units, begin, end, target)
            lone = at - begin == 1
            split = begin + 1
            if not lone:
                split += random_below(key, draws, at - begin - 1)
                draws += 1
            a_begin, a_end, b_begin, b_end = units[begin], units[split], units[split], units[at]
            elsewhere = (begin - first) + max(np.int64(0), end - at - 1)
            random = not order and (filled_count > 1 or elsewhere > 0)
            if random and not lone:
                if exact and balance != 0:
                    random = balance < 0
                else:
                    random = random_unit(key, draws) < 0.5
                    draws += 1
            if random:
                if filled_count > 1:
                    other = random_below(key, draws, filled_count - 1)
                    other = filled[other + (1 if other >= rank else 0)]
                    stop = documents[other + 1]
                    start = documents[other]
                    start += random_below(key, draws + 1, stop - documents[other])
                    draws += 2
                else:
                    start = first + random_below(key, draws, elsewhere)
                    draws += 1
                    stop = begin
                    if start >= begin:
                        start += at + 1 - begin
                        stop = end
                last = _run_end(units, start, stop, target - (a_end - a_begin))
                b_begin, b_end, at = units[start], units[last], split
            elif lone:
                size = a_end - a_begin
                if size < 2:
                    dropped += 1
                    continue
                a_end = a_begin + 1 + random_below(key, draws, size - 1)
                draws += 1
                b_begin, b_end = a_end, units[at]
            if order:
                if random_unit(key, draws) < 0.5:
                    random = True
                    a_begin, a_end, b_begin, b_end = b_begin, b_end, a_begin, a_end
                draws += 1
            a_size, b_size = a_end - a_begin, b_end - b_begin
            a_begin, a_end, b_begin, b_end, draws = _truncate(
                a_begin, a_end, b_begin, b_end, window, key, draws
            )
            dropped += a_size - (a_end - a_begin)
            if order or not random:
                dropped += b_size - (b_end - b_begin)
            balance += 1 if random else -1
            spans[2 * examples, 0], spans[2 * examples, 1] = a_begin, a_end
            spans[2 * examples + 1, 0], spans[2 * examples + 1, 1] = b_begin, b_end
            labels[examples] = 1 if random else 0
            owners[examples] = d
            examples += 1
    return spans[: 2 * examples].copy(), labels[:examples].copy(), owners[:examples].copy(), dropped
