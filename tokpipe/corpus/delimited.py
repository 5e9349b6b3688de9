"""CSV and TSV with a header: whole records of a file to the cells of the text column.

CSV is quoted as in RFC 4180; TSV has no quotes (a lone quote is common there, and would swallow
the lines up to the next).
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.blocks import BOM, Block, line_too_long
from tokpipe.corpus.columns import missing_column
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.encoding import check_start, emptied, mend, not_utf8
from tokpipe.corpus.kernels.delimited import (
    FIELD_START,
    QUOTED,
    column_cells,
    last_record_end,
    records_reference,
)
from tokpipe.corpus.kernels.lines import first_invalid
from tokpipe.corpus.streams import LastEnd, cut_stream
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError

MARKS = {"csv": (ord(","), ord('"')), "tsv": (ord("\t"), -1)}  # delimiter and quote


@dataclass(frozen=True, slots=True)
class _Table:
    delimiter: int
    quote: int
    column: int
    columns: int


def read_delimited(
    kind: str, chunks: Iterator[bytes], name: str, piece_bytes: int, config: ReadConfig
) -> Iterator[Callable[[], TextBatch]]:
    """Yield what loads the batches of a CSV or TSV file, one after the other.

    Raises
    ------
    InputError
        If the header is missing, or lacks the text column; and while loading, if a record has
        another number of fields (unless ``errors`` is "skip"), or a quote is never closed.
    """
    ends = record_ends(*MARKS[kind])
    table, begin = None, 0
    for block in cut_stream(chunks, name, piece_bytes, config.max_line_bytes, ends):
        if table is None:
            check_start(block.data[: block.stop], name)
            table, begin = _read_header(kind, block, config)
        yield partial(_read_records, block, begin, table, config)
        begin = 0


def record_ends(delimiter: int, quote: int) -> LastEnd:
    """Return what finds the last end of a record in bytes that come one after the other."""
    state, ended = FIELD_START, False

    def last_end(data: np.ndarray, start: int, stop: int) -> int:
        nonlocal state, ended
        if not ended and data[: min(stop, len(BOM))].tobytes() == BOM[:stop]:
            start = max(start, min(stop, len(BOM)))  # a quote behind the mark opens a field
        last, state = last_record_end(data, start, stop, state, delimiter, quote)
        ended = ended or last >= 0
        return int(last)

    return last_end


def _read_header(kind: str, block: Block, config: ReadConfig) -> tuple[_Table, int]:
    """Return the columns and where the first record behind the header begins."""
    fields, _, behind = first_record(block, *MARKS[kind])
    names = [field.decode(errors="replace") for field in fields]
    if names == [""]:
        raise InputError(
            f"{block.name}:1: no header: the first line is blank",
            hint="The first line names the columns.",
        )
    if names.count(config.text_column) > 1:
        raise InputError(f"{block.name}:1: two columns are called {config.text_column!r}")
    if config.text_column not in names:
        raise missing_column(block.name, config.text_column, names, "--text-column")
    return _Table(*MARKS[kind], names.index(config.text_column), len(names)), behind


def first_record(block: Block, delimiter: int, quote: int) -> tuple[list[bytes], int, int]:
    """Return the fields of the first record, where it begins, and what is behind it.

    Raises
    ------
    InputError
        If a quote is never closed, or a lone CR stands in it.
    """
    text = block.data[: block.stop].tobytes()
    shift = len(BOM) if text.startswith(BOM) else 0
    last, state = last_record_end(block.data, shift, block.stop, FIELD_START, delimiter, quote)
    if last < 0 and state == QUOTED:  # to the end of the file: blocks end with a record
        raise unclosed(block, shift)
    records = records_reference(text[shift:], delimiter, quote)
    _, end, fields, _ = next(records, (0, 0, [b""], True))
    if has_lone_return(text[shift : shift + end], quote):
        raise lone_return(block.name, 1)
    return fields, shift, shift + end


def has_lone_return(record: bytes, quote: int) -> bool:
    r"""Say whether a ``\r`` that is no part of a ``\r\n`` stands outside of quotes."""
    parts = record.split(bytes([quote])) if quote >= 0 else [record]
    return any(b"\r" in part.replace(b"\r\n", b"") for part in parts[::2])


def lone_return(name: str, line: int) -> InputError:
    """Make the error for a CR that ends no line."""
    return InputError(
        f"{name}:{line}: a lone CR outside of quotes; records end with LF or CRLF",
        hint=f"Convert it: tr '\\r' '\\n' < {shlex.quote(name)}",
    )


def unclosed(block: Block, begin: int) -> InputError:
    """Make the error for a record with a quote that nothing closes."""
    return InputError(f"{block.name}:{block.place(begin)[0]}: a quote is never closed")


def _read_records(block: Block, begin: int, table: _Table, config: ReadConfig) -> TextBatch:
    bad = first_invalid(block.data, begin, block.stop)
    if bad >= 0 and config.errors == "strict":
        raise not_utf8(block, bad)
    data, offsets, begins, fields, closed = column_cells(
        block.data, begin, block.stop, table.delimiter, table.quote, table.column
    )
    lengths = np.diff(begins)
    if len(lengths) and lengths.max() > config.max_line_bytes:
        line, _ = block.place(int(begins[lengths.argmax()]))
        raise line_too_long(block.name, line, config.max_line_bytes)
    if not closed:
        raise unclosed(block, int(begins[-1]))
    wrong = fields != table.columns
    if wrong.any() and config.errors != "skip":
        raise _ragged(block, begins, fields, wrong, table)
    cells = emptied(Strings(data, offsets), wrong)
    cells, tally = (cells, {}) if bad < 0 else mend(cells, config.errors)
    if wrong.any():
        tally["skipped"] = tally.get("skipped", 0) + int(wrong.sum())
    return TextBatch(cells, np.arange(len(cells) + 1, dtype=np.int64), tally=tally)


def _ragged(
    block: Block, begins: np.ndarray, fields: np.ndarray, wrong: np.ndarray, table: _Table
) -> InputError:
    i = int(wrong.argmax())
    line, _ = block.place(int(begins[i]))
    record = block.data[begins[i] : begins[i + 1]].tobytes()
    if has_lone_return(record, table.quote):
        return lone_return(block.name, line)
    return InputError(
        f"{block.name}:{line}: {fields[i]} fields, the header has {table.columns}",
        hint="Quote the cells that hold the delimiter, or pass --errors skip.",
    )
