"""Vectors as a NumPy file, a Parquet table or JSON lines, batch after batch."""

import fcntl
import json
import os
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError

_HEAD_BYTES = 128  # of a .npy file: room for any number of rows


class VectorWriter(Protocol):
    """Writes batch after batch."""

    def write(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write some texts and their vectors (float32[B, W])."""
        ...

    def close(self) -> None:
        """Write what ends the output: lines need no end."""


class NpyFile(VectorWriter):
    """A NumPy file of the vectors alone, float32[rows, W]; its head is written last."""

    def __init__(self, file: BinaryIO, width: int) -> None:
        if not file.seekable():
            raise ConfigError(
                "npy needs a file that can be wound back", hint="Name a file with -o."
            )
        _refuse_behind_others(file, "npy")
        self._file, self._width, self._rows = file, width, 0
        file.write(self._head())

    def write(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write some vectors."""
        self._rows += len(vectors)
        self._file.write(np.ascontiguousarray(vectors, "<f4").tobytes())

    def close(self) -> None:
        """Write how many there are."""
        self._file.seek(0)
        self._file.write(self._head())
        self._file.seek(0, 2)

    def _head(self) -> bytes:
        shape = f"({self._rows}, {self._width})"
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        room = _HEAD_BYTES - 10
        return (
            b"\x93NUMPY\x01\x00"
            + room.to_bytes(2, "little")
            + text.ljust(room - 1).encode()
            + b"\n"
        )


class ParquetTable(VectorWriter):
    """Columns ``text`` and ``embedding``, a list of fixed size."""

    def __init__(self, file: BinaryIO, width: int) -> None:
        _refuse_behind_others(file, "parquet")
        self._type = pa.list_(pa.float32(), width)
        self._schema = pa.schema([("text", pa.large_string()), ("embedding", self._type)])
        self._writer = pq.ParquetWriter(file, self._schema)

    def write(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write some rows."""
        flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
        column = pa.FixedSizeListArray.from_arrays(flat, type=self._type)
        rows = [pa.array(texts, pa.large_string()), column]
        self._writer.write_table(pa.Table.from_arrays(rows, schema=self._schema))

    def close(self) -> None:
        """Write the foot."""
        self._writer.close()


class VectorLines(VectorWriter):
    """One text a line, as ``{"text": ..., "embedding": [...]}``."""

    def __init__(self, file: BinaryIO, width: int) -> None:
        self._file = file

    def write(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write some lines."""
        for text, vector in zip(texts, vectors, strict=True):
            # the shortest digits that give the same float32 again
            numbers = [float(str(value)) for value in vector]
            record: dict[str, Any] = {"text": text, "embedding": numbers}
            line = json.dumps(record, ensure_ascii=False)
            self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")


def _refuse_behind_others(file: BinaryIO, kind: str) -> None:
    """Refuse to write where other bytes stand before: places in these formats count from byte 0."""
    try:
        appends = fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND
    except (OSError, ValueError):  # a stream in memory
        appends = False
    if appends or (file.seekable() and file.tell()):
        raise ConfigError(
            f"{kind} is a file of its own, it cannot be appended to another",
            hint="Name a file with -o.",
        )


WRITERS = {"npy": NpyFile, "parquet": ParquetTable, "jsonl": VectorLines}
