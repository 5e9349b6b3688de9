"""Rows of mapped files, copied side by side: the one copy between the disk and the model.

A split is known to the kernels as a table, int64[P, COLUMNS], a line for each part (a record batch
of a shard), with the addresses of its columns in the mapped files; 0 for a column that is not
there. The lists of a part have int32 offsets; ids are uint16 or int32, by `width`.
"""

import ctypes

import numpy as np

from tokpipe.foundation.intrinsics import load_i32, load_u8, load_u16, load_u32
from tokpipe.foundation.jit import inlined_helper, kernel

FIRST_ROW, SHARD, SHARD_ROW, IDS, ID_BORDERS, SEGMENT_B, LABELS = range(7)
TARGETS, TARGET_BORDERS, TARGET_IDS, COLUMNS = range(7, 11)


def _at(address, kind, begin, end):
    """Return a few items of an array in memory: for the twins."""
    item = np.dtype(kind).itemsize
    return np.frombuffer(
        ctypes.string_at(int(address + item * begin), int(item * (end - begin))), kind
    )


def _line_of(table, row):
    return table[np.searchsorted(table[:, FIRST_ROW], row, side="right") - 1]


def gather_rows_reference(rows, table, width, offsets, out):
    input_ids, token_type_ids, labels, places = out
    kind = np.uint16 if width == 2 else np.int32
    for i, row in enumerate(rows):
        line = _line_of(table, row)
        r = row - line[FIRST_ROW]
        begin, end = _at(line[ID_BORDERS], np.int32, r, r + 2)
        here = slice(offsets[i], offsets[i + 1])
        input_ids[here] = _at(line[IDS], kind, begin, end)
        token_type_ids[here] = 0
        if line[SEGMENT_B]:
            token_type_ids[here][_at(line[SEGMENT_B], np.uint16, r, r + 1)[0] :] = 1
        if line[LABELS]:
            labels[i] = _at(line[LABELS], np.uint8, r, r + 1)[0]
        places[i] = line[SHARD], line[SHARD_ROW] + r
    return int(input_ids[: offsets[-1]].astype(np.uint32).max(initial=0))


@inlined_helper
def _find_part(table, row):
    """Return the part that holds a row: the last one that does not begin behind it."""
    low, high = np.int64(0), np.int64(table.shape[0])
    while high - low > 1:
        middle = (low + high) >> 1
        if table[middle, FIRST_ROW] <= row:
            low = middle
        else:
            high = middle
    return low


@inlined_helper
def _copy_ids(source, width, target, at, size):
    """Copy ids as int32; return the greatest, as if all were uint32."""
    greatest = np.uint32(0)
    if width == 2:
        for k in range(size):
            token = np.uint32(load_u16(source + 2 * k))
            target[at + k] = token
            greatest = max(greatest, token)
    else:
        for k in range(size):
            token = load_u32(source + 4 * k)
            target[at + k] = np.int32(token)
            greatest = max(greatest, token)
    return greatest


@kernel(reference=gather_rows_reference)
def gather_rows(rows, table, width, offsets, out):
    """Copy rows end to end.

    Parameters
    ----------
    rows : int64[B]
        Numbers of rows in the split.
    table : int64[P, COLUMNS]
        Of the split; the memory behind its addresses must stay mapped.
    width : int
        Bytes of an id: 2 or 4.
    offsets : int64[B + 1]
        Where each row goes, from 0 to T.
    out : (int32[T], uint8[T], int32[B], int64[B, 2])
        Written to: ids; token types; labels, where there are any; shard and row in it.

    Returns
    -------
    int
        The greatest id, as if all were uint32: files are not believed.
    """
    input_ids, token_type_ids, labels, places = out
    greatest = np.uint32(0)
    for i in range(rows.size):
        part = _find_part(table, rows[i])
        row = rows[i] - table[part, FIRST_ROW]
        borders = table[part, ID_BORDERS] + 4 * row
        at, size = offsets[i], offsets[i + 1] - offsets[i]
        source = table[part, IDS] + width * np.int64(load_i32(borders))
        greatest = max(greatest, _copy_ids(source, width, input_ids, at, size))
        segment_b = size
        if table[part, SEGMENT_B]:
            segment_b = min(size, np.int64(load_u16(table[part, SEGMENT_B] + 2 * row)))
        token_type_ids[at : at + segment_b] = 0
        token_type_ids[at + segment_b : at + size] = 1
        if table[part, LABELS]:
            labels[i] = load_u8(table[part, LABELS] + row)
        places[i, 0] = table[part, SHARD]
        places[i, 1] = table[part, SHARD_ROW] + row
    return np.int64(greatest)


def target_borders_reference(rows, table):
    borders = [0]
    for row in rows:
        line = _line_of(table, row)
        r = row - line[FIRST_ROW]
        begin, end = _at(line[TARGET_BORDERS], np.int32, r, r + 2)
        borders.append(borders[-1] + int(end - begin))
    return np.array(borders, np.int64)


@kernel(reference=target_borders_reference)
def target_borders(rows, table):
    """Return int64[B + 1]: how many stored targets the rows, int64[B], have, added up.

    `table`, int64[P, COLUMNS], is of the split.
    """
    out = np.zeros(rows.size + 1, np.int64)
    for i in range(rows.size):
        part = _find_part(table, rows[i])
        borders = table[part, TARGET_BORDERS] + 4 * (rows[i] - table[part, FIRST_ROW])
        out[i + 1] = out[i] + (load_i32(borders + 4) - load_i32(borders))
    return out


def gather_targets_reference(rows, table, width, borders, out):
    positions, ids = out
    kind = np.uint16 if width == 2 else np.int32
    for i, row in enumerate(rows):
        line = _line_of(table, row)
        r = row - line[FIRST_ROW]
        begin, end = _at(line[TARGET_BORDERS], np.int32, r, r + 2)
        positions[borders[i] : borders[i + 1]] = _at(line[TARGETS], np.uint16, begin, end)
        ids[borders[i] : borders[i + 1]] = _at(line[TARGET_IDS], kind, begin, end)


@kernel(reference=gather_targets_reference)
def gather_targets(rows, table, width, borders, out):
    """Copy the stored targets of rows end to end.

    `table`, int64[P, COLUMNS], is of the split, `rows`, int64[B], numbers in it; an id has `width`
    bytes, 2 or 4; `borders`, int64[B + 1], are as `target_borders` returns them. Written to `out`,
    two int32[M], are positions within the rows, and ids.
    """
    positions, ids = out
    for i in range(rows.size):
        part = _find_part(table, rows[i])
        row = rows[i] - table[part, FIRST_ROW]
        begin = np.int64(load_i32(table[part, TARGET_BORDERS] + 4 * row))
        size = borders[i + 1] - borders[i]
        _copy_ids(table[part, TARGETS] + 2 * begin, 2, positions, borders[i], size)
        _copy_ids(table[part, TARGET_IDS] + width * begin, width, ids, borders[i], size)
