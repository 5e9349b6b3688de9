"""Plain files and small JSON objects of strangers: bounded, and parsed strictly."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.lfs import HEAD_BYTES, refuse_pointer
from tokpipe.foundation.strict_json import parse_strictly
from tokpipe.foundation.visible import visible

_MOST_BYTES = 1 << 20  # of an object
_MOST_NAMED = 5  # tensors in a message: a line or two


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises
    ------
    InputError
        If it is missing, no plain file, too long, or no such object.
    """
    return _as_object(read_json(path), visible(str(path)))


def read_json(path: Path) -> Any:
    """Read a small file that holds JSON, as `read_object` does."""
    name = visible(str(path))
    try:
        with open_plain(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{name}: longer than {_MOST_BYTES:,} bytes")
    return parse_strictly(data, name)


def parse_object(data: bytes, name: str) -> dict[str, Any]:
    """Parse one JSON object; `name` stands in the error message.

    Raises
    ------
    InputError
        If the text is none.
    """
    return _as_object(parse_strictly(data, name), name)


def _as_object(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise InputError(f"{name}: a JSON object is needed, found {type(found).__name__}")
    return found


def shown(value: Any) -> str:
    """Write a foreign value into a message: safe for a terminal, and short."""
    if isinstance(value, int) and abs(value) > 10**30:  # writing it out may take seconds
        return f"a number of {value.bit_length():,} bits"
    text = visible(value if isinstance(value, str) else repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def named_briefly(names: Sequence[str]) -> str:
    """Write the first of some foreign names, and how many more there are."""
    text = ", ".join(shown(name) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{text} and {more:,} more" if more > 0 else text


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file, unbuffered; a FIFO without a writer does not hold it up.

    Raises
    ------
    InputError
        If it is a folder, a device or a FIFO, or a pointer of Git LFS.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError(f"{visible(str(path))}: no plain file")
    file = cast(BinaryIO, os.fdopen(handle, "rb", buffering=0))
    try:
        refuse_pointer(file.read(HEAD_BYTES), visible(str(path)))
    except InputError:
        file.close()
        raise
    file.seek(0)
    return file
