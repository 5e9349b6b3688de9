"""Compressed files as a stream of chunks: several members, nothing cut, no bombs.

The standard library takes gzip, bzip2 and xz, pyarrow zstd and lz4; each runs without the GIL.
"""

import bz2
import lzma
import select
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from tokpipe.foundation.errors import InputError

CHUNK = 1 << 20  # most bytes a step yields

_STORED = 64 << 10  # bytes read at a time: the expansion is known this finely
FLOOR = 64 << 20  # this much text is never a bomb
_XZ_MEMORY = 192 << 20  # xz -9 takes 65 MB to decompress; a forged header asks for 4 GB


class Source:
    """Chunks of decompressed bytes, and how many stored bytes they took.

    The codec is "gzip", "bzip2", "xz", "zstd", "lz4", or None for bytes as they stand. One stored
    byte may become `max_expansion` bytes at most, past the first 64 MiB.
    """

    def __init__(self, raw: BinaryIO, name: str, codec: str | None, max_expansion: int) -> None:
        self.consumed = 0
        self.codec = codec
        self._raw, self._name, self._max_expansion = raw, name, max_expansion
        self._head = b""

    def chunks(self) -> Iterator[bytes]:
        """Yield what the file holds, at most `CHUNK` bytes at a time.

        Raises
        ------
        InputError
            If the file is cut short, damaged, followed by something else, or grows too much.
        """
        produced = 0
        try:
            for chunk in self._decoded():
                produced += len(chunk)
                if self.codec and produced > max(FLOOR, self._max_expansion * self.consumed):
                    raise InputError(
                        f"{self._name}: {self.consumed:,} bytes of {self.codec} became more than "
                        f"{self._max_expansion} times as many",
                        hint="A bomb? If the text is really so repetitive, raise --max-expansion.",
                    )
                yield chunk
        except EOFError as error:
            raise InputError(f"{self._name}: the {self.codec} data is cut short") from error
        except (OSError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise InputError(f"{self._name}: {self._explain(error)}") from error

    def peek(self, size: int) -> bytes:
        """Return the first stored bytes, which `chunks` will yield all the same."""
        while len(self._head) < size and (more := self._read(size)):
            self._head += more
        return self._head

    def read(self, size: int = -1) -> bytes:
        """Return stored bytes; the name that pyarrow asks for."""
        most = _STORED if self.codec else CHUNK
        data, self._head = self._head, b""
        data = data or self._read(most if size < 0 else min(size, most))
        self.consumed += len(data)
        return data

    def _read(self, size: int) -> bytes:
        while (data := self._raw.read(size)) is None:
            select.select([self._raw], [], [])  # a pipe that somebody made non-blocking
        return data

    def close(self) -> None:
        """Do nothing, for pyarrow: who opened the raw file closes it."""

    @property
    def closed(self) -> bool:
        """Tell pyarrow that the source is open."""
        return False

    def _decoded(self) -> Iterator[bytes]:
        if self.codec is None:
            return iter(lambda: self.read(), b"")
        if self.codec in _MEMBERS:
            return _members(self.read, _MEMBERS[self.codec])
        return self._arrow_decoded(self.codec)

    def _arrow_decoded(self, codec: str) -> Iterator[bytes]:
        import pyarrow as pa  # heavy, and most files are not zstd or lz4

        stream = pa.CompressedInputStream(pa.PythonFile(self, mode="r"), codec)
        while chunk := stream.read(CHUNK):
            yield chunk

    def _explain(self, error: Exception) -> str:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        if "Truncated" in str(error):
            return f"the {self.codec} data is cut short"
        return f"the {self.codec} data is damaged, or followed by something else ({error})"


class _Decoder(Protocol):
    eof: bool
    unused_data: bytes
    needs_input: bool

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the face of those of bzip2 and xz."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = not self._inner.unconsumed_tail and len(out) < max_length
        return out

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_MEMBERS: dict[str, Callable[[], Any]] = {
    "gzip": _Gzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}


def _members(read: Callable[[], bytes], make: Callable[[], _Decoder]) -> Iterator[bytes]:
    """Decode one member after the other; NUL bytes between and behind them are padding."""
    data = read()
    while data:
        decoder = make()
        while not decoder.eof:
            chunk = decoder.decompress(data, CHUNK)
            if chunk:
                yield chunk
            data = b""
            if not decoder.eof and decoder.needs_input and not (data := read()):
                raise EOFError
        data = decoder.unused_data.lstrip(b"\0")
        while not data and (more := read()):
            data = more.lstrip(b"\0")
