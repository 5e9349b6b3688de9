"""Record batches of shard files as NumPy views of the mapped file.

What a file says of itself is not believed: a forged length or offset would have kernels read
anywhere. So each batch is validated, and its lists are checked, before anybody sees a view.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokpipe.foundation.errors import ArtifactError

_HINT = "The file is damaged or was changed; make the folder again."


class Lists(NamedTuple):
    """A column of lists."""

    values: NDArray[Any]  # uint8[N], uint16[N] or int32[N]: of all rows, end to end
    # int32[R + 1]: row r is ``values[offsets[r]:offsets[r + 1]]``; ascending from 0 to N
    offsets: NDArray[np.int32]


class Part(NamedTuple):
    """Some rows of a shard: one record batch, as views.

    Offsets are checked; whether ids are below the vocabulary's size and masked positions below
    their row's length is for those to check who use them as addresses.
    """

    shard: int  # number of the file in its split
    first_row: int  # number of the first row in the shard
    rows: int  # R, how many
    input_ids: Lists
    segment_b_start: NDArray[np.uint16] | None = None  # uint16[R]: of pairs
    # int8[R]: of pairs: of the next sentence, or of the order
    labels: NDArray[np.int8] | None = None
    # `masked_positions`, `masked_ids`: of static masks; their offsets are equal
    masked_positions: Lists | None = None
    masked_ids: Lists | None = None


def read_parts(path: Path, schema: pa.Schema, shard: int) -> Iterator[Part]:
    """Map a shard file, which may have no rows, and yield its record batches.

    Raises
    ------
    ArtifactError
        If it is not what a shard file should be, or its columns are not of this schema.
    """
    row = 0
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            if not reader.schema.equals(schema):
                raise ArtifactError(f"{path}: other columns than the manifest says", hint=_HINT)
            for batch in reader:
                batch.validate()
                part = _part(path, batch, shard, row)
                row += part.rows
                yield part
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ArtifactError(f"{path}: no shard of examples: {reason}", hint=_HINT) from error


def _part(path: Path, batch: pa.RecordBatch, shard: int, first_row: int) -> Part:
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name, column in columns.items():
        if column.null_count or column.offset:
            raise ArtifactError(f"{path}: {name} holds nulls", hint=_HINT)
    label = next((name for name in columns if name.endswith("_label")), None)
    part = Part(
        shard,
        first_row,
        batch.num_rows,
        _lists(path, columns["input_ids"]),
        _values(columns.get("segment_b_start")),
        _values(columns.get(label)) if label else None,
        _lists(path, columns.get("masked_lm_positions")),
        _lists(path, columns.get("masked_lm_ids")),
    )
    _check_rows(path, part)
    return part


def _values(column: pa.Array | None) -> Any:
    """Return a column of numbers as a view; not by `to_numpy`, which imports pandas: 40 MB."""
    if column is None:
        return None
    data, end = column.buffers()[1], column.offset + len(column)
    if data is None or not end:
        return np.zeros(0, str(column.type))
    return np.frombuffer(data, str(column.type), count=end)[column.offset :]


def _lists(path: Path, column: pa.Array | None) -> Any:
    if column is None:
        return None
    lists = Lists(_values(column.values), _values(column.offsets))
    values, offsets = lists
    right = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(values)
    if not right or (offsets[1:] < offsets[:-1]).any():  # a difference may pass 2^31
        raise ArtifactError(f"{path}: the offsets of a list do not fit its values", hint=_HINT)
    return lists


def _check_rows(path: Path, part: Part) -> None:
    """Compare the columns of a part with one another, as far as that reads no values of lists."""
    lengths = np.diff(part.input_ids.offsets)
    wrong = part.segment_b_start is not None and bool((part.segment_b_start > lengths).any())
    positions, ids = part.masked_positions, part.masked_ids
    if positions is not None and ids is not None:
        wrong = wrong or not np.array_equal(positions.offsets, ids.offsets)
    if wrong:
        raise ArtifactError(f"{path}: the columns of a row do not fit each other", hint=_HINT)
    if part.labels is not None and ((part.labels < 0) | (part.labels > 1)).any():
        raise ArtifactError(f"{path}: labels that are neither 0 nor 1", hint=_HINT)
