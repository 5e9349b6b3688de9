"""Pickles gone through without running them: tensors, storages and dicts, and nothing else.

A pickle is a program for a machine with a stack. The one here has values of plain data only: the
name of a class or function stays a name on a list, nothing is imported, called or set. All that it
makes is bounded by the bytes that it is given: no opcode makes more than one value of them.

References
----------
The ``pickletools`` module of Python's library, which describes each opcode.
"""

import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokpipe.bert.huggingface.foreign_files import shown
from tokpipe.bert.huggingface.tensor_file import MOST_DIMENSIONS
from tokpipe.foundation.errors import InputError

CONVERT = (
    "Only plain tensors are opened, in safetensors files or pytorch_model.bin; nothing that can "
    "run code. Where you trust the file: "
    "transformers.AutoModel.from_pretrained(folder).save_pretrained(new_folder)."
)
CUT = "Was the download or the copy cut short?"
_NEWEST_PROTOCOL = 5
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
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
_COUNTED = {  # opcode -> bytes of the length that stands before its argument
    "LONG1": 1,
    "SHORT_BINSTRING": 1,
    "BINSTRING": 4,
    "SHORT_BINUNICODE": 1,
    "BINUNICODE": 4,
    "BINUNICODE8": 8,
}
_STORAGES = {
    "torch DoubleStorage": "F64",
    "torch FloatStorage": "F32",
    "torch HalfStorage": "F16",
    "torch BFloat16Storage": "BF16",
    "torch LongStorage": "I64",
    "torch IntStorage": "I32",
    "torch ShortStorage": "I16",
    "torch CharStorage": "I8",
    "torch ByteStorage": "U8",
    "torch BoolStorage": "BOOL",
}


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of values that tensors look into."""

    dtype: str
    key: str  # its name among the storages of the file
    count: int  # of values


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view into a storage; all in values, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Global:
    """A name on one of the lists: "module name"."""

    name: str


class _MetError(Exception):
    """Something that no file of plain tensors has, and what to do about it."""

    def __init__(self, what: str, hint: str = CONVERT) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(slots=True)
class _Machine:
    data: bytes
    at: int
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def take(self, count: int) -> bytes:
        """Return the next bytes of the program."""
        if count > len(self.data) - self.at:
            raise _MetError(f"{count:,} bytes needed, {len(self.data) - self.at:,} are left", CUT)
        self.at += count
        return self.data[self.at - count : self.at]

    def take_line(self) -> bytes:
        """Return the bytes up to the next line break, which is passed by."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise _MetError("a line without an end", CUT)
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
            raise _MetError("a mark, where none is")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _check_height(self, count: int) -> None:
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < count:
            raise _MetError("a value of the stack, where none is")


def read_pickle(data: bytes, start: int, name: str) -> tuple[Any, int]:
    """Return what a pickle holds, and where it ends.

    Parameters
    ----------
    data
        As many bytes as may be gone through.
    name
        Of the file, for the error message.

    Returns
    -------
    object
        None, a bool, int, float, str, `Storage` or `Tensor`, or a tuple, list or dict of such; it
        may hold itself, so that no more than its first level may be printed or compared.
    int
        The byte behind it.

    Raises
    ------
    InputError
        If it has anything else; what was met is named.
    """
    machine = _Machine(data, start)
    while True:
        at, opcode = machine.at, "its end"
        try:
            code = machine.take(1)[0]
            opcode = _NAMES.get(code, f"opcode {code:#04x}")
            if opcode == "STOP":
                return machine.pop(), machine.at
            if opcode not in _STEPS:
                raise _MetError("no part of plain tensors")
            read = _ARGUMENTS.get(opcode)
            _STEPS[opcode](machine, read(machine, opcode) if read else None)
        except _MetError as met:
            raise InputError(
                f"{name}: byte {at:,} of its pickle, {opcode}: {met}", hint=met.hint
            ) from met


def _fixed(machine: _Machine, opcode: str) -> Any:
    layout = _FIXED[opcode]
    return struct.unpack(layout, machine.take(struct.calcsize(layout)))[0]


def _counted(machine: _Machine, opcode: str) -> int | str:
    found = machine.take(int.from_bytes(machine.take(_COUNTED[opcode]), "little"))
    return int.from_bytes(found, "little", signed=True) if opcode == "LONG1" else _text(found)


def _lines(machine: _Machine, _: str) -> tuple[str, str]:
    return _text(machine.take_line()), _text(machine.take_line())


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _MetError("a text that is no UTF-8") from error


def described(value: Any) -> str:
    """Write a value into a message: in full only what has no parts."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return shown(value) if plain else f"a {type(value).__name__.strip('_').lower()}"


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _protocol(machine: _Machine, version: int) -> None:
    if version > _NEWEST_PROTOCOL:
        raise _MetError(f"protocol {version}, {_NEWEST_PROTOCOL} is the newest")


def _mark(machine: _Machine, _: None) -> None:
    machine.marks.append(len(machine.stack))


def _put(machine: _Machine, place: int | None) -> None:
    machine.memo[len(machine.memo) if place is None else place] = machine.top()


def _get(machine: _Machine, place: int) -> None:
    if place not in machine.memo:
        raise _MetError(f"value {place:,} of the memo, which holds {len(machine.memo):,}")
    machine.stack.append(machine.memo[place])


def _tuple_of(count: int) -> "_Step":
    def step(machine: _Machine, _: None) -> None:
        machine.stack.append(tuple(machine.pop_some(count)))

    return step


def _append(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not list:
        raise _MetError(f"{described(target)} where a list is needed")
    target.extend(values)


def _set(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not dict or len(values) % 2:
        raise _MetError(f"{len(values):,} keys and values for {described(target)}")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if type(key) not in (str, int):
            raise _MetError(f"{described(key)} as a key")
        if key in target:
            raise _MetError(f"the key {shown(key)} twice")
        target[key] = value


def _global(machine: _Machine, found: tuple[Any, Any]) -> None:
    if any(type(part) is not str for part in found):
        raise _MetError(f"{' and '.join(map(described, found))} as a name")
    if " ".join(found) not in _STORAGES.keys() | _CALLS.keys():
        raise _MetError(f"{shown('.'.join(found))} is no part of plain tensors")
    machine.stack.append(_Global(" ".join(found)))


def _stack_global(machine: _Machine, _: None) -> None:
    module, name = machine.pop_some(2)
    _global(machine, (module, name))


def _reduce(machine: _Machine, _: None) -> None:
    function, arguments = machine.pop_some(2)
    if type(function) is not _Global or function.name not in _CALLS:
        known = function.name.replace(" ", ".") if type(function) is _Global else None
        raise _MetError(f"{known or described(function)} is called")
    if type(arguments) is not tuple:
        raise _MetError(f"{described(arguments)} as arguments")
    machine.stack.append(_CALLS[function.name](arguments))


def _build(machine: _Machine, _: None) -> None:
    """Pass by what modules of torch note beside their tensors: their versions."""
    state, target = machine.pop(), machine.top()
    if type(target) is not dict or type(state) is not dict:
        raise _MetError(f"{described(state)} as the state of {described(target)}")
    for key in state:
        if key != "_metadata":
            raise _MetError(f"{shown(key)} in the state of a dict")


def _persistent(machine: _Machine, _: None) -> None:
    found = machine.pop()
    if type(found) is not tuple or len(found) not in (5, 6) or type(found[0]) is not str:
        raise _MetError(f"{described(found)} where a storage is needed")
    word, kind, key, _place, count, *view = found
    if word != "storage" or type(kind) is not _Global or kind.name not in _STORAGES:
        raise _MetError(f"{shown(word)} of {described(kind)} where a storage is needed")
    if type(key) is not str or not _is_count(count):
        raise _MetError(f"a storage {described(key)} of {described(count)} values")
    if view and view[0] is not None:
        raise _MetError("a storage that is a part of another")
    machine.stack.append(Storage(_STORAGES[kind.name], key, count))


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    if arguments:
        raise _MetError("an OrderedDict with arguments")
    return {}


def _parameter(arguments: tuple[Any, ...]) -> Tensor:
    if len(arguments) != 3 or type(arguments[0]) is not Tensor:
        raise _MetError("a parameter that is made of no tensor")
    return arguments[0]


def _tensor(arguments: tuple[Any, ...]) -> Tensor:
    if len(arguments) not in (6, 7) or type(arguments[0]) is not Storage:
        raise _MetError("a tensor that is made of no storage")
    storage, offset, shape, strides = arguments[:4]
    for what, value in (("shape", shape), ("strides", strides)):
        if type(value) is not tuple or len(value) > MOST_DIMENSIONS:
            raise _MetError(f"a tensor with {described(value)} as its {what}")
        _check_counts(what, value)
    _check_counts("offset", (offset,))
    if len(shape) != len(strides):
        raise _MetError(f"a tensor of {len(shape)} sizes and {len(strides)} strides")
    if len(arguments) == 7 and arguments[6]:
        raise _MetError("a tensor whose values are to be changed")  # negated or conjugated
    return Tensor(storage, offset, shape, strides)


def _check_counts(what: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if not _is_count(value):
            raise _MetError(f"a tensor with {described(value)} in its {what}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


_Step = Callable[[_Machine, Any], None]
_ARGUMENTS: Mapping[str, Callable[[_Machine, str], Any]] = {
    **dict.fromkeys(_FIXED, _fixed),
    **dict.fromkeys(_COUNTED, _counted),
    "GLOBAL": _lines,
}
_CALLS: Mapping[str, Callable[[tuple[Any, ...]], Any]] = {
    "collections OrderedDict": _ordered_dict,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_tensor_v2": _tensor,
}
_STEPS: Mapping[str, _Step] = {
    "PROTO": _protocol,
    "FRAME": lambda machine, length: None,
    "MARK": _mark,
    "NONE": _push,
    "NEWTRUE": lambda machine, _: _push(machine, True),
    "NEWFALSE": lambda machine, _: _push(machine, False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "BINFLOAT", *_COUNTED), _push),
    "EMPTY_DICT": lambda machine, _: _push(machine, {}),
    "EMPTY_LIST": lambda machine, _: _push(machine, []),
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda machine, _: _push(machine, tuple(machine.pop_mark())),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _get),
    "APPEND": lambda machine, _: _append(machine, machine.pop_some(1)),
    "APPENDS": lambda machine, _: _append(machine, machine.pop_mark()),
    "SETITEM": lambda machine, _: _set(machine, machine.pop_some(2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.pop_mark()),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "BINPERSID": _persistent,
    "REDUCE": _reduce,
    "BUILD": _build,
}
