"""Arguments for the kernels of batches, each to be run by the kernel and by its twin."""

from collections import deque

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_examples import borders_of
from tokpipe.batches.kernels.gather import COLUMNS

_MAPPED = deque(maxlen=1_000)  # arrays whose addresses stand in tables: what a mapped file would be


@st.composite
def _plan(draw):
    lengths = np.array(draw(st.lists(st.integers(1, 9), max_size=12)), np.int32)
    order = np.array(draw(st.permutations(range(len(lengths)))), np.int64)
    cuts = sorted(draw(st.lists(st.integers(0, len(lengths)), max_size=2)))
    groups = np.array([0, *cuts, len(lengths)], np.int64)
    return lengths, order, groups, draw(st.integers(1, 20)), draw(st.integers(1, 5))


def _address(array):
    _MAPPED.append(array)
    return array.ctypes.data


def _lists(draw, rows, kind, greatest):
    sizes = draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows))
    items = draw(st.lists(st.integers(0, greatest), min_size=sum(sizes), max_size=sum(sizes)))
    return np.array(items, kind), borders_of(sizes).astype(np.int32)


@st.composite
def _table(draw, width):
    """Draw a split; return its table and the lengths of its rows."""
    kind, line, first, lengths = {2: np.uint16, 4: np.int32}[width], [], 0, []
    pairs = draw(st.booleans())
    for shard in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(1, 4))
        ids, borders = _lists(draw, rows, kind, 2 ** (8 * width - 1) - 1)
        sizes = np.diff(borders)
        starts, labels = (sizes // 2).astype(np.uint16), (sizes % 2).astype(np.int8)
        positions, targets = _lists(draw, rows, np.uint16, 5)
        originals = np.resize(np.append(ids, 7), len(positions)).astype(kind)
        columns = [ids, borders, starts, labels, positions, targets, originals]
        addresses = [_address(column) for column in columns]
        if not pairs:
            addresses[2:4] = 0, 0
        line.append([first, shard, 10 * shard, *addresses])
        lengths.append(sizes)
        first += rows
    table = np.array(line, np.int64)
    assert table.shape[1] == COLUMNS
    return table, np.concatenate(lengths).astype(np.int64)


@st.composite
def _rows(draw):
    width = draw(st.sampled_from([2, 4]))
    table, lengths = draw(_table(width))
    rows = draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6))
    return np.array(rows, np.int64), table, width, lengths


@st.composite
def _gathered(draw):
    rows, table, width, lengths = draw(_rows())
    offsets = borders_of(lengths[rows])
    tokens = int(offsets[-1])
    fields = np.zeros(tokens, np.int32), np.zeros(tokens, np.int32), np.zeros(len(rows), np.int32)
    return rows, table, width, offsets, (*fields, np.zeros((len(rows), 2), np.int64))


@st.composite
def _targets(draw):
    from tokpipe.batches.kernels.gather import target_borders_reference

    rows, table, width, _ = draw(_rows())
    borders = target_borders_reference(rows, table)
    out = tuple(np.zeros(int(borders[-1]), np.int32) for _ in range(2))
    return rows, table, width, borders, out


CASES = {
    "tokpipe.batches.kernels.plan.batch_borders": _plan(),
    "tokpipe.batches.kernels.gather.gather_rows": _gathered(),
    "tokpipe.batches.kernels.gather.target_borders": _rows().map(lambda drawn: drawn[:2]),
    "tokpipe.batches.kernels.gather.gather_targets": _targets(),
}
