"""Columns of Parquet and Arrow files, and of hub datasets, to texts: a document for each cell.

What comes from a file is not trusted: offsets are checked before a kernel sees them.
"""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.columns import missing_column
from tokpipe.corpus.compression import FLOOR
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.encoding import bad_byte, mend
from tokpipe.corpus.files import InputFile
from tokpipe.corpus.kernels.lines import first_invalid, invalid_strings
from tokpipe.foundation.arrays import Strings, padded
from tokpipe.foundation.errors import InputError, MemoryLimitError, TokpipeError

ROW = ": row "
_SHORT = 128  # bytes: texts that may be read with a dictionary at little cost
_ROWS = 8192  # most rows decoded at a time
_END_OF_STREAM = (b"\xff\xff\xff\xff\0\0\0\0", b"\0\0\0\0")
_TEXT_TYPES = (
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
)

Load = Callable[[], TextBatch]


def read_parquet(
    file: InputFile, piece_bytes: int, config: ReadConfig
) -> Iterator[tuple[int, Load]]:
    """Yield how many stored bytes are done, and what loads the batch, for a Parquet file.

    One that is damaged, lacks the text column, or holds no texts in it is an `InputError`.
    """
    with arrow_errors(file, config), file.open_bytes() as raw:
        table = pq.ParquetFile(raw, page_checksum_verification=True, pre_buffer=False)
        _check_column(file.name, table.schema_arrow, config.text_column)
        total = max(1, table.metadata.num_rows)
        row_bytes = _text_bytes(table.metadata) // total
        if row_bytes < _SHORT:  # short, or long ones stored once: then the decoder must not unfold
            table = pq.ParquetFile(
                raw,
                read_dictionary=[config.text_column],
                page_checksum_verification=True,
                pre_buffer=False,
            )
        rows = max(1, min(_ROWS, piece_bytes // max(1, row_bytes)))
        batches = table.iter_batches(rows, columns=[config.text_column], use_threads=False)
        for row, load in _columns(batches, file, piece_bytes, config):
            yield file.size * row // total, load


def read_arrow(file: InputFile, piece_bytes: int, config: ReadConfig) -> Iterator[tuple[int, Load]]:
    """Yield how many stored bytes are done, and what loads the batch, for an Arrow IPC file.

    One that is damaged or cut short, lacks the text column, or holds no texts in it is an
    `InputError`.
    """
    with arrow_errors(file, config), file.open_bytes() as raw:
        batches = iter(pa.ipc.open_stream(raw)) if file.is_stream else ipc_batches(raw, file)
        for _, load in _columns(batches, file, piece_bytes, config):
            yield 0 if file.is_stream else raw.tell(), load


def read_hub(file: InputFile, piece_bytes: int, config: ReadConfig) -> Iterator[tuple[int, Load]]:
    """Yield 0, and what loads the batch, for a dataset of the Hugging Face hub, streamed.

    One that cannot be reached, or lacks the text column, is an `InputError`.
    """
    import datasets  # five seconds

    name, *rest = file.name.removeprefix("hub:").split(":")
    subset, split = (rest[0] if len(rest) > 1 else None), (rest[-1] if rest else "train")
    try:
        found: Any = datasets.load_dataset(name, subset, split=split, streaming=True)
        tables = found.with_format("arrow").iter(batch_size=1000)
        batches = (batch for table in tables for batch in table.to_batches())
        for _, load in _columns(batches, file, piece_bytes, config):
            yield 0, load
    except InputError:
        raise
    except Exception as error:  # of datasets, its http library or a codec: they share no base
        problem = f"{file.name}: {_first_line(error)}"
        raise InputError(problem, hint="Online? Is the name right?") from error


def _text_bytes(metadata: pq.FileMetaData) -> int:
    """Return how many bytes the row groups hold at most, as far as the file tells.

    Not by column: where a footer's size statistics are damaged, pyarrow 26 aborts the process when
    it is asked for a column of them.
    """
    groups = range(metadata.num_row_groups)
    return sum(max(0, metadata.row_group(group).total_byte_size) for group in groups)


def ipc_batches(raw: Any, file: InputFile) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow file or stream; refuse a stream that is cut short."""
    first = raw.read(6)
    raw.seek(0)
    if first == b"ARROW1":
        reader = pa.ipc.open_file(raw)
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
        return
    raw.seek(max(0, file.size - 8))
    if not raw.read().endswith(_END_OF_STREAM):
        raise InputError(f"{file.name}: the Arrow stream is cut short: it has no end mark")
    raw.seek(0)
    yield from pa.ipc.open_stream(raw)


def _columns(
    batches: Iterator[pa.RecordBatch], file: InputFile, piece_bytes: int, config: ReadConfig
) -> Iterator[tuple[int, Load]]:
    """Yield how many rows are done, and what loads the batch up to there."""
    row, place = 0, file.name + ROW
    for batch in batches:
        _check_column(file.name, batch.schema, config.text_column)
        column = batch.column(config.text_column)
        # not column.nbytes: it follows offsets that nobody has checked yet
        small = column.get_total_buffer_size() <= 2 * piece_bytes
        if small and not pa.types.is_dictionary(column.type):
            yield row + len(column), partial(_load_column, column, file, place, row, config)
        else:
            strings = strings_of(column, file, config)
            for begin, end in _slices(strings.offsets, piece_bytes):
                part = Strings(strings.data, strings.offsets[begin : end + 1])
                nulls = column.slice(begin, end - begin).null_count
                yield row + end, partial(_load_part, part, nulls, place, row + begin, config)
        row += len(column)


def _load_column(
    column: pa.Array, file: InputFile, place: str, row: int, config: ReadConfig
) -> TextBatch:
    strings = strings_of(column, file, config)
    return _load(strings, column.null_count, place, row, config)


def _load_part(part: Strings, nulls: int, place: str, row: int, config: ReadConfig) -> TextBatch:
    begin, end = part.offsets[0], part.offsets[-1]
    own = Strings(padded(part.data[begin:end]), part.offsets - begin)
    return _load(own, nulls, place, row, config)


def _slices(offsets: NDArray[np.int64], piece_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of cells of about `piece_bytes` each."""
    begin, count = 0, len(offsets) - 1
    while begin < count:
        end = int(np.searchsorted(offsets, offsets[begin] + piece_bytes, side="right")) - 1
        end = min(max(end, begin + 1), count)
        yield begin, end
        begin = end


def _load(strings: Strings, nulls: int, place: str, row: int, config: ReadConfig) -> TextBatch:
    lengths = np.diff(strings.offsets)
    if len(lengths) and lengths.max() > config.max_line_bytes:
        raise InputError(
            f"{place}{row + int(lengths.argmax())}: the text is longer than "
            f"{config.max_line_bytes:,} bytes",
            hint="Raise --max-line-bytes.",
        )
    strings, tally = as_utf8(strings, place, row, config)
    if nulls:
        tally["null"] = nulls
    return TextBatch(strings, np.arange(len(strings) + 1, dtype=np.int64), tally=tally)


def as_utf8(
    strings: Strings, place: str, row: int, config: ReadConfig
) -> tuple[Strings, dict[str, int]]:
    """Refuse cells that are not UTF-8, the first of which is row `row`, or mend them."""
    begin, end = int(strings.offsets[0]), int(strings.offsets[-1])
    borders = strings.offsets[:-1][np.diff(strings.offsets) > 0]
    # Two cells may hold the halves of one character: valid together, and neither on its own.
    split = ((strings.data[borders] & 0xC0) == 0x80).any()
    if first_invalid(strings.data, begin, end) < 0 and not split:
        return strings, {}
    if config.errors != "strict":
        return mend(strings, config.errors)
    i = int(invalid_strings(strings.data, strings.offsets).argmax())
    at = first_invalid(strings.data, strings.offsets[i], strings.offsets[i + 1])
    where = f"at offset {at - strings.offsets[i]} of the text"
    raise bad_byte(f"{place}{row + i}", int(strings.data[at]), where)


def strings_of(column: pa.Array, file: InputFile, config: ReadConfig) -> Strings:
    """Copy a column of a file that nobody has checked; null becomes the empty string."""
    with arrow_errors(file, config):
        column.validate()
        if pa.types.is_dictionary(column.type):
            column = pa.DictionaryArray.from_arrays(
                column.indices, _as_bytes(column.dictionary), safe=True
            )
            _check_unfolding(column, file, config)
            column = column.dictionary_decode()
        return Strings.from_arrow(_as_bytes(column))


def _as_bytes(column: pa.Array) -> pa.Array:
    """View text as bytes, its offsets checked; whether they are UTF-8 is told later, by place."""
    column.validate()
    if pa.types.is_string(column.type):
        column = column.view(pa.binary())
    elif pa.types.is_large_string(column.type):
        column = column.view(pa.large_binary())
    column.validate(full=True)
    return column


def _check_unfolding(column: pa.DictionaryArray, file: InputFile, config: ReadConfig) -> None:
    """Refuse a dictionary of long texts that are named so often that they would fill the memory."""
    lengths = pc.call_function("binary_length", [column.dictionary])
    unfolded = pc.call_function("sum", [lengths.take(column.indices)]).as_py() or 0
    if unfolded > max(FLOOR, config.max_expansion * file.size):
        raise InputError(
            f"{file.name}: {file.size:,} bytes hold {unfolded:,} bytes of text in one batch",
            hint="A bomb? If the text is really so repetitive, raise --max-expansion.",
        )


def _check_column(name: str, schema: pa.Schema, column: str) -> None:
    if schema.names.count(column) > 1:
        raise InputError(f"{name}: two columns are called {column!r}")
    if column not in schema.names:
        raise missing_column(name, column, schema.names, "--text-column")
    kind = schema.field(column).type
    if not is_text(kind):
        raise InputError(f"{name}: column {column!r} holds {kind}, not text")


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column of a type holds text, or what may be."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_one(inner) for is_one in _TEXT_TYPES)


@contextmanager
def arrow_errors(file: InputFile, config: ReadConfig) -> Generator[None, None, None]:
    """Turn pyarrow's errors into ours."""
    try:
        yield
    except MemoryError as error:
        raise _too_large(file, config, error) from error
    except (pa.ArrowException, OSError, EOFError, ValueError) as error:
        raise InputError(f"{file.name}: the file is damaged ({_first_line(error)})") from error


def _too_large(file: InputFile, config: ReadConfig, error: MemoryError) -> TokpipeError:
    """Make the error for a batch without room for it; damage asks for more than any bomb."""
    asked = re.search(r"size (\d+)", str(error))
    if not asked or int(asked[1]) > max(FLOOR, config.max_expansion * file.size):
        return InputError(f"{file.name}: the file is damaged ({_first_line(error)})")
    return MemoryLimitError(
        f"{file.name}: a batch of rows takes more memory than there is ({_first_line(error)})",
        hint="Allow more memory, or store the texts in smaller row groups.",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
