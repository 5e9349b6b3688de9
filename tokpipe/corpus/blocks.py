"""Whole lines of one file as one buffer, however the file is cut.

Piece k of a plain file holds the lines that begin in its byte range: it reads on to the end of the
last one, and leaves out what belongs to a line that began before. So any cut gives each line once.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.inputs import InputFile
from tokpipe.foundation.arrays import PADDING
from tokpipe.foundation.errors import InputError

BOM = b"\xef\xbb\xbf"

_BEHIND = 256  # bytes read in front of a range, to see the line before it
_AHEAD = 64 << 10  # bytes read behind a range, to see the end of its last line


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Whole lines (or CSV records) of one file, still as they stand there.

    Attributes
    ----------
    data : uint8[>= stop + PADDING]
        Lines are ``data[start:stop]``, zeros follow.
    name : str
        The file, for messages.
    offset : int
        Where ``data[start]`` stands in the file, bytes of decompressed text.
    lines_before : Callable[[], int]
        Counts the lines in front of the block; asked for errors only.
    follows_blank : bool
        Whether the line before is blank, or there is none.
    """

    data: NDArray[np.uint8]
    start: int
    stop: int
    name: str
    offset: int
    lines_before: Callable[[], int]
    follows_blank: bool

    def place(self, position: int) -> tuple[int, int]:
        """Return line (from 1) and byte offset in the file of ``data[position]``."""
        line = 1 + self.lines_before() + self.data[self.start : position].tobytes().count(b"\n")
        return line, self.offset + position - self.start


def read_range(file: InputFile, begin: int, end: int, max_line_bytes: int) -> Block:
    """Read the lines of a plain file that begin in ``begin <= offset < end``.

    Raises
    ------
    InputError
        If the last line is longer than `max_line_bytes`, or the file has changed since it was
        opened.
    """
    with file.open_same() as handle:
        low = max(0, begin - _BEHIND)
        buffer = _pread(handle, low, min(file.size, end + _AHEAD))
        first = begin
        if begin:
            newline = buffer.find(b"\n", begin - 1 - low, end - 1 - low)
            first = end if newline < 0 else low + newline + 1
        if first >= min(end, file.size):
            return _block(buffer, 0, 0, file, begin, False)
        while (newline := buffer.find(b"\n", end - 1 - low)) < 0 and low + _length(buffer) < (
            file.size
        ):
            line = buffer.rfind(b"\n", 0, end - 1 - low) + 1
            if _length(buffer) - line > max_line_bytes:
                raise line_too_long(file.name, _count_lines(file, low + line) + 1, max_line_bytes)
            buffer = _read_on(handle, buffer, low, file.size)
        stop = newline + 1 if newline >= 0 else _length(buffer)
        return _block(
            buffer, first - low, stop, file, first, _follows_blank(handle, buffer, low, first)
        )


def line_too_long(name: str, line: int, limit: int) -> InputError:
    """Make the error for a line, row or JSON object above the limit."""
    return InputError(
        f"{name}:{line}: the line is longer than {limit:,} bytes",
        hint="Break it into lines, or raise --max-line-bytes.",
    )


def _length(buffer: bytearray) -> int:
    return len(buffer) - PADDING


def _pread(handle: int, low: int, high: int) -> bytearray:
    buffer = bytearray(high - low + PADDING)
    _fill(handle, buffer, 0, low, high - low)
    return buffer


def _fill(handle: int, buffer: bytearray, at: int, offset: int, count: int) -> None:
    with memoryview(buffer) as view:
        while count:
            got = os.preadv(handle, [view[at : at + count]], offset)
            if not got:
                raise InputError("a file became shorter while it was read")
            at, offset, count = at + got, offset + got, count - got


def _read_on(handle: int, buffer: bytearray, low: int, size: int) -> bytearray:
    """Return a buffer of twice the length, up to the end of the file."""
    have = _length(buffer)
    want = min(2 * have, size - low)
    longer = bytearray(want + PADDING)
    longer[:have] = memoryview(buffer)[:have]
    _fill(handle, longer, have, low + have, want - have)
    return longer


def _block(
    buffer: bytearray, start: int, stop: int, file: InputFile, offset: int, follows_blank: bool
) -> Block:
    data = np.frombuffer(buffer, np.uint8)[: stop + PADDING]
    data[stop:] = 0
    return Block(
        data, start, stop, file.name, offset, lambda: _count_lines(file, offset), follows_blank
    )


def _follows_blank(handle: int, buffer: bytearray, low: int, first: int) -> bool:
    """Say whether the line in front of offset `first` is blank, or there is none."""
    window = bytes(buffer[: max(0, first - low - 1)])
    while first:
        newline = window.rfind(b"\n")
        line = window[newline + 1 :]
        if newline < 0 and low == 0:
            line = line.removeprefix(BOM)
        if newline >= 0 or low == 0 or line.strip():
            return not line.strip()
        low, high = max(0, low - 2 * len(line) - _BEHIND), low
        window = bytes(_pread(handle, low, high)[: high - low]) + line
    return True


def _count_lines(file: InputFile, offset: int) -> int:
    """Count the line ends in front of an offset of a plain file."""
    lines = 0
    with file.open_same() as handle:
        for at in range(0, offset, 1 << 22):
            lines += _pread(handle, at, min(offset, at + (1 << 22))).count(b"\n")
    return lines
