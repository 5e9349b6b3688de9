"""Assembled examples to Arrow: record batches over NumPy's buffers."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokpipe.examples.build import Rows
from tokpipe.examples.masking import Masks
from tokpipe.foundation.errors import InputError
from tokpipe.shards.schema import IGNORED, Column, schema_of


def record_batch(
    columns: tuple[Column, ...],
    rows: Rows,
    labels: NDArray[np.int8] | None,
    masks: Masks | None,
) -> pa.RecordBatch:
    """Make a record batch of examples, masked already where masks are static.

    Of pairs `labels` is int8[E]; `masks` is what stood in the places that are to be predicted. A
    value that does not fit its column is an `InputError`.
    """
    values = {
        "input_ids": (rows.input_ids, rows.offsets),
        "segment_b_start": (rows.segment_b_start, None),
        "next_sentence_label": (labels, None),
        "sentence_order_label": (labels, None),
    }
    if masks is not None:
        values["masked_lm_positions"] = (masks.positions, masks.offsets)
        values["masked_lm_ids"] = (masks.ids, masks.offsets)
    dense = {
        "labels": lambda: _labels(rows, masks),
        "token_type_ids": lambda: token_type_ids(rows.offsets, rows.segment_b_start),
        "attention_mask": lambda: np.ones(len(rows.input_ids), np.int8),
    }
    for column in columns:
        if column.name in dense:
            values[column.name] = (dense[column.name](), rows.offsets)
    arrays = [_array(column, *values[column.name]) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))


def token_type_ids(offsets: NDArray[Any], segment_b_start: NDArray[Any]) -> NDArray[np.int8]:
    """Return 0 for the tokens in front of segment B, 1 from there on.

    Examples lie between `offsets`, int[E + 1]; `segment_b_start`, int[E], is how many tokens of
    each stand in front of segment B.

    Examples
    --------
    >>> token_type_ids(np.array([0, 3, 5]), np.array([1, 2])).tolist()
    [0, 1, 1, 0, 0]
    """
    change = np.zeros(int(offsets[-1]) + 1, np.int8)
    np.add.at(change, offsets[:-1] + segment_b_start, 1)
    np.add.at(change, offsets[1:], -1)
    return np.cumsum(change, dtype=np.int8)[:-1]


def _labels(rows: Rows, masks: Any) -> NDArray[np.int32]:
    labels = np.full(len(rows.input_ids), IGNORED, np.int32)
    labels[np.repeat(rows.offsets[:-1], np.diff(masks.offsets)) + masks.positions] = masks.ids
    return labels


def _array(column: Column, values: Any, offsets: NDArray[np.int64] | None) -> pa.Array:
    """Wrap buffers; not by `pa.array`, which imports what it knows of pandas: 40 MB."""
    range_of = np.iinfo(column.dtype)
    for value in (values.min(initial=0), values.max(initial=0)):
        if not range_of.min <= value <= range_of.max:
            raise InputError(f"{column.name}: {value} is no {column.dtype}")
    values = np.ascontiguousarray(values).astype(column.dtype, copy=False)
    numbers = pa.Array.from_buffers(
        pa.type_for_alias(column.dtype), len(values), [None, pa.py_buffer(values)]
    )
    if offsets is None:
        return numbers
    borders = pa.py_buffer(offsets.astype(np.int32))
    kind = column.arrow_type
    return pa.Array.from_buffers(kind, len(offsets) - 1, [None, borders], children=[numbers])
