"""The one door to compiled code: how it is made, where it is kept, each kernel with its twin.

A function compiles on its first call with arguments of new kinds, and is found there ever after:
in the pack of machine code that came with the wheel, or in a private folder named after the sources
of all kernels and the versions of what compiled them. Neither depends on where or when the sources
were installed. numba and LLVM are imported only to compile.

Whatever loads kernels comes through here, so a limit on address space is looked at before anything
large is imported, and behind it OpenBLAS, which goes round and round where its buffers do not fit.
"""

import contextlib
import functools
import hashlib
import importlib
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from tokpipe.foundation.address_space import fit_into_address_space
from tokpipe.foundation.private_folders import make_private_folder

fit_into_address_space(compiles=False)
from tokpipe.foundation.arguments import (  # noqa: E402
    Kinds,
    as_text,
    examples_of,
    kinds_of,
)
from tokpipe.foundation.code_store import (  # noqa: E402
    PACKS,
    DamagedCodeError,
    Pack,
    entry_path,
    open_pack,
    read_entry,
    write_entry,
)
from tokpipe.foundation.locks import one_at_a_time  # noqa: E402
from tokpipe.foundation.machine_code import Image, ObjectFile, load  # noqa: E402
from tokpipe.foundation.processors import levels, this_processor, versions  # noqa: E402

KERNELS: dict[str, "Compiled"] = {}  # "module.kernel" -> compiled; the parity tests walk it

# No fastmath: NaN and infinity must survive, and a run must be repeatable bit for bit.
_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}

# What float kernels may ask for. Products may be fused with sums (one rounding instead of two),
# and a sum may be taken in any order, without which it does not become vectors. The order is the
# compiler's, so a machine repeats its results; NaN and infinity survive.
FUSED = {"contract"}
FUSED_SUMS = {"contract", "reassoc"}


class Compiled:
    """A function that is machine code when it is called."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self.reference: Callable[..., Any] | None = None
        self.origins: list[str] = []  # of each kind of arguments: "wheel", "cache" or "compiled"
        self._options = options
        self._calls: dict[Kinds, Callable[..., Any]] = {}
        self._made_for: dict[str, Callable[..., Any]] = {}  # the text of the kinds -> the same
        self._lock = threading.RLock()

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: D102 - the function's own
        if named:
            missing = _parameters(self.py_func)[len(arguments) :]
            arguments = (*arguments, *(named[name] for name in missing))
        kinds = kinds_of(arguments)
        call = self._calls.get(kinds) if kinds is not None else None
        return (call or self._found(kinds, arguments))(*arguments)

    def __reduce__(self) -> str:
        return self.py_func.__qualname__  # found by its name where it is unpickled

    @functools.cached_property
    def entry(self) -> Any:
        """What numba calls a dispatcher: made to look at what it compiles, or to compile."""
        from tokpipe.foundation.compiling import dispatcher_of

        return dispatcher_of(self.py_func, self._options | {"forceinline": False}, is_part=False)

    @functools.cached_property
    def _part(self) -> Any:
        from tokpipe.foundation.compiling import dispatcher_of

        return dispatcher_of(self.py_func, self._options, is_part=True)

    @property
    def _numba_type_(self) -> Any:
        """The type by which numba finds out, in a function that calls this one, what it is."""
        from tokpipe.foundation.compiling import type_of

        return type_of(self._part)

    def _found(self, kinds: Kinds | None, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return what takes such arguments; kinds of one text share it."""
        text = as_text(kinds) if kinds is not None else ""
        if not text:
            return self.entry
        with self._lock:
            if text not in self._made_for:
                self._made_for[text] = self._made(text, arguments)
            assert kinds is not None
            self._calls[kinds] = self._made_for[text]
            return self._made_for[text]

    def _made(self, kinds: str, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return machine code for arguments: loaded if it is there, else compiled and kept."""
        name = _name_of(self.py_func, kinds)
        if call := self._loaded(name):
            return call
        folder = cache_folder() if name else None
        _announce()
        if folder is None:
            return self._compiled(arguments)[0]
        with one_at_a_time(folder / f"{name}.lock"):
            if call := self._loaded(name):  # by another process, meanwhile
                return call
            call, code = self._compiled(arguments)
            if code:
                write_entry(folder, name, code)
            return call

    def _loaded(self, name: str) -> Callable[..., Any] | None:
        for origin, code in _kept(name):
            with contextlib.suppress(LookupError):  # made with another numba than its version says
                call = load(code)
                self.origins.append(origin)
                return call
        return None

    def _compiled(
        self, arguments: tuple[Any, ...]
    ) -> tuple[Callable[..., Any], Image | ObjectFile | None]:
        from tokpipe.foundation.compiling import compile_for

        self.origins.append("compiled")
        return compile_for(self.entry, arguments, next(iter(levels()), None))

    def compile_ahead(self, kinds: str, folder: Path, level: str | None = None) -> None:
        """Compile for kinds of arguments that are told as text, and keep that in a folder.

        Nothing is done if it is there, or another process is about it.
        """
        from tokpipe.foundation.compiling import compile_for

        name = _name_of(self.py_func, kinds)
        with one_at_a_time(folder / f"{name}.lock", waits=False) as is_mine:
            if is_mine and read_entry(folder, name) is None:
                code = compile_for(self.entry, examples_of(kinds), level)[1]
                if code:
                    write_entry(folder, name, code)


_announcements: list[Callable[[], None]] = []  # at most one, until it has been made
_announcing = threading.Lock()


def before_compiling(announce: Callable[[], None]) -> None:
    """Have something called once, at the first call of a kernel from now on that finds no code.

    What it raises, that call raises, and it is called again at the next. Only there is it known
    that something is compiled: which kernels a command calls depends on its options and its data.
    """
    with _announcing:
        _announcements[:] = [announce]


def _announce() -> None:
    with _announcing:
        for announce in _announcements:
            announce()
        _announcements.clear()


class Intrinsic:
    """Instructions of LLVM under a name, for the private parts of kernels."""

    def __init__(self, typer: Callable[..., Any]) -> None:
        self.__name__, self.__module__ = typer.__name__, typer.__module__
        self.__doc__, self._typer = typer.__doc__, typer

    @functools.cached_property
    def _part(self) -> Any:
        from tokpipe.foundation.compiling import intrinsic_of

        return intrinsic_of(self._typer)

    @property
    def _numba_type_(self) -> Any:
        from tokpipe.foundation.compiling import type_of

        return type_of(self._part)


class LateModule:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


def kernel(
    *, reference: Callable[..., Any], rounding: set[str] | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function and bind it to the plain-Python twin that defines its meaning.

    The reference is a short, obviously right function, free of numba, with the same parameters
    (else a TypeError). `rounding` is `FUSED` or `FUSED_SUMS` for floats; None: each operation
    rounded by itself, in order.
    """

    def bind(function: Callable[..., Any]) -> Any:
        if _parameters(function) != _parameters(reference):
            raise TypeError(f"{function.__qualname__} and its reference take different parameters")
        compiled = compiled_helper(function, rounding)
        compiled.reference = reference
        KERNELS[f"{function.__module__}.{function.__name__}"] = compiled
        return compiled

    return bind


def copied_around(function: Callable[..., Any], name: str, **names: Any) -> Any:
    """Return a copy of a function in which some names of its module stand for others.

    It has a name, and no closure: so its machine code is kept as that of any other kernel.
    """
    copied = FunctionType(function.__code__, {**function.__globals__, **names}, name)
    copied.__qualname__, copied.__doc__ = name, function.__doc__
    return copied


def compiled_helper(function: Callable[..., Any], rounding: set[str] | None = None) -> Any:
    """Compile a private part of a kernel as a function of its own, called and not inlined."""
    return _as_machine_code(function, fastmath=rounding or False)


def inlined_helper(function: Callable[..., Any]) -> Any:
    """Compile a private part of a kernel into its callers, by LLVM.

    `forceinline` and not numba's own `inline="always"`: 8 s of compilation against 47 s for the
    word counter, with the same speed.
    """
    return _as_machine_code(function, forceinline=True)


def inlined_formula(function: Callable[..., Any]) -> Any:
    """Compile a formula on floats into its callers, products fused with sums."""
    return _as_machine_code(function, forceinline=True, fastmath=FUSED)


def inlined_sums(function: Callable[..., Any]) -> Any:
    """Compile a loop over floats into its callers, sums taken in any order."""
    return _as_machine_code(function, forceinline=True, fastmath=FUSED_SUMS)


def _as_machine_code(function: Callable[..., Any], **options: Any) -> Any:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return function
    return Compiled(function, _FLAGS | options)


def _name_of(function: Callable[..., Any], kinds: str) -> str:
    """Return the name that machine code is kept under; nothing for what cannot be known again."""
    told = kinds
    if function.__closure__:
        return ""
    if not function.__module__.startswith("tokpipe."):  # its source is not in the folder's name
        try:
            told += Path(inspect.getfile(function)).read_text(errors="replace")
        except (OSError, TypeError):  # typed at a prompt
            return ""
    return kept_name(f"{function.__module__}.{function.__name__}", told)


def kept_name(kernel: str, kinds: str) -> str:
    """Return the name of machine code of one of our kernels, for kinds of arguments."""
    return f"{kernel}-{hashlib.sha256(kinds.encode()).hexdigest()[:16]}"


def is_kept(name: str) -> bool:
    """Return whether machine code of a name lies in the wheel or in the cache, whole or not."""
    packs = (open_pack(pack_path(level)) for level in levels())
    if any(isinstance(pack, Pack) and name in pack for pack in packs):
        return True
    folder = cache_folder()
    return folder is not None and entry_path(folder, name).exists()


def _kept(name: str) -> Iterator[tuple[str, Image | ObjectFile]]:
    """Yield what is kept of a name: of the wheel, then of the cache."""
    for level in levels() if name else ():
        pack = open_pack(pack_path(level))
        if isinstance(pack, Pack):
            with contextlib.suppress(OSError, DamagedCodeError):
                if code := pack.read(name):
                    yield "wheel", code
    folder = cache_folder()
    if name and folder is not None and (code := read_entry(folder, name)):
        yield "cache", code


def pack_path(level: str) -> Path:
    """Return where the wheel's machine code for a kind of processor is, if it has some."""
    bound = "-".join(f"{name}{found}" for name, found in versions().items())
    return PACKS / f"{bound}-{level}-{sources_digest()}.pack"


@functools.cache
def _cache_place() -> tuple[Path | None, str]:
    """Return the folder for compiled kernels, made if need be; or None, and why there is none."""
    root = _cache_root()
    folder = root / "kernels" / _cache_name()
    try:
        if reason := make_private_folder(folder):
            return None, reason
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return None, f"nowhere writable ({root}: {os.strerror(error.errno or 0).lower()})"
    return folder, ""


def _cache_root() -> Path:
    if asked := os.environ.get("TOKPIPE_CACHE_DIR"):
        return Path(asked)
    from platformdirs import user_cache_path  # 5 ms

    return user_cache_path("tokpipe", appauthor=False)


def cache_folder() -> Path | None:
    """Return where compiled kernels are kept, or None where no place is writable and private."""
    return _cache_place()[0]


def why_no_cache() -> str:
    """Return why compiled kernels are kept nowhere, for `tokpipe doctor`; nothing if they are."""
    return _cache_place()[1]


def _cache_name() -> str:
    """Return a name for machine code of these sources, made here with what is installed now."""
    processor = next(iter(levels()), None) or this_processor()
    told = "\0".join((sources_digest(), processor, *versions().values()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@functools.cache
def sources_digest() -> str:
    """Return 16 hex digits that change when anything that is compiled does."""
    digest = hashlib.sha256()
    for source in kernel_sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def kernel_sources() -> list[Path]:
    """Return the files that compiled code is made of: kernels, and all that they import of ours."""
    package = Path(__file__).parent.parent
    shared = ("jit", "compiling", "seeds", "utf8", "assembly")
    sources = [package / f"foundation/{name}.py" for name in shared]
    sources += package.glob("foundation/*intrinsics.py")
    sources += [package / "words/tables/names.py"]  # constants are compiled in
    return sorted([*sources, *package.glob("*/kernels.py"), *package.glob("*/kernels/*.py")])


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]
