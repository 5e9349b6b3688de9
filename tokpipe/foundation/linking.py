"""What a compiler leaves behind (an ELF object file for x86-64), made an `Image`."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.machine_code import Image, ObjectFile

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_X86_64 = 62
_SYMBOLS, _RELOCATIONS, _NOTHING_STORED, _UNWINDING = 2, 4, 8, 0x70000001  # kinds of sections
_WRITEABLE, _IN_MEMORY = 1, 2  # their flags
_COMMON = 0xFFF2  # the section of a symbol that has no place yet
_ADDRESS = 1  # R_X86_64_64
_DISTANCES = {2: 4, 4: 4, 24: 8}  # R_X86_64_PC32, _PLT32 and _PC64: how wide


class NotLinkableError(Exception):
    """An object file holds what an image cannot."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def linked(code: ObjectFile) -> Image:
    """Return the image of an object file: of one function and all that it calls.

    Raises
    ------
    NotLinkableError
        If it is for another machine, or uses what is not known here.
    """
    object_file = code.content
    sections = _sections(object_file)
    sections = _sections(object_file)
    at, size = _places(sections)
    content = bytearray(size)
    for number, place in at.items():
        one = sections[number]
        if one.kind != _NOTHING_STORED:
            content[place : place + one.size] = object_file[one.offset : one.offset + one.size]
    symbols, memory = _symbols(object_file, sections, at, size)
    inner: list[tuple[int, int]] = []
    outer: dict[str, list[tuple[int, int]]] = {}
    for where, kind, number, added in _relocations(object_file, sections, at):
        name, target = symbols[number]
        if kind == _ADDRESS and target is None:
            outer.setdefault(name, []).append((where, added))
        elif target is None:
            raise NotLinkableError(f"{name} is called by its distance")
        elif kind == _ADDRESS:
            inner.append((where, target + added))
        elif kind in _DISTANCES:
            width = _DISTANCES[kind]
            distance = (target + added - where).to_bytes(width, "little", signed=True)
            content[where : where + width] = distance
        else:
            raise NotLinkableError(f"relocation {kind} of {name}")
    offsets = dict(symbols)
    return Image(
        module=code.module,
        name=code.name,
        content=bytes(content),
        size=memory,
        entry=_known(offsets, code.entry),
        inner=np.array(inner, np.int64).tobytes(),
        outer=outer,
        environments={_known(offsets, name): held for name, held in code.environments.items()},
        own=_known(offsets, code.own),
    )


def _known(offsets: dict[str, int | None], name: str) -> int:
    place = offsets.get(name)
    if place is None:
        raise NotLinkableError(f"{name} is not in it")
    return place


def _sections(object_file: bytes) -> list[_Section]:
    machine = int.from_bytes(object_file[18:20], "little")
    if object_file[:6] != b"\x7fELF\x02\x01" or machine != _X86_64:
        raise NotLinkableError("no object file for x86-64")
    (start,) = struct.unpack_from("<Q", object_file, 40)
    (count,) = struct.unpack_from("<H", object_file, 60)
    places = range(start, start + count * _SECTION.size, _SECTION.size)
    return [_Section(*_SECTION.unpack_from(object_file, place)) for place in places]


def _places(sections: list[_Section]) -> tuple[dict[int, int], int]:
    """Return where each section that is needed in memory goes, and where the last one ends."""
    at, size = {}, 0
    for number, one in enumerate(sections):
        if not one.flags & _IN_MEMORY or one.kind == _UNWINDING:
            continue  # nothing is thrown through compiled code
        if one.flags & _WRITEABLE and one.size:
            raise NotLinkableError("it has variables")
        at[number] = -(-size // one.alignment) * one.alignment
        size = at[number] + one.size
    return at, size


def _symbols(
    object_file: bytes, sections: list[_Section], at: dict[int, int], size: int
) -> tuple[list[tuple[str, int | None]], int]:
    """Return name and offset of each symbol, None for one from outside; and the memory's size."""
    (table,) = (one for one in sections if one.kind == _SYMBOLS)
    names = sections[table.link].offset
    found: list[tuple[str, int | None]] = []
    for place in range(table.offset, table.offset + table.size, _SYMBOL.size):
        name, _, _, section, value, length = _SYMBOL.unpack_from(object_file, place)
        start = names + name
        text = object_file[start : object_file.index(b"\0", start)].decode()
        if section == _COMMON:  # its value is the alignment
            offset: int | None = -(-size // value) * value
            size = offset + length
        elif section in at:
            offset = at[section] + value
        else:
            offset = None
        found.append((text, offset))
    return found, size


def _relocations(
    object_file: bytes, sections: list[_Section], at: dict[int, int]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield where an address belongs, how it is written, of which symbol, and what is added."""
    for one in sections:
        if one.kind == _RELOCATIONS and one.info in at:
            table = object_file[one.offset : one.offset + one.size]
            for offset, info, added in _RELOCATION.iter_unpack(table):
                yield at[one.info] + offset, info & 0xFFFFFFFF, info >> 32, added
