"""Pickles gone through without running them: tensors, storages and dicts, and nothing else.

A pickle is a program for a machine with a stack. The one here has values of plain data only: the
name of a class or function stays a name on a list, nothing is imported, called or set. All that it
makes is bounded by the bytes that it is given: no opcode makes more than one value of them.

References
----------
The ``pickletools`` module of Python's library, which describes each opcode.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tokpipe.bert.huggingface.foreign_files import shown
from tokpipe.bert.huggingface.machine import ARGUMENTS, COUNTED, Machine, MetError, described
from tokpipe.bert.huggingface.tensor_file import MOST_DIMENSIONS
from tokpipe.foundation.errors import InputError

_NEWEST_PROTOCOL = 5
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
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
    machine = Machine(data, start)
    while True:
        at, opcode = machine.at, "its end"
        try:
            code = machine.take(1)[0]
            opcode = _NAMES.get(code, f"opcode {code:#04x}")
            if opcode == "STOP":
                return machine.pop(), machine.at
            if opcode not in _STEPS:
                raise MetError("no part of plain tensors")
            read = ARGUMENTS.get(opcode)
            _STEPS[opcode](machine, read(machine, opcode) if read else None)
        except MetError as met:
            raise InputError(
                f"{name}: byte {at:,} of its pickle, {opcode}: {met}", hint=met.hint
            ) from met


def _push(machine: Machine, value: Any) -> None:
    machine.stack.append(value)


def _protocol(machine: Machine, version: int) -> None:
    if version > _NEWEST_PROTOCOL:
        raise MetError(f"protocol {version}, {_NEWEST_PROTOCOL} is the newest")


def _mark(machine: Machine, _: None) -> None:
    machine.marks.append(len(machine.stack))


def _put(machine: Machine, place: int | None) -> None:
    machine.memo[len(machine.memo) if place is None else place] = machine.top()


def _get(machine: Machine, place: int) -> None:
    if place not in machine.memo:
        raise MetError(f"value {place:,} of the memo, which holds {len(machine.memo):,}")
    machine.stack.append(machine.memo[place])


def _tuple_of(count: int) -> "_Step":
    def step(machine: Machine, _: None) -> None:
        machine.stack.append(tuple(machine.pop_some(count)))

    return step


def _append(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not list:
        raise MetError(f"{described(target)} where a list is needed")
    target.extend(values)


def _set(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not dict or len(values) % 2:
        raise MetError(f"{len(values):,} keys and values for {described(target)}")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if type(key) is not str:  # numbers may be chosen to have one hash
            raise MetError(f"{described(key)} as a key")
        if key in target:
            raise MetError(f"the key {shown(key)} twice")
        target[key] = value


def _global(machine: Machine, found: tuple[Any, Any]) -> None:
    if any(type(part) is not str for part in found):
        raise MetError(f"{' and '.join(map(described, found))} as a name")
    if " ".join(found) not in _STORAGES.keys() | _CALLS.keys():
        raise MetError(f"{shown('.'.join(found))} is no part of plain tensors")
    machine.stack.append(_Global(" ".join(found)))


def _stack_global(machine: Machine, _: None) -> None:
    module, name = machine.pop_some(2)
    _global(machine, (module, name))


def _reduce(machine: Machine, _: None) -> None:
    function, arguments = machine.pop_some(2)
    if type(function) is not _Global or function.name not in _CALLS:
        known = function.name.replace(" ", ".") if type(function) is _Global else None
        raise MetError(f"{known or described(function)} is called")
    if type(arguments) is not tuple:
        raise MetError(f"{described(arguments)} as arguments")
    machine.stack.append(_CALLS[function.name](arguments))


def _build(machine: Machine, _: None) -> None:
    """Pass by what modules of torch note beside their tensors: their versions."""
    state, target = machine.pop(), machine.top()
    if type(target) is not dict or type(state) is not dict:
        raise MetError(f"{described(state)} as the state of {described(target)}")
    for key in state:
        if key != "_metadata":
            raise MetError(f"{shown(key)} in the state of a dict")


def _persistent(machine: Machine, _: None) -> None:
    found = machine.pop()
    if type(found) is not tuple or len(found) not in (5, 6) or type(found[0]) is not str:
        raise MetError(f"{described(found)} where a storage is needed")
    word, kind, key, _place, count, *view = found
    if word != "storage" or type(kind) is not _Global or kind.name not in _STORAGES:
        raise MetError(f"{shown(word)} of {described(kind)} where a storage is needed")
    if type(key) is not str or not _is_count(count):
        raise MetError(f"a storage {described(key)} of {described(count)} values")
    if view and view[0] is not None:
        raise MetError("a storage that is a part of another")
    machine.stack.append(Storage(_STORAGES[kind.name], key, count))


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    if arguments:
        raise MetError("an OrderedDict with arguments")
    return {}


def _parameter(arguments: tuple[Any, ...]) -> Tensor:
    if len(arguments) != 3 or type(arguments[0]) is not Tensor:
        raise MetError("a parameter that is made of no tensor")
    return arguments[0]


def _tensor(arguments: tuple[Any, ...]) -> Tensor:
    if len(arguments) not in (6, 7) or type(arguments[0]) is not Storage:
        raise MetError("a tensor that is made of no storage")
    storage, offset, shape, strides = arguments[:4]
    for what, value in (("shape", shape), ("strides", strides)):
        if type(value) is not tuple or len(value) > MOST_DIMENSIONS:
            raise MetError(f"a tensor with {described(value)} as its {what}")
        _check_counts(what, value)
    _check_counts("offset", (offset,))
    if len(shape) != len(strides):
        raise MetError(f"a tensor of {len(shape)} sizes and {len(strides)} strides")
    if len(arguments) == 7 and arguments[6]:
        raise MetError("a tensor whose values are to be changed")  # negated or conjugated
    return Tensor(storage, offset, shape, strides)


def _check_counts(what: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if not _is_count(value):
            raise MetError(f"a tensor with {described(value)} in its {what}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


_Step = Callable[[Machine, Any], None]
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
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "BINFLOAT", *COUNTED), _push),
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
