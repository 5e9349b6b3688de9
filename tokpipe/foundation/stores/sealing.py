"""Whether ranges that a store answered are the bytes of the object: nothing is taken on trust.

Neither does pyarrow hold the length of an answer against what was asked, nor does anyone say which
bytes came. So each range is read with a second, overlapping one; what is read again is held against
the first time; and once all of an object went by in order, it is held against its ETag, which for
most objects is an MD5 (of parts, whose size is tried). Where that says no, the object may have been
encrypted with a key of its owner, which makes the ETag something else: then chunks are read once
more, cut differently, and have to be the same.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CHUNK = 4 << 20  # bytes fetched at a time: a request takes as long as some of them

_READ_AGAIN = 256  # chunks, at most
_SHIFT = 13  # bytes: where ranges begin that are read again, before those of the first time
_ETAG = re.compile(r"([0-9a-f]{32})(?:-(\d+))?")
_PART_SIZES = tuple(  # of uploads: of AWS's tools and pyarrow, and of others
    n << 20 for n in (5, 6, 8, 10, 12, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)
)


class _Md5:
    """The ETag that an object has if it was stored in parts of a size; 0: at once."""

    def __init__(self, part: int) -> None:
        self._part, self._left, self._parts = part, part, b""
        self._hash = hashlib.md5(usedforsecurity=False)

    def update(self, data: memoryview) -> None:
        while self._part and len(data) >= self._left:
            self._hash.update(data[: self._left])
            data = data[self._left :]
            self._close()
        self._hash.update(data)
        self._left -= len(data)

    def _close(self) -> None:
        self._parts += self._hash.digest()
        self._hash, self._left = hashlib.md5(usedforsecurity=False), self._part

    def digest(self) -> str:
        if not self._part:
            return self._hash.hexdigest()
        if self._left < self._part or not self._parts:
            self._close()
        return hashlib.md5(self._parts, usedforsecurity=False).hexdigest()


def _candidates(version: str, size: int) -> Iterator[_Md5]:
    found = _ETAG.fullmatch(version)
    if found is None:
        return
    if not found[2]:
        yield _Md5(0)
        return
    parts = int(found[2])
    sizes = _PART_SIZES if parts > 1 else (max(size, 1),)
    for part in sizes:
        if -(-size // part) == parts or (size == 0 and parts == 1):
            yield _Md5(part)


class Seal:
    """What is known of an object's content, as its chunks go by; not safe for threads by itself.

    Parameters
    ----------
    version, size
        Of the object.
    count
        How many chunks there are.
    """

    def __init__(self, version: str, size: int, count: int) -> None:
        self.sha256: str | None = None  # of all of it, once it went by
        self._hashes, self._wanted = list(_candidates(version, size)), version.partition("-")[0]
        self._whole = hashlib.sha256()
        self._next, self._count, self._in_order = 0, count, True
        self._waiting: dict[int, Any] = {}
        self._marks: dict[int, int] = {}

    def differs(self, index: int, data: memoryview) -> bool:
        """Say whether a chunk was something else when it was read before."""
        mark = zlib.crc32(data)
        return self._marks.setdefault(index, mark) != mark

    def is_broken_by(self, index: int, data: memoryview, most_waiting: int) -> bool:
        """Take a chunk; say whether with it all were seen, and are not what the ETag says."""
        if not self._in_order or index < self._next:
            return False
        self._waiting[index] = data
        if len(self._waiting) > most_waiting:  # not read in order: nobody will ever see all
            self._in_order, self._waiting = False, {}
        while (found := self._waiting.pop(self._next, None)) is not None:
            for one in (*self._hashes, self._whole):
                one.update(found)
            self._next += 1
        if self._next < self._count or not self._in_order:
            return False
        self.sha256, self._in_order = self._whole.hexdigest(), False
        return bool(self._hashes) and self._wanted not in {one.digest() for one in self._hashes}

    def is_the_same(self, size: int, read: Callable[[int, int], bytes | bytearray]) -> bool:
        """Read chunks once more, cut differently, and say whether they are the same.

        Of a large object some are read, at even distances.
        """
        for index in range(0, self._count, -(-self._count // _READ_AGAIN)):
            begin, end = index * CHUNK, min(size, (index + 1) * CHUNK)
            before, cut = min(begin, _SHIFT), begin + (end - begin) // 3
            first = read(begin - before, cut - begin + before)[before:]
            mark = zlib.crc32(read(cut, end - cut), zlib.crc32(first))
            if mark != self._marks.get(index):
                return False
        return True


def is_content_of(version: str, size: int, path: Path) -> bool:
    """Say whether a file is what an object of a version and size holds, as far as its ETag tells.

    Of an object whose ETag is no MD5 nobody knows, and the answer is no.
    """
    if path.stat().st_size != size:
        return False
    hashes = list(_candidates(version, size))
    with path.open("rb") as file:
        while hashes and (data := file.read(1 << 20)):
            for one in hashes:
                one.update(memoryview(data))
    return version.partition("-")[0] in {one.digest() for one in hashes}
