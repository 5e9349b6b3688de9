"""The machine that a pickle is written for: its program, its stack with marks, and its memo."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokpipe.bert.huggingface.foreign_files import shown

CONVERT = (
    "Only plain tensors are opened, in safetensors files or pytorch_model.bin; nothing that can "
    "run code. Where you trust the file: "
    "transformers.AutoModel.from_pretrained(folder).save_pretrained(new_folder)."
)
CUT = "Was the download or the copy cut short?"
_FIXED = {  # opcode -> its argument
    "PROTO": "<B",
    "FRAME": "<Q",
    "BININT": "<i",
    "BININT1": "<B",
    "BININT2": "<H",
    "BINFLOAT": ">d",
    "BINPUT": "<B",
    "LONG_BINPUT": "<I",
    "BINGET": "<B",
    "LONG_BINGET": "<I",
}
COUNTED = {  # opcode -> bytes of the length that stands before its argument
    "LONG1": 1,
    "SHORT_BINSTRING": 1,
    "BINSTRING": 4,
    "SHORT_BINUNICODE": 1,
    "BINUNICODE": 4,
    "BINUNICODE8": 8,
}


class MetError(Exception):
    """Something that no file of plain tensors has, and what to do about it."""

    def __init__(self, what: str, hint: str = CONVERT) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(slots=True)
class Machine:
    """A program, how far it was gone through, and what it has made."""

    data: bytes
    at: int
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def take(self, count: int) -> bytes:
        """Return the next bytes of the program."""
        if count > len(self.data) - self.at:
            raise MetError(f"{count:,} bytes needed, {len(self.data) - self.at:,} are left", CUT)
        self.at += count
        return self.data[self.at - count : self.at]

    def take_line(self) -> bytes:
        """Return the bytes up to the next line break, which is passed by."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise MetError("a line without an end", CUT)
        return self.take(end + 1 - self.at)[:-1]

    def top(self) -> Any:
        """Return the value on top."""
        self._check_height(1)
        return self.stack[-1]

    def pop(self) -> Any:
        """Take the value on top."""
        self._check_height(1)
        return self.stack.pop()

    def pop_some(self, count: int) -> list[Any]:
        """Take the uppermost values."""
        self._check_height(count)
        start = len(self.stack) - count
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def pop_mark(self) -> list[Any]:
        """Take all values down to the last mark, and the mark."""
        if not self.marks:
            raise MetError("a mark, where none is")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _check_height(self, count: int) -> None:
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < count:
            raise MetError("a value of the stack, where none is")


def _fixed(machine: Machine, opcode: str) -> Any:
    layout = _FIXED[opcode]
    return struct.unpack(layout, machine.take(struct.calcsize(layout)))[0]


def _counted(machine: Machine, opcode: str) -> int | str:
    found = machine.take(int.from_bytes(machine.take(COUNTED[opcode]), "little"))
    return int.from_bytes(found, "little", signed=True) if opcode == "LONG1" else _text(found)


def _lines(machine: Machine, _: str) -> tuple[str, str]:
    return _text(machine.take_line()), _text(machine.take_line())


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MetError("a text that is no UTF-8") from error


def described(value: Any) -> str:
    """Write a value into a message: in full only what has no parts."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return shown(value) if plain else f"a {type(value).__name__.strip('_').lower()}"


ARGUMENTS: Mapping[str, Callable[[Machine, str], Any]] = {
    **dict.fromkeys(_FIXED, _fixed),
    **dict.fromkeys(COUNTED, _counted),
    "GLOBAL": _lines,
}
