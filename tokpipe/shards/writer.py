"""Shard files: Arrow IPC streams that are written a block at a time."""

import os
from pathlib import Path

import pyarrow as pa

from tokpipe.foundation.storage import storage_errors
from tokpipe.shards.schema import Column, schema_of

END_MARK = b"\xff\xff\xff\xff\0\0\0\0"  # of every stream of the format


class ShardFile:
    """A shard that is being written, over what is there; `compression`: "none", "lz4" or "zstd".

    `rows` and `tokens` are how many it holds so far.
    """

    def __init__(self, path: Path, columns: tuple[Column, ...], compression: str) -> None:
        self.path = path
        self.rows = self.tokens = 0
        codec = None if compression == "none" else compression
        options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)
        with storage_errors(path):
            self._file = path.open("wb")
            self._writer = pa.ipc.new_stream(self._file, schema_of(columns), options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a record batch; a disk that does not take them is a `StorageError`."""
        with storage_errors(self.path):
            self._writer.write_batch(batch)
        self.rows += batch.num_rows
        self.tokens += len(batch.column("input_ids").values)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.tell()

    def finish(self) -> None:
        """Write the mark of the end, without which the stream counts as cut; force it to disk."""
        with storage_errors(self.path):
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, if it is open still: what is half is written anew."""
        if not self._file.closed:
            handle = self._file.raw if hasattr(self._file, "raw") else self._file
            handle.close()
