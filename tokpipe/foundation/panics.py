"""The library in Rust kept from talking over us: what it prints in a panic is an error of ours too.

Its hook writes to the file with number 2, whatever Python's `sys.stderr` is. So while the library
runs that number stands for a file in memory, and what others wrote there is passed on afterwards.
"""

import os
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager

_PANIC = re.compile(
    rb"\n?thread '[^\n]*panicked at [^\n]*\n(?:(?!note: run with)[^\n]+\n)?"
    rb"(?:note: run with `RUST_BACKTRACE[^\n]*\n)?"
)


class _Capture:
    """What stands in for the number 2 while at least one call runs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls = 0
        self.real = 2
        self.memory = -1

    def begin(self) -> None:
        from fcntl import F_SETFL, fcntl  # here: the module is imported on other systems, too

        self.memory = os.memfd_create("stderr")
        # Linux takes no lock for the position of such a file: two threads could write at one place,
        # and the end of one line stood over the beginning of a panic.
        fcntl(self.memory, F_SETFL, os.O_APPEND)
        self.real = os.dup(2)
        os.dup2(self.memory, 2)

    def end(self) -> None:
        """Pass on what was said, now that nobody says more: a panic half written is none yet."""
        os.dup2(self.real, 2)
        try:
            said = os.pread(self.memory, os.fstat(self.memory).st_size, 0)
            rest = memoryview(_PANIC.sub(b"", said))
            while rest:
                rest = rest[os.write(self.real, rest) :]
        finally:
            os.close(self.real)
            os.close(self.memory)
            self.real = 2


_CAPTURE = _Capture()


@contextmanager
def without_panic_text() -> Generator[None, None, None]:
    """Drop what a panic in the block prints; any thread may be in such a block at any time."""
    if not hasattr(os, "memfd_create"):  # it talks, then
        yield
        return
    with _CAPTURE.lock:
        if not _CAPTURE.calls:
            _CAPTURE.begin()
        _CAPTURE.calls += 1
    try:
        yield
    finally:
        with _CAPTURE.lock:
            _CAPTURE.calls -= 1
            if not _CAPTURE.calls:
                _CAPTURE.end()


def stderr_handle() -> int:
    """Return the number under which standard error can be written to, also in such a block."""
    return _CAPTURE.real
