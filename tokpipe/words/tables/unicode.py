"""Load the tables: properties of records, and the record of each code point."""

import functools
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FILE = Path(__file__).with_name("unicode.npz")


@functools.cache
def unicode_tables() -> MappingProxyType[str, NDArray[Any]]:
    """Return the arrays that `generate` describes; loaded once, a few milliseconds.

    Examples
    --------
    >>> tables = unicode_tables()
    >>> int(tables["combining"][record_of(0x301)])
    230
    """
    with np.load(_FILE) as file:
        return MappingProxyType({name: file[name] for name in file.files})


def record_of(code_point: int) -> int:
    """Return the record of a code point: its index in the arrays of length R."""
    tables = unicode_tables()
    page = int(tables["pages"][code_point >> 8])
    return int(tables["records"][(page << 8) | (code_point & 255)])


def string_of(number: int) -> str:
    """Return replacement string `number`."""
    tables = unicode_tables()
    start, end = tables["string_offsets"][number : number + 2]
    return tables["strings"][start:end].tobytes().decode()


def number_of(string: str) -> int:
    """Return the number of a replacement string that is there."""
    total = unicode_tables()["string_offsets"].size - 1
    return next(number for number in range(1, total) if string_of(number) == string)
