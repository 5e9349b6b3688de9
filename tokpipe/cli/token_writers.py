"""Encoded batches as lines of ids, lines of tokens, JSON lines or an Arrow stream."""

import json
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tokpipe.foundation.visible import visible

_COLUMN = "input_ids"
ARROW_SCHEMA = pa.schema([pa.field(_COLUMN, pa.list_(pa.int32()))])


class Writer(Protocol):
    """Writes batch after batch."""

    def write(self, ids: pa.ListArray) -> None:
        """Write the ids of some texts."""
        ...

    def close(self) -> None:
        """Write what ends the output: lines need no end."""


class IdLines(Writer):
    """One text a line, its ids between spaces."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, ids: pa.ListArray) -> None:
        """Write the ids of some texts."""
        _write_lines(self._file, _with_values(ids, ids.flatten().cast(pa.string())))


class TokenLines(Writer):
    """One text a line, its tokens between spaces; spaces and controls inside of one as escapes."""

    def __init__(self, file: BinaryIO, tokens: Sequence[str]) -> None:
        self._file = file
        self._tokens = pa.array([visible(token).replace(" ", "\\x20") for token in tokens])

    def write(self, ids: pa.ListArray) -> None:
        """Write the tokens of some texts."""
        _write_lines(self._file, _with_values(ids, self._tokens.take(ids.flatten())))


class JsonLines(Writer):
    """One text a line, as ``{"input_ids": [...], "tokens": [...]}``."""

    def __init__(self, file: BinaryIO, tokens: Sequence[str]) -> None:
        self._file = file
        self._tokens = tokens

    def write(self, ids: pa.ListArray) -> None:
        """Write some texts."""
        for row in ids.to_pylist():
            self.write_record({_COLUMN: row, "tokens": [self._tokens[i] for i in row]})

    def write_record(self, record: dict[str, Any]) -> None:
        """Write one line; the keys are the caller's."""
        text = json.dumps(record, ensure_ascii=False, separators=(", ", ": "))
        self._file.write(text.encode("utf-8", "backslashreplace") + b"\n")


class ArrowStream(Writer):
    """An Arrow IPC stream with the column ``input_ids``: list of int32."""

    def __init__(self, file: BinaryIO) -> None:
        self._writer = pa.ipc.new_stream(file, ARROW_SCHEMA)

    def write(self, ids: pa.ListArray) -> None:
        """Write one record batch."""
        # not by a cast of the column, which copies the ids
        lists = pa.ListArray.from_arrays(ids.offsets.cast(pa.int32()), ids.values.cast(pa.int32()))
        self._writer.write_batch(pa.record_batch([lists], ARROW_SCHEMA))

    def close(self) -> None:
        """Write the mark of the end, without which the stream counts as cut."""
        self._writer.close()


def _with_values(ids: pa.ListArray, values: pa.Array) -> pa.ListArray:
    offsets = pc.call_function("subtract", [ids.offsets, ids.offsets[0]])
    return type(ids).from_arrays(offsets, values)


def _write_lines(file: BinaryIO, rows: pa.ListArray) -> None:
    lines = pc.call_function("binary_join", [rows, " "]).cast(pa.large_binary())
    end, nothing = (pa.scalar(part, pa.large_binary()) for part in (b"\n", b""))
    ended = pc.call_function("binary_join_element_wise", [lines, end, nothing])
    if len(ended):
        size = int.from_bytes(memoryview(ended.buffers()[1])[8 * len(ended) :][:8], "little")
        file.write(memoryview(ended.buffers()[2])[:size])
