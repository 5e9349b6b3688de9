"""Machine code of compiled functions, made callable without numba and without LLVM.

Starting both takes longer than most commands work. What a compiled function needs of them is
little: the extension modules of numba that wrap arguments and results, found by their files, and
addresses written into the code at the places that an `Image` names. Images are made by
`tokpipe.foundation.linking`; they fit one version of Python, numba and llvmlite.
"""

import builtins
import ctypes
import functools
import importlib.util
import mmap
import pickle
import sys
import threading
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np


class Image(NamedTuple):
    """Machine code of one function for one kind of arguments, to be put anywhere in memory."""

    module: str  # of the function
    name: str
    content: bytes  # all sections, one behind the other
    size: int  # of the memory: `content`, then zeros
    entry: int  # offset of what takes Python's arguments
    inner: bytes  # int64[N, 2]: where an address belongs, and the offset that it is of
    outer: dict[str, list[tuple[int, int]]]  # symbol -> where its address belongs; what is added
    environments: dict[int, tuple[str, list[Any]]]  # where one belongs -> its module and constants
    own: int  # the one of the function itself


class ObjectFile(NamedTuple):
    """The same as its compiler left it: for processors that an `Image` is not made for."""

    module: str
    name: str
    content: bytes
    entry: str  # symbol
    environments: dict[str, tuple[str, list[Any]]]  # symbol -> module and constants
    own: str


def load(code: Image | ObjectFile) -> Callable[..., Any]:
    """Put machine code into memory and return what calls it.

    Raises
    ------
    LookupError
        If something that the code calls is not in this process.
    """
    entry, environments, owner = _put(code) if isinstance(code, Image) else _put_by_llvm(code)
    return _numba("_dynfunc").make_function(
        importlib.import_module(code.module),
        code.name,
        f"compiled wrapper for {code.name!r}",
        entry,
        environments[code.own],
        (owner, *environments.values()),
    )


def _put(image: Image) -> tuple[int, dict[Any, Any], Any]:
    """Return the address of the entry, the environments, and who owns the memory."""
    memory = mmap.mmap(-1, image.size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[: len(image.content)] = image.content
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    words = np.frombuffer(memory, np.uint8)
    places = np.frombuffer(image.inner, np.int64).reshape(-1, 2)

    def write(where: int, address: int) -> None:
        words[where : where + 8] = np.frombuffer(address.to_bytes(8, sys.byteorder), np.uint8)

    inside = (places[:, 1] + base).view(np.uint8).reshape(-1, 8)
    words[places[:, :1] + np.arange(8)] = inside
    for symbol, uses in image.outer.items():
        address = _address_of(symbol)
        for where, added in uses:
            write(where, address + added)
    environments = _environments(image.environments)
    for where, environment in environments.items():
        write(where, id(environment))
    _make_executable(base, image.size)
    return base + image.entry, environments, memory


def _put_by_llvm(code: ObjectFile) -> tuple[int, dict[Any, Any], Any]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for symbol, address in _helpers().items():
        llvm.add_symbol(symbol, address)
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.content))
    engine.finalize_object()
    environments = _environments(code.environments)
    for symbol, environment in environments.items():
        place = engine.get_global_value_address(symbol)
        ctypes.c_void_p.from_address(place).value = id(environment)
    return engine.get_function_address(code.entry), environments, engine


def _environments(held: dict[Any, tuple[str, list[Any]]]) -> dict[Any, Any]:
    """Make what compiled code reads its constants from."""
    found = {}
    for place, (module, constants) in held.items():
        found[place] = _numba("_dynfunc").Environment(_namespace(module))
        found[place].consts[:] = constants
    return found


def _namespace(module: str) -> dict[str, Any]:
    """Return the names of a module if it is there; compiled code looks none up."""
    found = sys.modules.get(module)
    return vars(found) if found else {"__name__": module}


def _make_executable(base: int, size: int) -> None:
    protect = _process().mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if protect(base, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise LookupError("memory cannot be made executable")


@functools.cache
def _process() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _address_of(symbol: str) -> int:
    """Return the address that a symbol has for compiled code, as numba hands them to LLVM."""
    helpers = _helpers()
    if symbol in helpers:
        return helpers[symbol]
    try:
        found = getattr(_process(), symbol)
    except AttributeError:
        raise LookupError(f"compiled code calls {symbol}, which is not there") from None
    return ctypes.cast(found, ctypes.c_void_p).value or 0


@functools.cache
def _helpers() -> dict[str, int]:
    """Return the addresses of all that numba names to compiled code, by these names."""
    named = {"_Py_NoneStruct": id(None)}
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, BaseException):
            named[f"PyExc_{name}"] = id(value)
    for module in ("_helperlib", "_dynfunc"):
        named |= {f"numba_{name}": at for name, at in _numba(module).c_helpers.items()}
    for name, at in _numba("core.runtime._nrt_python").c_helpers.items():
        named[name if name.startswith("_") else f"NRT_{name}"] = at
    return named | {"numba_unpickle": ctypes.cast(_unpickle, ctypes.c_void_p).value or 0}


_loading = threading.RLock()


@functools.cache
def _numba(name: str) -> ModuleType:
    """Return an extension module of numba, loaded from its file where numba itself is not."""
    full = f"numba.{name}"
    with _loading:
        if "numba" in sys.modules:
            return importlib.import_module(full)
        path = _extension(name)
        loader = ExtensionFileLoader(full, str(path))
        spec = importlib.util.spec_from_file_location(full, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules.pop(full, None)  # an import of numba, if one comes, shall do as it always does
        return module


def _extension(name: str) -> Path:
    spec = importlib.util.find_spec("numba")
    for folder in (spec and spec.submodule_search_locations) or ():
        for suffix in EXTENSION_SUFFIXES:
            path = Path(folder, name.replace(".", "/") + suffix)
            if path.exists():
                return path
    raise LookupError(f"numba has no {name}")


@ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
def _unpickle(address: int, size: int, digest: int) -> Any:
    """Return a constant of compiled code: a class, mostly. numba's own does it with numba."""
    if address not in _unpickled:
        # it lies in the code itself, which is as trusted
        _unpickled[address] = pickle.loads(ctypes.string_at(address, size))
    return _unpickled[address]


_unpickled: dict[int, Any] = {}
