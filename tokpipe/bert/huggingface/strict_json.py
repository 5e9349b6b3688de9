"""Small JSON objects of strangers: bounded, UTF-8, no key twice, no NaN."""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible


def read_object(path: Path, most_bytes: int = 1 << 20) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises
    ------
    InputError
        If it is missing, no plain file, too long, or no such object.
    """
    name = visible(str(path))
    try:
        with open_plain(path) as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error
    if len(data) > most_bytes:
        raise InputError(f"{name}: longer than {most_bytes:,} bytes")
    return parse_object(data, name)


def parse_object(data: bytes, name: str) -> dict[str, Any]:
    """Parse one JSON object; `name` stands in the error message.

    Raises
    ------
    InputError
        If the text is none.
    """
    try:
        found = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte at offset {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise InputError(f"{name}: a JSON object is needed, found {type(found).__name__}")
    return found


def shown(value: Any) -> str:
    """Write a foreign value into a message: safe for a terminal, and short."""
    if isinstance(value, int) and abs(value) > 10**30:  # writing it out may take seconds
        return f"a number of {value.bit_length():,} bits"
    text = visible(value if isinstance(value, str) else repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file, unbuffered; a FIFO without a writer does not hold it up.

    Raises
    ------
    InputError
        If it is a folder, a device or a FIFO.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError(f"{visible(str(path))}: no plain file")
    return cast(BinaryIO, os.fdopen(handle, "rb", buffering=0))


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    items = list(pairs)
    found = dict(items)
    if len(found) != len(items):
        seen: set[str] = set()
        twice = next(key for key, _ in items if key in seen or seen.add(key))
        raise ValueError(f"the key {shown(twice)!r} stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON number")
