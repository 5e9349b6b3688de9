"""Several columns of Parquet and Arrow files at once, numbers and lists among them."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokpipe.corpus.columns import Choose, Column, Columns, TableHead, check_single
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.files import InputFile
from tokpipe.corpus.tables import ROW, arrow_errors, as_utf8, ipc_batches, is_text, strings_of
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError

_ROWS = 8192  # decoded at a time
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
_STRINGS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_HUB = b"huggingface"  # the key under which `datasets` keeps what a schema cannot say


def read_table_columns(
    file: InputFile, config: ReadConfig, choose: Choose, before: int = 0
) -> Iterator[Columns]:
    """Yield the chosen columns, batch after batch.

    Parameters
    ----------
    file
        Parquet or Arrow.
    config
        What bounds the expansion.
    choose
        Is shown the names of all columns, and says which are wanted.
    before
        Rows of the files before it that are part of the same table.

    Raises
    ------
    InputError
        If the file is damaged, or a chosen column holds what is no text, number or list.
    """
    names: list[str] = []
    with arrow_errors(file, config), file.open_bytes() as raw:
        if file.format == "parquet":
            table = pq.ParquetFile(raw, page_checksum_verification=True, pre_buffer=False)
            names = _choose(file, table.schema_arrow, choose)
            batches = table.iter_batches(_ROWS, columns=names, use_threads=False)
        else:
            batches = ipc_batches(raw, file)
        row = before
        for batch in batches:
            names = names or _choose(file, batch.schema, choose)
            yield _columns(file, batch, names, row, config)
            row += len(batch)


def _choose(file: InputFile, schema: pa.Schema, choose: Choose) -> list[str]:
    names = list(schema.names)
    chosen = choose(TableHead(file.name, tuple(names), True, tuple))
    check_single(file.name, names, chosen)
    return [names[column] for column in chosen.columns]


def _columns(
    file: InputFile, batch: pa.RecordBatch, names: list[str], row: int, config: ReadConfig
) -> Columns:
    classes = [_class_names(batch.schema, name) for name in names]
    columns = []
    for name, known in zip(names, classes, strict=True):
        column = batch.column(name)
        if is_text(column.type):
            columns.append(_texts(file, column, row, config))
        else:
            columns.append(_values(file, name, column, known, row))
    return Columns(tuple(columns), row + 1 + np.arange(len(batch), dtype=np.int64))


def _texts(file: InputFile, column: pa.Array, row: int, config: ReadConfig) -> Column:
    texts, _ = as_utf8(strings_of(column, file, config), file.name + ROW, row + 1, config)
    null = np.asarray(column.is_null(), np.bool_)
    return Column(texts, null, np.zeros(len(texts), np.bool_))


def _values(
    file: InputFile, name: str, column: pa.Array, known: list[str] | None, row: int
) -> Column:
    """Write numbers, truth values and lists as JSON; classes that have names as those."""
    column.validate(full=True)
    kind = column.type
    if pa.types.is_integer(kind) and known is not None:
        return _named(file, column, known, row)
    null = np.asarray(column.is_null(), np.bool_)
    if pa.types.is_decimal(kind) or any(is_one(kind) for is_one in _NUMBERS):
        cells = Strings.from_arrow(column.cast(pa.string()))
    elif _is_list(kind):
        cells = Strings.from_list(_list(file, each, known, row) for each in column.to_pylist())
    elif pa.types.is_null(kind):
        cells = Strings.from_list([""] * len(column))
    else:
        raise InputError(f"{file.name}: column {name!r} holds {kind}: no text, number or list")
    return Column(cells, null, ~null)


def _is_list(kind: pa.DataType) -> bool:
    """Say whether cells are lists of what JSON can write: texts, numbers, truth values."""
    if not any(is_one(kind) for is_one in _LISTS):
        return False
    of = kind.value_type
    inner = of.value_type if pa.types.is_dictionary(of) else of
    return any(is_one(inner) for is_one in (*_NUMBERS, *_STRINGS, pa.types.is_null))


def _named(file: InputFile, column: pa.Array, known: list[str], row: int) -> Column:
    """Write classes by name; -1 is what `datasets` stores where there is none."""
    numbers = np.asarray(column.fill_null(-1).cast(pa.int64()))
    outside = (numbers < -1) | (numbers >= len(known))
    if outside.any():
        i = int(outside.argmax())
        place = f"{file.name}{ROW}{row + 1 + i}"
        raise InputError(f"{place}: class {numbers[i]}, but the file names {len(known)} classes")
    null = numbers < 0
    cells = pa.array(known, pa.string()).take(pa.array(numbers, mask=null))
    return Column(Strings.from_arrow(cells), null, np.zeros(len(cells), np.bool_))


def _list(file: InputFile, items: list[Any] | None, known: list[str] | None, row: int) -> str:
    if items is None:
        return ""
    if known is not None and not all(
        isinstance(item, int) and 0 <= item < len(known) for item in items
    ):
        raise InputError(f"{file.name}{ROW}{row + 1}: a class that the file does not name")
    return json.dumps([known[item] for item in items] if known is not None else items)


def _class_names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the names of the classes that `datasets` has stored as numbers in a column."""
    try:
        feature = json.loads((schema.metadata or {})[_HUB])["info"]["features"][column]
        feature = feature.get("feature", feature)
        names = feature["names"] if feature["_type"] == "ClassLabel" else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if good else None
