"""Masks: which tokens of each example are to be predicted, and what stands in their place.

Tokens are chosen by groups: single tokens, or words. Groups are tried in a random order (a
Fisher-Yates shuffle that goes on only as long as it must) until the example has as many chosen
tokens as it should; one that would give too many is passed over, so no word is ever split. For
spans, a group drawn this way and the words behind it are taken together, up to a length drawn from
a table.

Draws of an example hang on its key alone: the shuffle on child 0, what becomes of the token at a
position on child 1 and that position, the random token on child 2, a span's length on child 3.
"""

import numpy as np

from tokpipe.foundation.intrinsics import trailing_zeros
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import (
    child_key,
    child_key_reference,
    random_below,
    random_below_reference,
    random_unit,
    random_unit_reference,
)

FIXED, CONTINUES = 1, 2  # kinds of tokens: never chosen; belongs to the word before it
_ONE, _LOW = np.uint64(1), np.int64(63)


def mask_rows_reference(
    input_ids, offsets, keys, kinds, ordinary, mask_id, shares, most, lengths, out
):
    positions, originals, borders = out
    filled = 0
    for e in range(len(keys)):
        row = input_ids[offsets[e] : offsets[e + 1]]
        order, fate, word, length = (child_key_reference(int(keys[e]), i) for i in range(4))
        groups = [[i] for i in range(len(row))] if not len(lengths) else _words(row, kinds)
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
                fixed = kinds[row[group[0]]] & FIXED
                if apart or fixed or len(group) > left or group[0] in chosen:
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


def _words(row, kinds):
    """Return the positions of each word of a row: for the twin."""
    words, apart = [], True
    for i, kind in enumerate(kinds[row].tolist()):
        if not kind & FIXED:
            if apart or not kind & CONTINUES:
                words.append([])
            words[-1].append(i)
        apart = bool(kind & FIXED)
    return words


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
def _choose_words(row, kinds, order, length, left, lengths, tried, starts, ends, chosen, anchors):
    """Choose words, or runs of words."""
    words, spans = _find_words(row, kinds, starts, ends), lengths.size > 1
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
            stop = min(words, begin + _span_words(lengths, random_unit(length, g)))
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


@kernel(reference=mask_rows_reference)
def mask_rows(input_ids, offsets, keys, kinds, ordinary, mask_id, shares, most, lengths, out):
    """Choose tokens of every row and replace them, in place.

    Parameters
    ----------
    input_ids : int32[N]
        The rows, end to end; changed.
    offsets : int64[E + 1]
    keys : uint64[E]
        Of each row's draws.
    kinds : uint8[V]
        `FIXED` for tokens that are never chosen, `CONTINUES` for those that go on in a word.
    ordinary : int32[K]
        What a random token may be.
    mask_id : int
    shares : float64[3]
        Of tokens chosen; of those, the share that becomes the mask token; that plus the share
        that becomes a random token.
    most : int
        Most tokens chosen in a row.
    lengths : float64[W]
        The chance that a span has at most 1, 2, … W words: one entry for single words, none for
        single tokens. The tokens of a span share their fate, as in SpanBERT.
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
    tried, anchors = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    chosen = np.zeros((longest >> 6) + 1, np.uint64)  # a bit a position
    filled, by_words = np.int64(0), lengths.size > 0
    for e in range(keys.size):
        row = input_ids[offsets[e] : offsets[e + 1]]
        order, fate = child_key(keys[e], 0), child_key(keys[e], 1)
        word, length = child_key(keys[e], 2), child_key(keys[e], 3)
        left = min(np.int64(most), max(np.int64(1), np.int64(round(row.size * shares[0]))))
        if by_words:
            _choose_words(
                row, kinds, order, length, left, lengths, tried, starts, ends, chosen, anchors
            )
        else:
            _choose_tokens(row, kinds, order, left, tried, chosen, anchors)
        for block in range((row.size + 63) >> 6):
            bits, chosen[block] = chosen[block], np.uint64(0)
            while bits != 0:
                i = (block << 6) + np.int64(trailing_zeros(bits))
                bits &= bits - _ONE
                positions[filled], originals[filled] = i, row[i]
                filled += 1
                draw = random_unit(fate, anchors[i])
                if draw < shares[1]:
                    row[i] = mask_id
                elif draw < shares[2]:
                    row[i] = ordinary[random_below(word, i, ordinary.size)]
        borders[e + 1] = filled
    return filled
