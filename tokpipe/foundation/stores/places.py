"""Where on this machine lies what belongs to a store: copies to read, and folders being written.

All of it is under one folder: what ``TOKPIPE_STORE_DIR`` names, or the user's cache. It may be
removed whenever nothing runs; what was not stored yet is lost with it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tokpipe.foundation import told
from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.storage import storage_errors

_WORK, _COPIES = "work", "copies"
_ADDRESS = ".address.json"  # in a folder of work: of what it is a part


def work_place(address: Address) -> Path:
    """Return where a folder of a store is written until it is stored; its parent is there.

    Raises
    ------
    StorageError
        If the address is a bucket, or there is no place.
    """
    if address.is_root or not address.name:
        raise StorageError(f"{address} is a whole bucket", hint="Name a folder in it.")
    above = Address(address.scheme, address.rest.rstrip("/").rpartition("/")[0])
    folder = _made(_root() / _WORK / _short_hash(above.url))
    with storage_errors(folder):
        (folder / _ADDRESS).write_text(json.dumps([above.scheme, above.rest]))
    told.call(folder, str(above))
    return folder / address.name


def stored_folder(path: Path) -> tuple[Path, Address] | None:
    """Return the folder that a path is or lies in, and its address, if it is written for a store.

    None for all other paths.
    """
    work = str(_root() / _WORK) + os.sep
    text = os.path.abspath(path)  # noqa: PTH100 - no link is followed
    if not text.startswith(work):
        return None
    above, _, behind = text.removeprefix(work).partition(os.sep)
    name = behind.partition(os.sep)[0]
    scheme, rest = json.loads((Path(work) / above / _ADDRESS).read_text())
    return Path(work) / above / name, Address(scheme, rest) / name


@contextmanager
def temporary_place(address: Address) -> Generator[Path, None, None]:
    """Yield where something is written before it is stored; it is gone after the block."""
    folder = _made(_root() / "temporary")
    with tempfile.TemporaryDirectory(dir=folder) as own:
        path = Path(own) / (address.name or "object")
        told.call(path, str(address))
        yield path


def copy_place(address: Address, version: str) -> Path:
    """Return where a copy of a version of something in a store lies; its parent is there."""
    folder = _made(_root() / _COPIES / _short_hash(f"{address.url} {version}"))
    path = folder / (address.name or address.rest)
    told.call(path, str(address))
    return path


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _made(folder: Path) -> Path:
    """Make a folder that is the user's alone, as what is in the store may be."""
    with storage_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _root() -> Path:
    asked = os.environ.get("TOKPIPE_STORE_DIR")
    return Path(os.path.abspath(asked)) if asked else _usual_root()  # noqa: PTH100


@cache
def _usual_root() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("tokpipe", appauthor=False) / "stores"
