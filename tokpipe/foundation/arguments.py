"""Of what kinds the arguments of a call are: machine code is made for one kind of each.

Kinds are compared at each call, so they are what is read fastest, and finer than numba's types.
Their text is as fine as these, and the same in every process: compiled code is found by it without
numba, and arguments of such kinds can be made of it, to compile what nobody has called yet.
"""

import functools
import importlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

Kinds = tuple[Any, ...]

_C, _F, _WRITEABLE = 1, 2, 0x400  # bits of `ndarray.flags.num`
_PLAIN = {int: "int", float: "float", bool: "bool", type(None): "none"}
_LARGE = "large int"  # one that is no int64 but a uint64, as numba has it
_SCALARS = {getattr(np, name): name for name in (
    "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64",
)}  # fmt: skip
_NAMED = _PLAIN | _SCALARS
_SAMPLES: dict[str, Any] = {"int": 0, "float": 0.0, "bool": False, "none": None, _LARGE: 2**63}
_SAMPLES |= {name: scalar(0) for scalar, name in _SCALARS.items()}


def kinds_of(arguments: Iterable[Any]) -> Kinds | None:
    """Return what machine code must know of the arguments of a call, to be compared and hashed.

    None if one is of a kind that only numba can tell: no array, number, record or tuple of these.
    """
    kinds: list[Any] = []
    for value in arguments:
        kind: Any = type(value)
        if kind is np.ndarray:
            kind = (value.dtype, value.ndim, value.flags.num)
        elif kind is int:
            kind = int if -(2**63) <= value < 2**63 else _LARGE
        elif kind not in _NAMED:
            kind = _other(value)
            if kind is None:
                return None
        kinds.append(kind)
    return tuple(kinds)


def _other(value: Any) -> Any:
    if isinstance(value, tuple):
        inner = kinds_of(value)
        return None if inner is None else (type(value), inner)
    if type(value) in (np.void, np.record):
        return (np.void, value.dtype)
    if type(value) is np.memmap:
        return (value.dtype, value.ndim, value.flags.num)
    return None


def as_text(kinds: Kinds) -> str:
    """Return kinds as one line of JSON; nothing if they do not tell all that numba asks for.

    That is whether the fields of a record are aligned, as none of ours are: dtypes with and without
    compare equal.
    """
    try:
        return json.dumps([_told(kind) for kind in kinds], separators=(",", ":"))
    except _AlignedError:
        return ""


class _AlignedError(Exception):
    """A dtype has aligned fields."""


def _told(kind: Any) -> Any:
    if isinstance(kind, str):
        return kind
    if isinstance(kind, type):
        return _NAMED[kind]
    if isinstance(kind[0], np.dtype):
        dtype, dimensions, flags = kind
        layout = "C" if flags & _C else "F" if flags & _F else "A"
        return ["array", _told_dtype(dtype), dimensions, layout, bool(flags & _WRITEABLE)]
    if kind[0] is np.void:
        return ["record", _told_dtype(kind[1])]
    of, inner = kind
    name = "" if of is tuple else f"{of.__module__}:{of.__qualname__}"
    return ["tuple", name, [_told(one) for one in inner]]


def _told_dtype(dtype: np.dtype) -> Any:
    if dtype.isalignedstruct:
        raise _AlignedError
    return dtype.str if dtype.names is None else np.lib.format.dtype_to_descr(dtype)


def examples_of(text: str) -> tuple[Any, ...]:
    """Make arguments of the kinds that a text tells, to compile for them; never to call with."""
    return tuple(_example(told) for told in json.loads(text))


def _example(told: Any) -> Any:
    if isinstance(told, str):
        return _SAMPLES[told]
    if told[0] == "array":
        _, dtype, dimensions, layout, writeable = told
        array = np.zeros((4,) * dimensions, _dtype(dtype), order="F" if layout == "F" else "C")
        array = array[(slice(None, None, 2),) * dimensions] if layout == "A" else array
        array.flags.writeable = writeable
        return array
    if told[0] == "record":
        return np.zeros((), _dtype(told[1]))[()]
    _, name, inner = told
    values = [_example(one) for one in inner]
    if not name:
        return tuple(values)
    module, _, qualified = name.partition(":")
    home: Any = importlib.import_module(module)
    return functools.reduce(getattr, qualified.split("."), home)(*values)


def _dtype(told: Any) -> np.dtype:
    return np.dtype(told) if isinstance(told, str) else np.lib.format.descr_to_dtype(_fields(told))


def _fields(descr: Any) -> Any:
    """Return a description of fields as NumPy wants it: JSON has no tuples."""
    if not isinstance(descr, list):
        return descr
    fields = []
    for name, kind, *shape in descr:
        name = tuple(name) if isinstance(name, list) else name
        fields.append((name, _fields(kind), *(tuple(one) for one in shape)))
    return fields
