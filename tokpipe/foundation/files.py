"""The one way to write to disk: a reader sees the old file or folder, or the new one, whole."""

import json
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tokpipe.foundation.errors import StorageError


@contextmanager
def atomic_write(path: Path) -> Generator[BinaryIO, None, None]:
    """Open a temporary sibling of `path`; rename it onto `path` only if the block succeeds.

    Yields
    ------
    BinaryIO
        The temporary file, open for writing.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def build_folder(target: Path, *, force: bool = False) -> Generator[Path, None, None]:
    """Build a folder beside `target` and rename it into place only if the block succeeds.

    The working folder is ``.<name>.partial`` beside the target. It is locked (one writer), it
    stays when the block fails, so that the same command can go on from what it finds there, and
    the block must clear what it does not want to go on from.

    Yields
    ------
    Path
        The working folder; empty, or as an earlier, interrupted run left it.

    Raises
    ------
    StorageError
        If `target` exists and `force` is not set, or another process is writing it.
    """
    if target.exists() and not force:
        raise StorageError(
            f"{target} exists already", hint="Choose another -o, or pass --force to replace it."
        )
    partial = target.parent / f".{target.name}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    yield partial
    for path in partial.rglob("*"):
        sync_folder(path)
    if target.exists():
        shutil.rmtree(target)
    partial.rename(target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """Force a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, keys in the order given, non-ASCII as itself, atomically."""
    with atomic_write(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
