"""The standard streams, made safe before anything is written."""

import io
import os
import sys

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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence(number: int) -> None:
    """Point a stream that can take no more at nothing, so that leaving does not fail on it."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, number)
    os.close(handle)


def _occupy(number: int, flags: int) -> None:
    handle = os.open(os.devnull, flags)
    if handle != number:
        os.dup2(handle, number)
        os.close(handle)
