"""JSON of strangers: bounded before it is parsed, so that no file can take the process down.

Python's parser recurses (a hundred thousand open brackets end it), takes the last of two equal
keys, takes NaN, and needs up to twenty times the file's size; each of these is looked at first.
"""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.lfs import HEAD_BYTES, refuse_pointer
from tokpipe.foundation.strict_json import Pairs, parse_strictly, unique_object
from tokpipe.tokenizer.kernels.shape import (
    COMMAS,
    CONTAINERS,
    DEPTH,
    OPEN_STRING,
    STRINGS,
    json_shape,
)

MOST_BYTES = 36 << 20  # the largest vocabularies in use (262,144 tokens) make files of 33 MB
MOST_VALUES = 1_500_000  # as many strings too, at some 70 bytes of memory each
MOST_CONTAINERS = 700_000  # merges may be a list each, and about two for a token
MOST_DEPTH = 32  # a tokenizer nests a few sequences; Python's parser takes a frame for each


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """Read and parse a JSON file within limits of size, depth and number of values.

    Raises
    ------
    InputError
        If the file is missing, too large, too deep, or no valid JSON.
    """
    return parse_json(read_bounded(path, most_bytes), str(path))


def read_bounded(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Read a regular file of at most `most_bytes`."""
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file" if not path.exists() else f"{path}: no file")
        size = path.stat().st_size
        if size > most_bytes:
            raise InputError(f"{path}: {size:,} bytes, at most {most_bytes:,} are allowed")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    refuse_pointer(data[:HEAD_BYTES], str(path))
    return data


class JsonObject(dict[str, Any]):
    """An object in which a key stands twice: the last counts, `repeated` holds all pairs."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        self.repeated = pairs


def parse_json(
    data: bytes, name: str, objects: Callable[[Pairs], Any] | None = unique_object
) -> Any:
    """Parse JSON within limits; `name` stands in the error message."""
    check_shape(data, name)
    return parse_strictly(data, name, objects=objects, encoding="utf-8-sig")


def any_object(pairs: Pairs) -> dict[str, Any]:
    """Make an object of its keys and values; a key may stand twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else JsonObject(pairs)


def check_shape(data: bytes, name: str) -> None:
    """Refuse JSON that is too deep or holds too many values, before anything parses it."""
    first = data[:4].removeprefix(codecs.BOM_UTF8)[:1]
    if first > b"\x7f":
        raise InputError(f"{name}: not JSON: it begins with the byte 0x{first[0]:02X}")
    shape = json_shape(np.frombuffer(data or b" ", np.uint8), len(data))
    if shape[DEPTH] > MOST_DEPTH:
        raise InputError(
            f"{name}: JSON nested {shape[DEPTH]:,} deep, at most {MOST_DEPTH} are allowed"
        )
    if shape[OPEN_STRING]:  # Python would copy and scan it all to say so
        raise InputError(f"{name}: not valid JSON: it ends inside a string")
    _check_count(name, int(shape[CONTAINERS]), MOST_CONTAINERS, "lists and objects")
    _check_count(name, int(shape[COMMAS]), MOST_VALUES, "values")
    _check_count(name, int(shape[STRINGS]), MOST_VALUES, "strings")


def _check_count(name: str, found: int, most: int, what: str) -> None:
    if found > most:
        raise InputError(f"{name}: {found:,} JSON {what}, at most {most:,} are allowed")
