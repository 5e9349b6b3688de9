"""Where the result of a command goes: a file written whole, a device, or stdout."""

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO, TextIO

from tokpipe.foundation.addresses import address_of, local_path
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.files import atomic_write, refuse_existing_file
from tokpipe.foundation.storage import storage_errors

STDOUT = "-"
# endings that promise a format: a file that has one holds that, or is not written
_PROMISES = {
    *(".arrow", ".parquet", ".npy", ".npz", ".json", ".jsonl", ".csv", ".tsv"),
    *(".conll", ".conllu", ".iob", ".iob2", ".bio", ".gz", ".bz2", ".xz", ".zst", ".zip"),
}


def form_of(output: str, to: str | None, by_ending: Mapping[str, str], usual: str) -> str:
    """Return in which form an output is written: the one asked for, or what its ending says.

    Raises
    ------
    ConfigError
        If its ending says one that there is not.
    """
    ending = PurePath(output).suffix.lower() if output != STDOUT else ""
    if to is None and ending in _PROMISES and ending not in by_ending:
        raise ConfigError(
            f"{output}: this command writes no {ending} file",
            hint=f"Name it {', '.join(by_ending)}, or say with --to what to write into it.",
        )
    return to or by_ending.get(ending, usual)


@contextmanager
def opened_output(output: str, *, force: bool, binary: bool) -> Generator[BinaryIO, None, None]:
    """Open an output for bytes; a plain file appears only when the block succeeds.

    Raises
    ------
    ConfigError
        If binary output would go to a terminal.
    StorageError
        If the file exists, or the disk refuses.
    """
    if output == STDOUT:
        if binary and sys.stdout.isatty():
            raise ConfigError(
                "binary output does not go to a terminal", hint="Name a file with -o."
            )
        with storage_errors(Path("stdout"), _handle(sys.stdout)):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    path = local_path(output)
    refuse_existing_file(path, force=force)
    if address_of(path) is not None:
        with atomic_write(path, replace=force) as file:
            yield file
        return
    if path.exists() and not path.is_file():  # a device or a pipe stays what it is
        with storage_errors(path), path.open("wb") as file:
            yield file
        return
    if path.is_symlink():
        path = Path(os.path.realpath(path))  # the file that is meant, and not the link
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, replace=force) as file:
        yield file


def _handle(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # something without one was put in its place
        return None


def goes_to_terminal(output: str) -> bool:
    """Return whether a person will read the bytes as they come."""
    return output == STDOUT and sys.stdout.isatty()


def refuse_stream(output: str) -> None:
    """Refuse (`ConfigError`) an output that workers cannot put the parts of beside it."""
    path = Path(output)
    if output == STDOUT or (path.exists() and not path.is_file() and not path.is_dir()):
        raise ConfigError(
            "--engine dask writes into a file, beside which the workers leave its parts",
            hint="Name a file with -o, in a folder that all machines share or in a store.",
        )
