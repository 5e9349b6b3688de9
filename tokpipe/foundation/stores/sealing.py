"""Whether ranges that a store answered are the bytes of the object: nothing is taken on trust.

Neither does pyarrow hold the length of an answer against what was asked, nor does anyone say which
bytes came. So each range is read with a second, overlapping one; what is read again is held against
the first time; and once all of an object went by in order, it is held against its ETag, which for
most objects is an MD5 (of parts, whose size is tried). Where that says no, the object may have been
encrypted with a key of its owner, which makes the ETag something else: then all is read once more,
cut differently, and has to be the same.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

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
        self._hashes, self._wanted = list(_candidates(version, size)), version.partition("-")[0]
        self._next, self._count = 0, count
        self._waiting: dict[int, Any] = {}
        self._marks: dict[int, int] = {}

    def differs(self, index: int, data: memoryview) -> bool:
        """Say whether a chunk was something else when it was read before."""
        mark = zlib.crc32(data)
        return self._marks.setdefault(index, mark) != mark

    def is_broken_by(self, index: int, data: memoryview, most_waiting: int) -> bool:
        """Take a chunk; say whether with it all were seen, and are not what the ETag says."""
        if not self._hashes or index < self._next:
            return False
        self._waiting[index] = data
        if len(self._waiting) > most_waiting:  # not read in order: nobody will ever see all
            self._hashes, self._waiting = [], {}
        while (found := self._waiting.pop(self._next, None)) is not None:
            for one in self._hashes:
                one.update(found)
            self._next += 1
        if self._next < self._count or not self._hashes:
            return False
        digests = {one.digest() for one in self._hashes}
        self._hashes = []
        return self._wanted not in digests

    def is_the_same(
        self, size: int, read: Callable[[int, int], bytes | bytearray], chunk: int
    ) -> bool:
        """Read all once more, cut differently, and say whether it is the same."""
        cut, mark, done, index = chunk - chunk // 7 - 13, 0, 0, 0
        while done < size:
            data = memoryview(read(done, min(cut, size - done)))
            while len(data):
                end = min(size, (index + 1) * chunk)
                part, data = data[: end - done], data[end - done :]
                mark, done = zlib.crc32(part, mark), done + len(part)
                if done < end:
                    continue
                if mark != self._marks.get(index):
                    return False
                mark, index = 0, index + 1
        return True
