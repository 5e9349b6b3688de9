"""Sorted runs of counted words into one: the words stay in order, equal ones add up.

Layout. The words of all runs that are in memory stand in one set of arrays: word ``i`` is
``data[offsets[i]:offsets[i + 1]]`` and occurs ``counts[i]`` times. Run ``r`` goes on with words
``cursors[r] <= i < ends[r]``, sorted by bytes, all different. Each run has one offset more than
words, so a place in `counts` between two runs is unused. ``R`` runs.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_u64, store_u64
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.words.kernels.table import _bytes_mask, swap_bytes

DONE, DRY, FULL, OVERFLOW = range(4)
_MOST = np.int64(2**63 - 1)  # the greatest count that a column of int64 holds
_SLACK = 8  # bytes behind the last word written, for whole stores


def merge_runs_reference(
    data, offsets, counts, cursors, ends, ended, out_data, out_offsets, out_counts
):
    def word(r):
        return data[offsets[cursors[r]] : offsets[cursors[r] + 1]].tobytes()

    written, out_offsets[0] = 0, 0
    while True:
        live = [r for r in range(len(ends)) if cursors[r] < ends[r]]
        if any(cursors[r] == ends[r] and not ended[r] for r in range(len(ends))):
            return DRY, written
        if not live:
            return DONE, written
        least = min(word(r) for r in live)
        equal = [r for r in live if word(r) == least]
        after = out_offsets[written] + len(least)
        if written == len(out_counts) or after + _SLACK > len(out_data):
            return FULL, written
        out_offsets[written + 1] = after
        out_data[after - len(least) : after] = np.frombuffer(least, np.uint8)
        total = sum(int(counts[cursors[r]]) for r in equal)
        for r in equal:
            cursors[r] += 1
        if total > int(_MOST):
            return OVERFLOW, written
        out_counts[written] = total
        written += 1


@inlined_helper
def _prefix(address, size):
    if size <= 0:
        return np.uint64(0)
    eight = load_u64(address)
    if size < 8:
        eight &= _bytes_mask(size)
    return swap_bytes(eight)


@inlined_helper
def _compare(one, one_size, other, other_size):
    """Return -1, 0 or 1: how two words (addresses and sizes) stand to each other."""
    while True:
        a, b = _prefix(one, one_size), _prefix(other, other_size)
        if a != b:
            return -1 if a < b else 1
        if one_size <= 8 or other_size <= 8:
            if one_size == other_size:
                return 0
            return -1 if one_size < other_size else 1
        one, other = one + 8, other + 8
        one_size, other_size = one_size - 8, other_size - 8


@inlined_helper
def _stands_before(r, s, prefixes, base, offsets, cursors):
    """Say whether the next word of run `r` stands before that of run `s`."""
    if prefixes[r] != prefixes[s]:
        return prefixes[r] < prefixes[s]
    i, j = cursors[r], cursors[s]
    return (
        _compare(
            base + offsets[i],
            offsets[i + 1] - offsets[i],
            base + offsets[j],
            offsets[j + 1] - offsets[j],
        )
        < 0
    )


@inlined_helper
def _sift(heap, top, size, prefixes, base, offsets, cursors):
    """Let the run at place `top` of the heap sink to where it belongs."""
    moving = heap[top]
    while 2 * top + 1 < size:
        child = 2 * top + 1
        if child + 1 < size and _stands_before(
            heap[child + 1], heap[child], prefixes, base, offsets, cursors
        ):
            child += 1
        if not _stands_before(heap[child], moving, prefixes, base, offsets, cursors):
            break
        heap[top] = heap[child]
        top = child
    heap[top] = moving


@inlined_helper
def _copy(target, source, size):
    end = source + size
    while source < end:
        eight = load_u64(source)
        if source + 8 > end:
            eight &= _bytes_mask(end - source)
        store_u64(target, eight)
        source, target = source + 8, target + 8


@kernel(reference=merge_runs_reference)
def merge_runs(data, offsets, counts, cursors, ends, ended, out_data, out_offsets, out_counts):
    """Merge runs until one needs more words, the output is full, or all are done.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[n], counts : int64[n]
        The runs; see the module's layout.
    cursors : int64[R]
        The next word of each run; moved in place.
    ends : int64[R]
        One past the last word in memory.
    ended : bool[R]
        Whether nothing follows behind `ends`.
    out_data : uint8[M]
        Filled from its start with words.
    out_offsets : int64[m + 1], out_counts : int64[m]
        Filled from their start.

    Returns
    -------
    status : int
        `DONE`; `DRY`: fill up each run that is at its end and has not ended; `FULL`: take the
        output away (at least one word and eight bytes must fit); `OVERFLOW`: the word behind the
        last one counted occurs more than 2^63 - 1 times.
    written : int
        Words in the output.
    """
    runs, live, dry = cursors.size, 0, False
    heap, prefixes = np.empty(runs, np.int64), np.empty(runs, np.uint64)
    base, target = data.ctypes.data, out_data.ctypes.data
    for r in range(runs):
        i = cursors[r]
        if i < ends[r]:
            prefixes[r] = _prefix(base + offsets[i], offsets[i + 1] - offsets[i])
            heap[live] = r
            live += 1
        elif not ended[r]:
            dry = True
    for top in range(live // 2 - 1, -1, -1):
        _sift(heap, top, live, prefixes, base, offsets, cursors)
    written, status = 0, DONE
    out_offsets[0] = 0
    while live > 0 and not dry:
        i = cursors[heap[0]]
        address, size = base + offsets[i], offsets[i + 1] - offsets[i]
        after = out_offsets[written] + size
        if written == out_counts.size or after + _SLACK > out_data.size:
            status = FULL
            break
        _copy(target + after - size, address, size)
        out_offsets[written + 1] = after
        total, prefix = np.int64(0), prefixes[heap[0]]
        while live > 0:
            r = heap[0]
            i = cursors[r]
            if prefixes[r] != prefix or (
                _compare(base + offsets[i], offsets[i + 1] - offsets[i], address, size) != 0
            ):
                break
            if counts[i] > _MOST - total:
                status = OVERFLOW
            total += counts[i]
            i += 1
            cursors[r] = i
            if i < ends[r]:
                prefixes[r] = _prefix(base + offsets[i], offsets[i + 1] - offsets[i])
            else:
                dry = dry or not ended[r]
                live -= 1
                heap[0] = heap[live]
            if live > 0:
                _sift(heap, 0, live, prefixes, base, offsets, cursors)
        if status == OVERFLOW:
            break
        out_counts[written] = total
        written += 1
    if dry and status == DONE:
        status = DRY
    return status, written
