"""Masks: which tokens of each example are to be predicted, and what stands in their place.

The tokens that may be chosen form groups: single tokens, or words. Groups are tried in a random
order (a Fisher-Yates shuffle that goes on only as long as it must) until the example has as many
chosen tokens as it should; one that would give too many is passed over, so no word is ever split.
For spans, a group drawn this way and the words behind it are taken together, up to a length drawn
from a table.

Draws of an example hang on its key alone: the shuffle on child 0, what becomes of the token at a
position on child 1 and that position, the random token on child 2, a span's length on child 3.
"""

import numpy as np

from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import (
    child_key,
    child_key_reference,
    random_below,
    random_below_reference,
    random_unit,
    random_unit_reference,
)


def mask_rows_reference(  # type: ignore[no-untyped-def]
    input_ids, offsets, keys, fixed, continues, ordinary, mask_id, shares, most, lengths, out
):
    positions, originals, borders = out
    filled = 0
    for e in range(len(keys)):
        row = input_ids[offsets[e] : offsets[e + 1]]
        order, fate, word, length = (child_key_reference(int(keys[e]), i) for i in range(4))
        groups = []
        for i in range(len(row)):
            joined = len(continues) and i and continues[row[i]] and not fixed[row[i - 1]]
            if not fixed[row[i]]:
                groups[-1].append(i) if joined else groups.append([i])
        left = min(most, max(1, round(len(row) * shares[0])))
        chosen, tried = {}, list(range(len(groups)))  # chosen: position -> where its span begins
        for g in range(len(groups)):
            if not left:
                break
            other = g + random_below_reference(order, g, len(groups) - g)
            tried[g], tried[other] = tried[other], tried[g]
            begin = tried[g]
            draw = random_unit_reference(length, g) if len(lengths) > 1 else 0.0
            size = 1 + sum(draw >= share for share in lengths[:-1])
            for span in range(begin, min(begin + size, len(groups))):
                group = groups[span]
                apart = span > begin and groups[span - 1][-1] + 1 != group[0]
                if apart or len(group) > left or group[0] in chosen:
                    break
                chosen |= {i: groups[begin][0] if len(lengths) > 1 else i for i in group}
                left -= len(group)
        for i in sorted(chosen):
            positions[filled], originals[filled] = i, row[i]
            draw = random_unit_reference(fate, chosen[i])
            if draw < shares[1]:
                row[i] = mask_id
            elif draw < shares[2]:
                row[i] = ordinary[random_below_reference(word, i, len(ordinary))]
            filled += 1
        borders[e + 1] = filled
    return filled


@inlined_helper
def _find_groups(row, fixed, continues, starts, ends):  # type: ignore[no-untyped-def]
    """Write where each group of a row begins and ends; return how many there are."""
    count, apart, by_words = np.int64(0), True, continues.size > 0
    for i in range(row.size):
        token = row[i]
        if fixed[token]:
            apart = True
            continue
        if apart or not by_words or not continues[token]:
            starts[count] = i
            count += 1
        ends[count - 1] = i + 1
        apart = False
    return count


@inlined_helper
def _span_words(lengths, draw):  # type: ignore[no-untyped-def]
    words = 1
    for k in range(lengths.size - 1):
        words += draw >= lengths[k]
    return words


@kernel(reference=mask_rows_reference)
def mask_rows(  # type: ignore[no-untyped-def]
    input_ids, offsets, keys, fixed, continues, ordinary, mask_id, shares, most, lengths, out
):
    """Choose tokens of every row and replace them, in place.

    Parameters
    ----------
    input_ids : int32[N]
        The rows, end to end; changed.
    offsets : int64[E + 1]
    keys : uint64[E]
        Of each row's draws.
    fixed : uint8[V]
        1 for tokens that are never chosen.
    continues : uint8[V] or uint8[0]
        1 for tokens that belong to the word before them; empty if single tokens are chosen.
    ordinary : int32[K]
        What a random token may be.
    mask_id : int
    shares : float64[3]
        Of tokens chosen; of those, the share that becomes the mask token; that plus the share
        that becomes a random token.
    most : int
        Most tokens chosen in a row.
    lengths : float64[W]
        The chance that a span has at most 1, 2, … W words; one entry for no spans. The tokens of
        a span share their fate, as in SpanBERT.
    out : (int32[M], int32[M], int64[E + 1])
        Written to: positions within the row, ascending; the ids that stood there; their borders.

    Returns
    -------
    int
        How many tokens were chosen in all.

    References
    ----------
    J. Devlin et al.: BERT, 2019, appendix A.1.
    M. Joshi et al.: SpanBERT, TACL 2020, sec. 3.1.
    """
    positions, originals, borders = out
    longest = np.int64(0)
    for e in range(keys.size):
        longest = max(longest, offsets[e + 1] - offsets[e])
    starts, ends = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    tried, marks = np.empty(longest + 1, np.int32), np.zeros(longest + 1, np.int32)
    filled, spans = np.int64(0), lengths.size > 1
    for e in range(keys.size):
        row = input_ids[offsets[e] : offsets[e + 1]]
        order, fate = child_key(keys[e], 0), child_key(keys[e], 1)
        word, length = child_key(keys[e], 2), child_key(keys[e], 3)
        groups = _find_groups(row, fixed, continues, starts, ends)
        left = min(np.int64(most), max(np.int64(1), np.int64(round(row.size * shares[0]))))
        for g in range(groups):
            tried[g] = g
        for g in range(groups):
            if left == 0:
                break
            other = g + random_below(order, g, groups - g)
            begin = np.int64(tried[other])
            tried[other] = tried[g]
            stop = begin + 1
            if spans:
                stop = min(groups, begin + _span_words(lengths, random_unit(length, g)))
            for span in range(begin, stop):
                first, end = starts[span], ends[span]
                apart = span > begin and ends[span - 1] != first
                if apart or end - first > left or marks[first]:
                    break
                for i in range(first, end):
                    marks[i] = 1 + (starts[begin] if spans else i)
                left -= end - first
        for i in range(row.size):
            if marks[i]:
                positions[filled], originals[filled] = i, row[i]
                filled += 1
                draw = random_unit(fate, marks[i] - 1)
                marks[i] = 0
                if draw < shares[1]:
                    row[i] = mask_id
                elif draw < shares[2]:
                    row[i] = ordinary[random_below(word, i, ordinary.size)]
        borders[e + 1] = filled
    return filled
