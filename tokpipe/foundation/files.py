"""The one way to write a file: a reader sees the old one, or the new one, whole.

It is written as ``.NAME.<8 hex digits>.tmp`` beside its place. That is gone after success, and the
next writer clears what a killed one left behind. What somebody else puts at the place while the
work runs stays there, and the finished work stands beside it as ``NAME.finished``.
"""

import json
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from tokpipe.foundation.addresses import Address, address_of, local_path
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.locks import is_free, lock_handle
from tokpipe.foundation.naming import kept_beside, move, opened
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.places import temporary_place


@contextmanager
def atomic_write(path: Path, *, replace: bool = True) -> Generator[BinaryIO, None, None]:
    """Open a temporary sibling of `path`; rename it onto `path` only if the block succeeds.

    With `replace` it takes the place of a plain file that is there then; of anything else never.

    Raises
    ------
    StorageError
        If the disk is full, read-only or forbidden; the old file is intact then. If something
        stands at `path` in the end that may not be replaced: the new file is kept beside it.
    """
    address = address_of(path)
    if address is not None:
        with _stored_whole(address, replace=replace) as file:
            yield file
        return
    path = local_path(path)
    with storage_errors(path):
        _remove_stale_temporaries(path)
        file, temporary = _open_temporary(path)
        try:
            with file, opened(path.parent) as parent:
                yield file
                file.flush()
                os.fsync(file.fileno())
                # while its lock is held: nobody takes it for stale
                if replace and path.is_file() and not path.is_symlink():
                    temporary.replace(path)
                elif not move(temporary, path):
                    raise kept_beside(temporary, path)
                os.fsync(parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _stored_whole(address: Address, *, replace: bool) -> Generator[BinaryIO, None, None]:
    """Write a temporary file, and store it once the block has succeeded."""
    refuse_existing_object(address, force=replace)
    with temporary_place(address) as path:
        with storage_errors(path), path.open("wb") as file:
            yield file
        refuse_existing_object(address, force=replace)
        backend_of(address.scheme).put(path, address)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, keys in the order given, non-ASCII as itself, atomically.

    Lone surrogates, which stand for the bytes of file names that are not UTF-8, become escapes.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as file:
        file.write(text.encode(errors="backslashreplace"))


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    with opened(path) as handle:
        os.fsync(handle)


def refuse_existing_file(path: Path, *, force: bool) -> None:
    """Refuse to write a file that is there, unless forced.

    Raises
    ------
    StorageError
        If it exists and `force` is not set, or it is a folder, a disk or a socket.
    """
    address = address_of(path)
    if address is not None:
        refuse_existing_object(address, force=force)
        return
    path = local_path(path)
    if path.is_dir():
        raise StorageError(f"{path} is a folder", hint="Name a file.")
    if path.exists() and not path.is_file() and not _is_device(path):
        raise StorageError(f"{path} is no file that can be written", hint="Name a file.")
    if path.exists() and not force and not _is_device(path):
        raise StorageError(
            f"{path} exists already", hint="Name another file, or pass --force to replace it."
        )


def refuse_existing_object(address: Address, *, force: bool) -> None:
    """Refuse to write an object of a store that is there, unless forced, or a folder of one."""
    found = backend_of(address.scheme).entry(address)
    if address.is_root or (found and found.is_folder):
        raise StorageError(f"{address} is a folder", hint="Name a file.")
    if found and not force:
        raise StorageError(
            f"{address} exists already", hint="Name another file, or pass --force to replace it."
        )


def _is_device(path: Path) -> bool:
    return path.is_char_device() or path.is_fifo()


def _open_temporary(path: Path) -> tuple[BinaryIO, Path]:
    """Open a new, locked temporary; the rights of the file follow the umask, as usual."""
    while True:
        name = f"{_temporary_prefix(path)}{secrets.token_hex(4)}.tmp"
        temporary = path.parent / name
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        file = os.fdopen(handle, "wb")
        # Until it is locked, another writer may take it for stale and remove it.
        if lock_handle(handle) and temporary.exists():
            return file, temporary
        file.close()


def _temporary_prefix(path: Path) -> str:
    return f".{os.fsdecode(os.fsencode(path.name)[:200])}."


def _remove_stale_temporaries(path: Path) -> None:
    """Remove what killed writers of the same file left; a living one holds a lock on its own."""
    prefix = _temporary_prefix(path)
    with os.scandir(path.parent) as entries:
        names = [e.name for e in entries if e.name.startswith(prefix) and e.name.endswith(".tmp")]
    for name in names:
        stale = path.parent / name
        if len(name) == len(prefix) + 12 and is_free(stale):
            with suppress(FileNotFoundError):
                stale.unlink()
