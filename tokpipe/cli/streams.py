"""The standard streams, made safe before anything is written."""

import io
import os
import select
import sys
from typing import Any

_ENDS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def prepare_streams() -> None:
    """Give closed streams a place that fails or swallows, and let text escape, never fail.

    A file opened later must not get the number of a closed stream: it would receive our results.
    Writing to a closed stdout fails (the result is lost, and that is an error); a closed stderr
    swallows.
    """
    for number, name, mode in _ENDS:
        if getattr(sys, name) is None:
            flags = os.O_RDWR if name == "stderr" else os.O_RDONLY  # writing to it fails: EBADF
            _occupy(number, flags)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        if stream is getattr(sys, f"__{name}__"):  # and not what a test or a notebook put there
            _write_whole(name, stream)


def silence(number: int) -> None:
    """Point a stream that can take no more at nothing, so that leaving does not fail on it."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, number)
    os.close(handle)


class _WholeFile(io.FileIO):
    """A file whose `write` takes all it is given, or raises.

    Python's own may take a part and say so: at a limit on sizes, where a disk is nearly full, and
    of a pipe that somebody has made non-blocking. Hardly anybody asks how much was taken.
    """

    def write(self, data: Any) -> int:
        """Write all bytes, however often the system has to be asked."""
        view, done = memoryview(data).cast("B"), 0
        while done < len(view):
            try:
                done += os.write(self.fileno(), view[done:])
            except BlockingIOError:
                select.select((), (self.fileno(),), ())
        return done


def _write_whole(name: str, stream: Any) -> None:
    """Put a stream in the place of a standard one that never writes a part of what it is given."""
    if isinstance(getattr(stream.buffer, "raw", None), _WholeFile):
        return
    stream.flush()
    whole = io.TextIOWrapper(
        io.BufferedWriter(_WholeFile(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,  # PYTHONUNBUFFERED
    )
    setattr(sys, name, whole)
    setattr(sys, f"__{name}__", whole)


def _occupy(number: int, flags: int) -> None:
    handle = os.open(os.devnull, flags)
    if handle != number:
        os.dup2(handle, number)
        os.close(handle)
