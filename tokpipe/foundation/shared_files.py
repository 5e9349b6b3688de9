"""Files that several processes make and read: in a folder that all see, or in a store.

Each is whole, or not there. A `Path` may hold the address of an object: that is written on this
machine and stored once it is whole, and read as a copy whose bytes were checked on the way.
"""

import json
import secrets
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.files import sync
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.copies import all_objects, copy_for_now
from tokpipe.foundation.stores.places import temporary_place
from tokpipe.foundation.threads import map_ordered

_AT_ONCE = 8  # objects removed at a time: a request is waiting, not work


@contextmanager
def written_whole(path: Path) -> Generator[Path, None, None]:
    """Yield where to write a file; it takes its place, over what is there, if the block succeeds.

    Raises
    ------
    StorageError
        If the disk or the store refuses; nothing has changed then.
    """
    address = address_of(path)
    if address is not None:
        with temporary_place(address) as temporary:
            yield temporary
            backend_of(address.scheme).put(temporary, address)
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with storage_errors(path):
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_shared_json(path: Path, value: Any) -> None:
    """Write plain JSON."""
    with written_whole(path) as draft, storage_errors(draft):
        draft.write_text(json.dumps(value), "utf-8")


@contextmanager
def at_hand(path: Path) -> Generator[Path, None, None]:
    """Yield where a file can be read: itself, or a copy that is gone after the block.

    Raises
    ------
    FileNotFoundError
        If it is an object that is not there; of a file, who opens it finds out.
    StoreError
        If the store does not answer, or wrongly.
    """
    address = address_of(path)
    if address is None:
        yield path
        return
    with copy_for_now(address) as copy:
        yield copy


@contextmanager
def scratch_for(folder: Path) -> Generator[Path, None, None]:
    """Yield an empty folder for drafts of what goes to a folder: in it, as that is surely shared.

    For what goes to a store it is on this machine.
    """
    address = address_of(folder)
    if address is not None:
        with temporary_place(address) as path:
            yield path.parent
        return
    with storage_errors(folder), tempfile.TemporaryDirectory(prefix=".", dir=folder) as own:
        yield Path(own)


def size_of(path: Path) -> int | None:
    """Return how many bytes a file has; None if there is none."""
    address = address_of(path)
    if address is None:
        return path.stat().st_size if path.is_file() else None
    entry = backend_of(address.scheme).entry(address)
    return None if entry is None or entry.is_folder else entry.size


def names_in(folder: Path) -> set[str]:
    """Return the names of what is in a folder, not those of what is in folders in it."""
    address = address_of(folder)
    if address is None:
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return {name for name in all_objects(address) if "/" not in name}


def make_folder(path: Path) -> None:
    """Make a folder, and those that it is in; a store needs none."""
    if address_of(path) is None:
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files, those that are there."""
    for _ in map_ordered(_remove, paths, _AT_ONCE):
        pass


def _remove(path: Path) -> None:
    address = address_of(path)
    if address is None:
        path.unlink(missing_ok=True)
    else:
        backend_of(address.scheme).remove(address)
