"""Copies of what is in a store: fetched once for each version, each byte checked on the way."""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tokpipe.foundation.addresses import Address, address_of, local_path
from tokpipe.foundation.doors import require
from tokpipe.foundation.locks import one_at_a_time
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.stores.backends import backend_of, existing
from tokpipe.foundation.stores.failures import missing
from tokpipe.foundation.stores.objects import StoreObject
from tokpipe.foundation.stores.places import copy_place, temporary_place
from tokpipe.foundation.threads import map_ordered

LAST = "tokpipe.json"  # of a folder, says that it is whole; folders in it have their own

_CHECKPOINT = re.compile(r"checkpoint-\d+/")
_AT_ONCE = 8  # objects fetched at a time


def here(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Return where a file or folder is on this machine: itself, or a copy of what is in a store.

    Parameters
    ----------
    name
        What the caller calls it, for messages.

    Raises
    ------
    ConfigError
        If it is no path.
    StoreError
        If the store has no such thing, or does not answer.
    StorageError
        If there is no place for the copy.
    """
    require(name, path, str, os.PathLike, optional=False)
    address = address_of(path)
    return local_path(path) if address is None else _copied(address)


def visible_objects(address: Address) -> dict[str, int]:
    """Return name and size of the objects below an address, but for hidden ones."""
    return visible_of(all_objects(address))


def all_objects(address: Address) -> dict[str, int]:
    """Return name and size of all objects below an address."""
    return {entry.name: entry.size for entry in backend_of(address.scheme).below(address)}


def visible_of(objects: Mapping[str, int]) -> dict[str, int]:
    """Leave out objects that are hidden, or in something hidden."""
    return {
        name: size
        for name, size in objects.items()
        if not any(part[:1] in (".", "") for part in name.split("/"))
    }


def fetch(address: Address, names: Iterable[str], folder: Path) -> None:
    """Fetch objects into a folder, those that are not there yet."""
    objects = list(map_ordered(object_at, [address / name for name in names], 2 * _AT_ONCE))
    paths = [
        folder / one.address.url.removeprefix(f"{address.url.rstrip('/')}/") for one in objects
    ]
    missing = [(one, path) for one, path in zip(objects, paths, strict=True) if not path.is_file()]
    check_space(folder, sum(one.size for one, _ in missing))
    for _ in map_ordered(lambda pair: fetch_one(*pair), missing, _AT_ONCE):
        pass


@contextmanager
def copy_for_now(address: Address) -> Generator[Path, None, None]:
    """Yield a copy of an object that is gone after the block.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    StoreError
        If the store does not answer, or wrongly.
    """
    entry = backend_of(address.scheme).entry(address)
    if entry is None or entry.is_folder:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(address))
    found = StoreObject(address, entry.size, entry.version)
    with temporary_place(address) as copy:
        fetch_one(found, copy)
        found.forget()
        yield copy


def object_at(address: Address) -> StoreObject:
    """Return the version of an object that is there now."""
    entry = existing(address)
    return StoreObject(address, entry.size, entry.version)


def _copied(address: Address) -> Path:
    entry = existing(address)
    if not entry.is_folder:
        path = copy_place(address, entry.version)
        with _alone_at(path):
            if not path.is_file():
                fetch_one(StoreObject(address, entry.size, entry.version), path)
        return path
    names = _wanted(visible_objects(address))
    if not names:
        raise missing(address)
    objects = list(map_ordered(object_at, [address / name for name in names], 2 * _AT_ONCE))
    versions = hashlib.sha256(repr([(o.size, o.version) for o in objects]).encode())
    folder = copy_place(address, f"{names} {versions.hexdigest()}")
    with _alone_at(folder):
        fetch(address, names, folder)
    return folder


def _alone_at(place: Path) -> AbstractContextManager[object]:
    """Let processes that want the same copy, as the ranks of a machine do, fetch it once."""
    return one_at_a_time(place.with_name(f".{place.name}.lock"))


def _wanted(names: Iterable[str]) -> list[str]:
    """Return what to fetch of a folder: of a run that is finished not what it would go on from."""
    names = sorted(names)
    return [n for n in names if not _CHECKPOINT.match(n)] if LAST in names else names


def fetch_one(found: StoreObject, path: Path) -> None:
    """Fetch an object to a place on this machine; the file appears whole."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with found.open() as source, temporary.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
