"""Masks: which tokens of each row are to be predicted, and what stands in their place.

How they are chosen, and what the draws hang on, says `mask_trace`, the twin.
"""

import numpy as np

from tokpipe.examples.kernels.mask_trace import FIXED, trace_row
from tokpipe.foundation.intrinsics import trailing_zeros
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import child_key, random_below, random_unit

_ONE, _LOW = np.uint64(1), np.int64(63)  # a bit, and the place of a position in its 64


def mask_rows_reference(input_ids, offsets, keys, rule, out):
    positions, originals, borders = out
    filled = 0
    for e, key in enumerate(keys.tolist()):
        row = input_ids[offsets[e] : offsets[e + 1]]
        for fate in trace_row(row, key, rule).fates:
            positions[filled], originals[filled] = fate.position, row[fate.position]
            row[fate.position] = fate.token
            filled += 1
        borders[e + 1] = filled
    return filled


@inlined_helper
def _find_words(row, kinds, starts, ends):
    """Write where each word of a row begins, and from entry 1 on where it ends; count them.

    Without branches on the tokens, which no processor foresees: half the time.
    """
    count, before = np.int64(0), np.int64(FIXED)
    for i in range(row.size):
        kind = np.int64(kinds[row[i]])
        fixed, joined = kind & FIXED, (kind >> 1) & (before ^ 1)
        starts[count] = i  # overwritten unless counted
        count += (fixed ^ 1) & (joined ^ 1)
        ends[count] = i + 1 if fixed == 0 else ends[count]
        before = fixed
    return count


@inlined_helper
def _span_words(lengths, draw):
    words = 1
    for k in range(lengths.size - 1):
        words += draw >= lengths[k]
    return words


@inlined_helper
def _choose_tokens(row, kinds, order, left, tried, chosen, anchors):
    """Choose single tokens: their own groups, none of which has to be found first."""
    for i in range(row.size):
        tried[i] = i
    for g in range(row.size):
        if left == 0:
            break
        other = g + random_below(order, g, row.size - g)
        i = np.int64(tried[other])
        tried[other] = tried[g]
        if kinds[row[i]] & FIXED == 0:
            chosen[i >> 6] |= _ONE << np.uint64(i & _LOW)
            anchors[i] = i
            left -= 1


@inlined_helper
def _choose_parts(order, left, wanted, words, tried, starts, ends, chosen, anchors):
    """Choose single tokens of words that are longer than all that was wanted."""
    count = np.int64(0)
    for g in range(words):
        if ends[g + 1] - starts[g] > wanted:
            for i in range(starts[g], ends[g + 1]):
                tried[count] = i
                count += 1
    for k in range(min(left, count)):
        other = k + random_below(order, words + k, count - k)
        i = np.int64(tried[other])
        tried[other] = tried[k]
        chosen[i >> 6] |= _ONE << np.uint64(i & _LOW)
        anchors[i] = i


@inlined_helper
def _choose_words(row, rule, order, length, left, tried, starts, ends, chosen, anchors):
    """Choose words, or runs of words."""
    words, spans = _find_words(row, rule.kinds, starts, ends), rule.lengths.size > 1
    wanted = left
    for g in range(words):
        tried[g] = g
    for g in range(words):
        if left == 0:
            break
        other = g + random_below(order, g, words - g)
        begin = np.int64(tried[other])
        tried[other] = tried[g]
        stop = begin + 1
        if spans:
            stop = min(words, begin + _span_words(rule.lengths, random_unit(length, g)))
        for span in range(begin, stop):
            first, end = np.int64(starts[span]), np.int64(ends[span + 1])
            apart = span > begin and ends[span] != first
            taken = chosen[first >> 6] >> np.uint64(first & _LOW) & _ONE
            if apart or taken or end - first > left:
                break
            for i in range(first, end):
                chosen[i >> 6] |= _ONE << np.uint64(i & _LOW)
                anchors[i] = starts[begin] if spans else i
            left -= end - first
    if left > 0:
        _choose_parts(order, left, wanted, words, tried, starts, ends, chosen, anchors)


@kernel(reference=mask_rows_reference)
def mask_rows(input_ids, offsets, keys, rule, out):
    """Choose tokens of every row and replace them, in place.

    Parameters
    ----------
    input_ids : int32[N]
        The rows, end to end; changed.
    offsets : int64[E + 1]
    keys : uint64[E]
        Of each row's draws.
    rule : MaskRule
    out : (int32[M], int32[M], int64[E + 1])
        Written to: positions within the row, ascending; the ids that stood there; their borders.

    Returns
    -------
    int
        How many tokens were chosen in all.
    """
    positions, originals, borders = out
    longest = np.int64(0)
    for e in range(keys.size):
        longest = max(longest, offsets[e + 1] - offsets[e])
    starts, ends = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    tried, anchors = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    chosen = np.zeros((longest >> 6) + 1, np.uint64)  # a bit a position
    filled, by_words = np.int64(0), rule.lengths.size > 0
    for e in range(keys.size):
        row = input_ids[offsets[e] : offsets[e + 1]]
        order, fate = child_key(keys[e], 0), child_key(keys[e], 1)
        word, length = child_key(keys[e], 2), child_key(keys[e], 3)
        left = min(
            np.int64(rule.most), max(np.int64(1), np.int64(round(row.size * rule.shares[0])))
        )
        if by_words:
            _choose_words(row, rule, order, length, left, tried, starts, ends, chosen, anchors)
        else:
            _choose_tokens(row, rule.kinds, order, left, tried, chosen, anchors)
        for block in range((row.size + 63) >> 6):
            bits, chosen[block] = chosen[block], np.uint64(0)
            while bits != 0:
                i = (block << 6) + np.int64(trailing_zeros(bits))
                bits &= bits - _ONE
                positions[filled], originals[filled] = i, row[i]
                filled += 1
                draw = random_unit(fate, anchors[i])
                if draw < rule.shares[1]:
                    row[i] = rule.mask_id
                elif draw < rule.shares[2]:
                    row[i] = rule.ordinary[random_below(word, i, rule.ordinary.size)]
        borders[e + 1] = filled
    return filled
