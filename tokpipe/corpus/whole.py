"""One input read whole: the columns of a table, or all lines of a file."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from tokpipe.corpus.blocks import BOM, Block
from tokpipe.corpus.columns import Choose, Columns, join_columns
from tokpipe.corpus.compression import Source
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.dataset_folders import is_dataset_folder
from tokpipe.corpus.delimited_columns import read_delimited_columns
from tokpipe.corpus.encoding import check_plain
from tokpipe.corpus.files import InputFile
from tokpipe.corpus.formats import HEAD_BYTES, codec_of
from tokpipe.corpus.inputs import find_inputs
from tokpipe.corpus.jsonl_columns import read_json_columns
from tokpipe.foundation.arrays import padded
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.sizes import plural

_TABLES = ("parquet", "arrow")


def read_columns(path: str | Path, choose: Choose, config: ReadConfig | None = None) -> Columns:
    """Read some columns of a CSV, TSV, JSON lines, Parquet or Arrow file, or of a saved dataset.

    Parameters
    ----------
    path
        One file, compressed or not; ``-``; or a folder of `datasets.Dataset.save_to_disk`.
    choose
        Is shown the names of the columns (or the first record), and says which are wanted.
    config
        How long lines may be, how deep JSON, how much a compressed byte may become.

    Raises
    ------
    InputError
        If it is no such file, is damaged, or holds no row.
    """
    config = config or ReadConfig()
    files = one_input(path, config)
    parts: list[Columns] = []
    for file in files:
        before = sum(len(part.lines) for part in parts)
        parts += _read(file, config, choose, before)
    if not sum(len(part.lines) for part in parts):
        raise InputError(f"{files[0].name}: no rows", hint="Nothing stands behind the header.")
    return join_columns(parts)


def read_block(path: str | Path, config: ReadConfig | None = None) -> Block:
    """Read a text file, compressed or not, into one block; its byte order mark is left out.

    Raises
    ------
    InputError
        If it is no text file, or a byte is not UTF-8 or NUL.
    """
    config = config or ReadConfig()
    file = one_input(path, config)[0]
    if file.format in _TABLES:
        raise InputError(f"{file.name} is a table of {file.format}; a text file is needed")
    with file.open_bytes() as raw:
        text = b"".join(_chunks(raw, file, config))
    block = Block(padded(text), 0, len(text), file.name, 0, lambda: 0, True)
    check_plain(block)
    start = len(BOM) if text.startswith(BOM) else 0
    if not text[start:].strip():
        raise InputError(f"{file.name}: nothing to read, the file is empty")
    return Block(block.data, start, block.stop, file.name, start, lambda: 0, True)


def one_input(path: str | Path, config: ReadConfig) -> list[InputFile]:
    """Return the one file that a path names, or those of a saved dataset.

    Raises
    ------
    InputError
        If it is another folder, several files, or nothing.
    """
    folder = Path(path)
    saved = is_dataset_folder(folder)
    if (folder / "dataset_dict.json").is_file():
        splits = sorted(split.name for split in folder.iterdir() if split.is_dir())
        problem = f"{path} holds {plural(len(splits), 'split')}; one is needed"
        raise InputError(problem, hint=f"Name it: {', '.join(str(folder / s) for s in splits)}.")
    if folder.is_dir() and not saved:
        inside = sorted(file.name for file in folder.iterdir() if file.is_file())
        hint = f"In it: {', '.join(inside[:8])}." if inside else ""
        raise InputError(f"{path} is a folder; one file is needed", hint=hint)
    files = find_inputs([path], config).files
    if len(files) > 1 and not saved:
        raise InputError(f"{path} names {len(files)} files; one is needed")
    if files[0].format == "hub":
        raise InputError(f"{path}: labelled data is read from files", hint="Download it first.")
    return files


def _read(file: InputFile, config: ReadConfig, choose: Choose, before: int) -> Iterator[Columns]:
    if file.format in _TABLES:
        from tokpipe.corpus.table_columns import read_table_columns  # pyarrow's readers

        yield from read_table_columns(file, config, choose, before)
        return
    with file.open_bytes() as raw:
        chunks = _chunks(raw, file, config)
        first = next(chunks, b"")
        if not first:
            raise InputError(f"{file.name}: nothing to read, the file is empty")
        kind = file.format if file.format != "txt" else _kind(first, file.name)
        chunks = chain((first,), chunks)
        if kind == "jsonl":
            yield from read_json_columns(chunks, file.name, config, choose)
        else:
            yield from read_delimited_columns(kind, chunks, file.name, config, choose)


def _chunks(raw: BinaryIO, file: InputFile, config: ReadConfig) -> Iterator[bytes]:
    source = Source(raw, file.name, file.codec, config.max_expansion)
    if file.is_stream:
        source.codec = codec_of(file.name, source.peek(HEAD_BYTES))
    return source.chunks()


def _kind(first: bytes, name: str) -> str:
    """Say what a file without a telling name holds, by its first line."""
    line = first.removeprefix(BOM).split(b"\n", 1)[0]
    if line.lstrip().startswith(b"{"):
        return "jsonl"
    if b"\t" in line:
        return "tsv"
    problem = f"{name}: no table that is known: its first line has no tab, and is no JSON object"
    raise InputError(problem, hint="Name it .csv, .tsv, .jsonl, .parquet or .arrow.")
