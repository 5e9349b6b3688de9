"""Several columns of a CSV or TSV file at once, with a header or without."""

from collections.abc import Iterator

import numpy as np

from tokpipe.corpus.blocks import Block, line_too_long
from tokpipe.corpus.columns import Choose, Chosen, Column, Columns, TableHead, check_single
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.delimited import (
    MARKS,
    first_record,
    has_lone_return,
    lone_return,
    record_ends,
    unclosed,
)
from tokpipe.corpus.encoding import check_plain
from tokpipe.corpus.kernels.delimited import column_cells
from tokpipe.corpus.kernels.lines import line_offsets
from tokpipe.corpus.streams import cut_stream
from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.foundation.errors import InputError

_PIECE = 4 << 20  # bytes looked at together; cells are copied out of them, and they are gone


def read_delimited_columns(
    kind: str, chunks: Iterator[bytes], name: str, config: ReadConfig, choose: Choose
) -> Iterator[Columns]:
    """Yield the chosen columns, block after block.

    Parameters
    ----------
    kind
        "csv", whose cells may be quoted, or "tsv", which knows no quotes.
    chunks
        Of the file.
    name
        Of the file, for messages.
    config
        How long a line may be.
    choose
        Is shown the first record, and says which columns are wanted and whether it is a header.

    Raises
    ------
    InputError
        If a byte is not UTF-8 or NUL, a record has another number of fields than the first, or a
        quote is never closed.
    """
    marks, chosen, count, begin = MARKS[kind], None, 0, 0
    for block in cut_stream(chunks, name, _PIECE, config.max_line_bytes, record_ends(*marks)):
        check_plain(block)
        if chosen is None:
            first, begin, behind = _first_record(block, marks)
            chosen, count = choose(_head(block, begin, first, marks)), len(first)
            if chosen.header:
                check_single(f"{name}:1", first, chosen)
                begin = behind
        yield _columns(block, begin, marks, chosen, count, config.max_line_bytes)
        begin = 0


def _first_record(block: Block, marks: tuple[int, int]) -> tuple[list[str], int, int]:
    """Return the fields of the first record, where it begins, and what is behind it."""
    fields, begin, behind = first_record(block, *marks)
    if fields == [b""]:
        problem = f"{block.name}:1: the first line is blank"
        raise InputError(problem, hint="It names the columns, or is the first row.")
    return [field.decode() for field in fields], begin, behind


def _head(block: Block, begin: int, first: list[str], marks: tuple[int, int]) -> TableHead:
    def sample() -> tuple[Strings, ...]:
        cut = [column_cells(block.data, begin, block.stop, *marks, i) for i in range(len(first))]
        return tuple(Strings(data, offsets) for data, offsets, *_ in cut)

    return TableHead(block.name, tuple(first), False, sample)


def _columns(
    block: Block, begin: int, marks: tuple[int, int], chosen: Chosen, count: int, longest: int
) -> Columns:
    cut = [column_cells(block.data, begin, block.stop, *marks, i) for i in chosen.columns]
    _, _, begins, fields, closed = cut[0]
    if not closed:
        raise unclosed(block, int(begins[-1]))
    lengths = np.diff(begins)
    if len(lengths) and lengths.max() > longest:
        raise line_too_long(block.name, block.place(int(begins[lengths.argmax()]))[0], longest)
    kept = fields == count
    if not chosen.keeps_going and not kept.all():
        raise _ragged(block, begins, fields, count, marks)
    starts, _ = line_offsets(block.data, block.start, block.stop)
    lines = block.lines_before() + np.searchsorted(starts, begins[:-1], side="right")
    cells = [Strings(data, offsets) for data, offsets, *_ in cut]
    if not kept.all():
        rows = np.flatnonzero(kept)
        cells, lines = [take_strings(column, rows) for column in cells], lines[rows]
    columns = tuple(Column.of_texts(column) for column in cells)
    return Columns(columns, lines.astype(np.int64), int((~kept).sum()))


def _ragged(
    block: Block, begins: np.ndarray, fields: np.ndarray, count: int, marks: tuple[int, int]
) -> InputError:
    i = int((fields != count).argmax())
    line, _ = block.place(int(begins[i]))
    quote = marks[1]
    if has_lone_return(block.data[begins[i] : begins[i + 1]].tobytes(), quote):
        return lone_return(block.name, line)
    found = f"{fields[i]} field{'' if fields[i] == 1 else 's'}"
    mark = "comma" if quote >= 0 else "tab"
    hint = f"A {mark} too many, or too few? --ragged-rows leave-out goes on without such rows."
    return InputError(f"{block.name}:{line}: {found}, the first line has {count}", hint=hint)
