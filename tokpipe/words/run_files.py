"""Sorted runs as Arrow files: columns ``word`` (large_binary) and ``count`` (int64), in batches."""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.storage import storage_errors
from tokpipe.words.runs import Run

if TYPE_CHECKING:
    import pyarrow as pa

# pyarrow is imported where a run meets a file: it costs 27 MB, and most countings never spill


@functools.cache
def _schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([("word", pa.large_binary()), ("count", pa.int64())])


def write_run(file: BinaryIO, batches: Iterable[Run]) -> int:
    """Write batches as one Arrow IPC file; return how many words they hold together."""
    import pyarrow as pa

    words = 0
    with pa.ipc.new_file(file, _schema()) as writer:
        for batch in batches:
            writer.write_batch(_record_batch(batch))
            words += len(batch.words)
    return words


def _record_batch(batch: Run) -> "pa.RecordBatch":
    import pyarrow as pa

    # from buffers, without `pa.array`, which imports what it knows of pandas: 40 MB
    data, offsets, counts = map(pa.py_buffer, (batch.words.data, batch.words.offsets, batch.counts))
    words = pa.Array.from_buffers(pa.large_binary(), len(batch.words), [None, offsets, data])
    numbers = pa.Array.from_buffers(pa.int64(), len(batch.counts), [None, counts])
    return pa.RecordBatch.from_arrays([words, numbers], schema=_schema())


def read_run(path: Path) -> Iterator[Run]:
    """Yield the batches of a file that `write_run` wrote, one in memory at a time.

    Raises
    ------
    ArtifactError
        If it is no such file, or damaged.
    """
    import pyarrow as pa

    with storage_errors(path), pa.OSFile(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
            if not reader.schema.equals(_schema()):
                raise ArtifactError(f"{path}: columns {reader.schema.names}, not word and count")
            for i in range(reader.num_record_batches):
                yield _checked(path, reader.get_batch(i))
        except (pa.ArrowException, OSError) as error:
            # The disk's own errors have a number, Arrow's have none; ArrowMemoryError is both.
            if isinstance(error, MemoryError) or getattr(error, "errno", None):
                raise
            raise ArtifactError(
                f"{path}: no Arrow file of word counts, or damaged: {error}",
                hint="Count the words again.",
            ) from None


def _checked(path: Path, batch: "pa.RecordBatch") -> Run:
    """Return a batch as a run without a copy, its offsets checked: kernels trust them."""
    batch.validate(full=True)
    words, counts = batch.columns
    if words.null_count or counts.null_count:
        raise ArtifactError(f"{path}: a word or count is missing")
    numbers = np.frombuffer(counts.buffers()[1], np.int64)[counts.offset :][: len(counts)]
    if len(numbers) and numbers.min() < 1:
        raise ArtifactError(f"{path}: a count below 1")
    return Run(_strings(words), numbers)


def _strings(words: "pa.LargeBinaryArray") -> Strings:
    # Not `Strings.from_arrow`, which copies: what a merge takes in is copied there anyway. The
    # zeros behind the last byte are missing here.
    if not len(words):
        return Strings.from_list([])
    _, offsets, data = words.buffers()
    borders = np.frombuffer(offsets, np.int64)[words.offset :][: len(words) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return Strings(raw, borders)
