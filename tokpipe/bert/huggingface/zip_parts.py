"""Where the files of a zip archive of torch lie, which are stored as they are."""

import struct
import zipfile
from typing import Any, BinaryIO

from tokpipe.bert.huggingface.foreign_files import shown
from tokpipe.bert.huggingface.machine import CUT
from tokpipe.foundation.errors import InputError

_MOST_LIST = 1 << 20  # bytes read at once of the list at the end: some 10,000 files
_HEADER = struct.Struct("<4s22x2H")  # before each file: signature, lengths of its name and more
_SIGNATURE = b"PK\3\4"
_SECRET = 0x2041  # flags: encrypted in one way or another
_DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)


class _Short:
    """A file that refuses to be read in long pieces."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(_MOST_LIST + 1 if count < 0 else min(count, _MOST_LIST + 1))
        if len(data) > _MOST_LIST:
            raise zipfile.BadZipFile(f"a list of more than {_MOST_LIST:,} bytes")
        return data


def zip_parts(file: Any, name: str) -> dict[str, tuple[int, int]]:
    """Return the first byte and the end of each file inside, by its name without the folder.

    Raises
    ------
    InputError
        If it is no archive, if files inside overlap, are packed, encrypted or there twice, or do
        not lie in one folder.
    """
    try:
        with zipfile.ZipFile(_Short(file)) as archive:  # type: ignore[arg-type]
            listed, end = archive.infolist(), archive.start_dir
    except _DAMAGED as error:
        raise InputError(
            f"{name}: a damaged zip archive: {shown(str(error))}",
            hint=CUT,
        ) from error
    parts: dict[str, tuple[int, int]] = {}
    folders, place = set[str](), 0
    for info in sorted(listed, key=lambda info: info.header_offset):
        where = f"{name}: {shown(info.orig_filename)}"
        folder, part = _inner_name(info, where)
        folders.add(folder)
        if part in parts or len(folders) > 1:
            raise InputError(f"{where} is there twice, or not in one folder with the others")
        if not place <= info.header_offset <= end:
            raise InputError(f"{where} overlaps the file before it, or lies behind the last")
        begin = _begin(file, info, where)
        place = begin + info.file_size
        if place > end:
            raise InputError(f"{where}: {info.file_size:,} bytes, more than there are")
        parts[part] = begin, place
    return parts


def _inner_name(info: zipfile.ZipInfo, where: str) -> tuple[str, str]:
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise InputError(f"{where} is packed; torch stores files as they are")
    if info.flag_bits & _SECRET:
        raise InputError(f"{where} is encrypted")
    folder, _, part = info.orig_filename.partition("/")
    steps = [folder, *part.split("/")]
    if {"", ".", ".."} & set(steps) or any(c in info.orig_filename for c in "\\\0:"):
        raise InputError(f"{where} is no plain name of a file in a folder")
    return folder, part


def _begin(file: Any, info: zipfile.ZipInfo, where: str) -> int:
    """Return where the bytes of a file begin, behind a header that repeats its name."""
    file.seek(info.header_offset)
    head = file.read(_HEADER.size)
    signature, length, more = _HEADER.unpack(head) if len(head) == _HEADER.size else (b"", 0, 0)
    coding = "utf-8" if info.flag_bits & 0x800 else "cp437"
    if signature != _SIGNATURE or file.read(length) != info.orig_filename.encode(coding):
        raise InputError(f"{where}: no header of that name at byte {info.header_offset:,}")
    return info.header_offset + _HEADER.size + length + more
