"""Where compiled code lies: files of the private cache, and packs that came with the wheel.

An entry is a checksum and machine code, pickled and compressed. To load one is to run it, so a
folder is read only if it is private (`tokpipe.foundation.private_folders`); a pack lies in the
installed package, beside modules that are run as well.
"""

import functools
import hashlib
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

from tokpipe.foundation.machine_code import Image, ObjectFile

PACKS = Path(__file__).parent.parent / "machine_code"
SUFFIX = ".code"
_MAGIC = b"tokpipe machine code 1\n"
_DIGEST = hashlib.sha256().digest_size


class DamagedCodeError(Exception):
    """Compiled code is not what was written."""


def packed(code: Image | ObjectFile) -> bytes:
    """Return an entry."""
    return sealed(pickle.dumps((type(code).__name__, *code), protocol=5))


def sealed(content: bytes) -> bytes:
    """Return what is to be kept, compressed, behind its checksum."""
    data = zlib.compress(content, 6)
    return hashlib.sha256(data).digest() + data


def unpacked(entry: bytes) -> Image | ObjectFile:
    """Return what is in an entry; `DamagedCodeError` if its checksum says so."""
    if hashlib.sha256(entry[_DIGEST:]).digest() != entry[:_DIGEST]:
        raise DamagedCodeError("the checksum of compiled code is wrong")
    kind, *parts = pickle.loads(zlib.decompress(entry[_DIGEST:]))
    return (Image if kind == "Image" else ObjectFile)(*parts)


def entry_path(folder: Path, name: str) -> Path:
    """Return where a folder has an entry."""
    return folder / (name + SUFFIX)


def read_entry(folder: Path, name: str) -> Image | ObjectFile | None:
    """Return what a folder holds of a name; None if nothing, or nothing whole."""
    try:
        return unpacked(entry_path(folder, name).read_bytes())
    except (OSError, DamagedCodeError):
        return None


def write_entry(folder: Path, name: str, code: Image | ObjectFile) -> None:
    """Keep machine code in a folder, if that can be written: a cache is only ever a gain."""
    path = entry_path(folder, name)
    temporary = folder / f"{name}.{os.getpid()}.part"
    try:
        temporary.write_bytes(packed(code))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def write_pack(path: Path, folder: Path) -> None:
    """Write all entries of a folder as one file: magic, size of the index, index, entries."""
    entries = {file.stem: file.read_bytes() for file in sorted(folder.glob("*" + SUFFIX))}
    index, at = {}, 0
    for name, entry in entries.items():
        index[name] = (at, len(entry))
        at += len(entry)
    head = json.dumps(index, separators=(",", ":")).encode()
    told = hashlib.sha256(head).digest() + len(head).to_bytes(8, "little")
    path.write_bytes(_MAGIC + told + head + b"".join(entries.values()))


class Pack:
    """Entries in one file; read one by one, as they are asked for.

    Raises
    ------
    DamagedCodeError
        If it is not a pack, or its index is not what was written.
    OSError
        If there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        start = len(_MAGIC) + _DIGEST + 8
        with path.open("rb") as file:
            begin = file.read(start)
            size = int.from_bytes(begin[-8:], "little")
            head = file.read(min(size, 1 << 26))
        is_whole = hashlib.sha256(head).digest() == begin[len(_MAGIC) : len(_MAGIC) + _DIGEST]
        if not begin.startswith(_MAGIC) or not is_whole:
            raise DamagedCodeError("it is no pack of machine code, or cut off")
        self._start = start + size
        self._index: dict[str, Any] = json.loads(head)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def read(self, name: str) -> Image | ObjectFile | None:
        """Return what the pack holds of a name, or None; `DamagedCodeError` if it is not whole."""
        if name not in self._index:
            return None
        at, size = self._index[name]
        with self.path.open("rb") as file:
            file.seek(self._start + at)
            return unpacked(file.read(size))

    def check(self) -> None:
        """Read all; `DamagedCodeError` if any is not whole."""
        for name in self._index:
            self.read(name)


@functools.cache
def open_pack(path: Path) -> Pack | str:
    """Return a pack, or why it cannot be used; nothing if there is none."""
    try:
        return Pack(path)
    except FileNotFoundError:
        return ""
    except (OSError, DamagedCodeError) as error:
        return str(error)
