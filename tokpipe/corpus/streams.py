"""Blocks of whole lines (or records) from chunks that come one after the other."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.blocks import BOM, Block, line_too_long
from tokpipe.corpus.kernels.lines import count_newlines
from tokpipe.foundation.arrays import PADDING

LastEnd = Callable[[NDArray[np.uint8], int, int], int]


def last_line_end(data: NDArray[np.uint8], start: int, stop: int) -> int:
    r"""Return the position behind the last ``\n`` of ``data[start:stop]``, or -1."""
    step = 1 << 16
    for high in range(stop, start, -step):
        low = max(start, high - step)
        found = data[low:high].tobytes().rfind(b"\n")
        if found >= 0:
            return low + found + 1
    return -1


def cut_stream(
    chunks: Iterator[bytes],
    name: str,
    piece_bytes: int,
    max_line_bytes: int,
    last_end: LastEnd = last_line_end,
) -> Iterator[Block]:
    """Gather chunks into blocks of about `piece_bytes`, cut behind the last line in each.

    A block has that many bytes at least, but for the last, and one line more at most; a longer line
    than `max_line_bytes` is an `InputError`. `last_end` finds the last end of a line (or record) in
    bytes that it has not seen yet, given in order.
    """
    window, have, seen = np.empty(piece_bytes + PADDING, np.uint8), 0, 0
    offset, lines, follows_blank = 0, 0, True
    for chunk in chunks:
        window = _with_room(window, have, have + len(chunk))
        window[have : have + len(chunk)] = np.frombuffer(chunk, np.uint8)
        have += len(chunk)
        if have < piece_bytes:
            continue
        cut = last_end(window, seen, have)
        seen = have
        if cut < 0:
            if have > max_line_bytes + len(chunk):
                raise line_too_long(name, lines + 1, max_line_bytes)
            continue
        rest = np.empty(max(piece_bytes, have - cut) + PADDING, np.uint8)
        rest[: have - cut] = window[cut:have]
        block = _block(window, cut, name, offset, lines, follows_blank)
        lines += int(count_newlines(window, 0, cut))
        follows_blank = _ends_blank(window, cut, offset)
        offset, have, seen = offset + cut, have - cut, have - cut
        window = rest
        yield block
    if have:
        yield _block(window, have, name, offset, lines, follows_blank)


def _with_room(window: NDArray[np.uint8], have: int, want: int) -> NDArray[np.uint8]:
    if want + PADDING <= len(window):
        return window
    longer = np.empty(max(want, min(2 * have, have + (64 << 20))) + PADDING, np.uint8)
    longer[:have] = window[:have]
    return longer


def _block(
    window: NDArray[np.uint8], stop: int, name: str, offset: int, lines: int, follows_blank: bool
) -> Block:
    data = window[: stop + PADDING]
    data[stop:] = 0
    return Block(data, 0, stop, name, offset, lambda: lines, follows_blank)


def _ends_blank(window: NDArray[np.uint8], cut: int, offset: int) -> bool:
    """Say whether the last line in front of `cut` is blank."""
    begin = max(0, last_line_end(window, 0, cut - 1))
    line = window[begin : cut - 1].tobytes()
    if offset == 0 and begin == 0:
        line = line.removeprefix(BOM)
    return not line.strip()
