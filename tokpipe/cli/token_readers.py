"""Ids as people and programs write them: lines of numbers, JSON lines, Arrow."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.strict_json import fault_of
from tokpipe.foundation.visible import visible

_NAMES = ("input_ids", "ids")
_BETWEEN = re.compile(rb"[\s,]+")
_LONGEST_LINE = 64 << 20  # bytes


def read_ids(file: BinaryIO, name: str, kind: str) -> Iterator[list[int]]:
    """Yield the ids of each text of a file open for bytes, of the kind "ids", "jsonl" or "arrow".

    Raises
    ------
    InputError
        With file, line and what was found.
    """
    if kind == "arrow":
        return _from_arrow(file, name)
    return _from_lines(file, name, kind)


def kind_of(name: str) -> str:
    """Return what a file holds, by the ending of its name."""
    return {".arrow": "arrow", ".jsonl": "jsonl"}.get(Path(name).suffix, "ids")


def _from_lines(file: BinaryIO, name: str, kind: str) -> Iterator[list[int]]:
    parse = _parse_json if kind == "jsonl" else _parse_numbers
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        try:
            yield parse(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{name}:{number}: {fault_of(error)}",
                hint="Give the form of the input with --from.",
            ) from None


def _parse_numbers(line: bytes) -> list[int]:
    ids = []
    for part in _BETWEEN.split(line.strip()):
        if part and (not part.isdigit() or len(part) > 18):
            shown = visible(part[:40].decode("utf-8", "backslashreplace"))
            raise ValueError(f"{shown!r} is not an id")
        if part:
            ids.append(int(part))
    return ids


def _parse_json(line: bytes) -> list[int]:
    record = json.loads(line)
    ids: Any = record
    if isinstance(record, dict):
        ids = next((record[name] for name in _NAMES if name in record), None)
    if not isinstance(ids, list) or not all(type(i) is int and i >= 0 for i in ids):
        raise ValueError(f"no list of ids under {' or '.join(map(repr, _NAMES))}")
    return ids


def _from_arrow(file: BinaryIO, name: str) -> Iterator[list[int]]:
    import pyarrow as pa

    rows = 0
    try:
        for batch in _arrow_batches(file):
            batch.validate(full=True)
            column = next((n for n in _NAMES if n in batch.schema.names), batch.schema.names[0])
            _check_type(batch.schema.field(column), name)
            for row in batch.column(column).to_pylist():
                rows += 1
                ids = row or []  # no list is an empty text: so is a null cell to tokpipe encode
                if None in ids:
                    raise InputError(f"{name}:{rows}: id {ids.index(None) + 1} is null")
                yield ids
    except (pa.ArrowException, OSError, IndexError) as error:
        raise InputError(f"{name}: not an Arrow file or stream with ids: {error}") from None


def _check_type(field: Any, name: str) -> None:
    import pyarrow as pa

    is_list = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
    if not is_list and not pa.types.is_fixed_size_list(field.type):
        raise InputError(f"{name}: {field.name} is a column of {field.type}, not of lists of ids")
    if not pa.types.is_integer(field.type.value_type):
        raise InputError(
            f"{name}: {field.name} holds lists of {field.type.value_type}, not of whole numbers"
        )


def _arrow_batches(file: BinaryIO) -> Iterator[Any]:
    """Yield the batches of a file, or of the streams that stand end to end as `>>` leaves them."""
    import pyarrow as pa

    if _next_bytes(file, 6) == b"ARROW1":
        reader = pa.ipc.open_file(pa.BufferReader(file.read()))
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
        return
    yield from pa.ipc.open_stream(file)
    while _next_bytes(file, 1):
        yield from pa.ipc.open_stream(file)


def _next_bytes(file: BinaryIO, size: int) -> bytes:
    return file.peek(size)[:size] if hasattr(file, "peek") else b""  # type: ignore[attr-defined]
