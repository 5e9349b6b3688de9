"""Objects, read by ranges: chunks that are fetched ahead, kept for a while, and checked."""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.stores.backends import Content, backend_of
from tokpipe.foundation.stores.failures import ChangedError, missing
from tokpipe.foundation.stores.sealing import CHUNK, Seal
from tokpipe.foundation.threads import in_background, usable_cpus

_AHEAD = 6  # chunks fetched ahead of a reader that goes through an object
_KEPT = 20 + 2 * usable_cpus()  # chunks in memory, of all objects together
_PROBE = 64  # bytes on each side of the end of a chunk that are read for a second time
_TRIES = 3  # of an answer that is wrong; a request that fails has been repeated below us


@dataclass(frozen=True, slots=True)
class StoreObject:
    """One version of an object."""

    address: Address
    size: int
    version: str

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill a view from an offset on, up to the end of a chunk; return how many bytes.

        Raises
        ------
        StoreError
            If the store does not answer, or wrongly; or the object changed.
        """
        if offset >= self.size or not len(view):
            return 0
        index = offset // CHUNK
        data = _CHUNKS.get(self, index)[offset - index * CHUNK :][: len(view)]
        view[: len(data)] = data
        return len(data)

    def head(self, count: int) -> bytes:
        """Return its first bytes, at most so many."""
        return bytes(_read_twice(self, 0, min(count, self.size))) if self.size else b""

    def expect(self) -> None:
        """Begin to fetch its first chunk."""
        if self.size:
            _CHUNKS.begin(self, 0)

    def sha256(self) -> str | None:
        """Return the SHA-256 of its bytes, if this process has seen all of them go by."""
        return _CHUNKS.sha256(self)

    def forget(self) -> None:
        """Let go of what is kept of it: it is not read again."""
        _CHUNKS.forget(self)

    def open(self) -> BinaryIO:
        """Return it as a file that can be read and sought in."""
        return cast(BinaryIO, io.BufferedReader(_Raw(self), CHUNK // 4))


class _Raw(io.RawIOBase):
    """The face of a file for an object."""

    def __init__(self, found: StoreObject) -> None:
        self._object, self._at = found, 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._object.read_into(memoryview(buffer).cast("B"), self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._object.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class _Chunks:
    """The chunks that are at hand or on their way, of all objects."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # without threads to be had, a chunk is fetched at once
        self._kept: OrderedDict[tuple[StoreObject, int], Callable[[], memoryview]] = OrderedDict()
        self._seals: dict[StoreObject, tuple[Seal, threading.Lock]] = {}

    def get(self, found: StoreObject, index: int) -> memoryview:
        """Return a chunk; where the one before was read, too, have the next ones fetched."""
        with self._lock:
            goes_through = index == 0 or (found, index - 1) in self._kept
        last = min(index + (_AHEAD if goes_through else 0), (found.size - 1) // CHUNK)
        waits = [self.begin(found, number) for number in range(index, last + 1)]
        try:
            return waits[0]()
        except BaseException:
            with self._lock:
                self._kept.pop((found, index), None)
            raise

    def begin(self, found: StoreObject, index: int) -> Callable[[], memoryview]:
        """Have a chunk fetched, if it is not there; return what waits for it."""
        key = (found, index)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = in_background(partial(self._fetch, found, index))
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def sha256(self, found: StoreObject) -> str | None:
        """Return the hash of an object that was read to its end, in order."""
        seal, lock = self._seal(found)
        with lock:
            return seal.sha256

    def forget(self, found: StoreObject) -> None:
        """Drop the chunks of an object, and what is known of its content."""
        with self._lock:
            self._seals.pop(found, None)
            for index in range(-(-found.size // CHUNK)):
                self._kept.pop((found, index), None)

    def _fetch(self, found: StoreObject, index: int) -> memoryview:
        seal, lock = self._seal(found)
        begin = index * CHUNK
        data = memoryview(_read_twice(found, begin, min(CHUNK, found.size - begin)))
        with lock:
            if seal.differs(index, data):
                raise _wrong(found, begin, len(data), "other bytes than before")
            broken = seal.is_broken_by(index, data, _KEPT)
        if broken and not seal.is_the_same(found.size, partial(_read_twice, found)):
            raise _wrong(found, 0, found.size, "other bytes than before")
        return data

    def _seal(self, found: StoreObject) -> tuple[Seal, threading.Lock]:
        with self._lock:
            if found not in self._seals:
                seal = Seal(found.version, found.size, -(-found.size // CHUNK))
                self._seals[found] = seal, threading.Lock()
            return self._seals[found]


_CHUNKS = _Chunks()


def _read_twice(found: StoreObject, begin: int, length: int) -> Content:
    """Read a range, and what lies around its end for a second time, which has to be the same."""
    end = begin + length
    low, high = max(begin, end - _PROBE), min(found.size, end + _PROBE)
    store, what = backend_of(found.address.scheme), ""
    for _ in range(_TRIES):
        try:
            parts = [(begin, length), (low, high - low)]
            data, probe = store.read(found.address, found.version, parts)
        except ChangedError:
            raise StoreError(f"{found.address}: the file changed while it was read") from None
        except FileNotFoundError:
            raise missing(found.address) from None
        if len(data) != length or len(probe) != high - low:
            what = f"{len(data):,} bytes"
        elif bytes(data[low - begin :]) != bytes(probe[: end - low]):
            what = "bytes that a second look does not find there"
        else:
            return data
    raise _wrong(found, begin, length, what)


def _wrong(found: StoreObject, begin: int, length: int, what: str) -> StoreError:
    return StoreError(
        f"{found.address}: the store answers wrongly: asked for the {length:,} bytes from offset "
        f"{begin:,} on, it gave {what}",
        hint="Is there a proxy or cache in between that cannot answer ranges?",
    )
