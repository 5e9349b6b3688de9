"""The one door to numba: compile flags, a private cache, and each kernel with its reference twin.

Kernels compile on their first call and are cached in a private folder, named after the sources of
all kernels: numba's own check looks at the file of the outermost function only, and would keep
machine code that has a changed helper of another file inlined into it.

Whatever loads kernels comes through here, so a limit on address space is looked at before numba is
imported, and behind it OpenBLAS, which goes round and round where its buffers do not fit in.
"""

import functools
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from tokpipe.foundation.address_space import fit_into_address_space
from tokpipe.foundation.private_folders import make_private_folder

fit_into_address_space(compiles=False)
import numba  # noqa: E402
from numba.core import caching  # noqa: E402
from numba.core.runtime.nrt import rtsys  # noqa: E402

KERNELS: dict[str, Any] = {}  # "module.kernel" -> compiled; the parity tests walk it

# No fastmath: NaN and infinity must survive, and a run must be repeatable bit for bit.
_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}

# What float kernels may ask for. Products may be fused with sums (one rounding instead of two),
# and a sum may be taken in any order, without which it does not become vectors. The order is the
# compiler's, so a machine repeats its results; NaN and infinity survive.
FUSED = {"contract"}
FUSED_SUMS = {"contract", "reassoc"}


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


def compiled_helper(function: Callable[..., Any], rounding: set[str] | None = None) -> Any:
    """Compile a private part of a kernel as a function of its own, called and not inlined."""
    dispatcher: Any = numba.njit(function, fastmath=rounding or False, **_FLAGS)
    if cache_folder() is not None:
        dispatcher._cache = _OnFirstUse(dispatcher.py_func)
    return dispatcher


def inlined_helper(function: Callable[..., Any]) -> Any:
    """Compile a private part of a kernel into its callers, by LLVM.

    `forceinline` and not numba's own `inline="always"`: 8 s of compilation against 47 s for the
    word counter, with the same speed.
    """
    return numba.njit(function, forceinline=True, **_FLAGS)


def inlined_formula(function: Callable[..., Any]) -> Any:
    """Compile a formula on floats into its callers, products fused with sums."""
    return numba.njit(function, forceinline=True, fastmath=FUSED, **_FLAGS)


def inlined_sums(function: Callable[..., Any]) -> Any:
    """Compile a loop over floats into its callers, sums taken in any order."""
    return numba.njit(function, forceinline=True, fastmath=FUSED_SUMS, **_FLAGS)


class _CheckedResults(caching.CompileResultCacheImpl):
    """What numba stores of a compilation, with a checksum: machine code must not load damaged."""

    def reduce(self, cres: Any) -> Any:
        payload = pickle.dumps(super().reduce(cres))
        return hashlib.sha256(payload).digest(), payload

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        digest, data = payload
        if hashlib.sha256(data).digest() != digest:
            raise ValueError("damaged cache entry")
        # numba's own format for compiled code; it lies where only this user can have put it
        return super().rebuild(target_context, pickle.loads(data))


class _ForgivingCache(caching.FunctionCache):
    """A cache that is only ever a gain: the unreadable is rebuilt, the unwritable left out."""

    _impl_class = _CheckedResults

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load compiled code, without the imports that only compiling needs.

        numba's own method refreshes the context first: 0.25 s, most of it modules that lower
        Python and NumPy to LLVM, SciPy's BLAS among them. Machine code needs numba's run time only;
        where nothing is found, compiling refreshes the context itself.
        """
        rtsys.initialize(target_context)
        try:
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception:
            self._quietly(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        self._quietly(lambda: super(_ForgivingCache, self).save_overload(sig, data))

    def _quietly(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception:
            self.disable()


class _OnFirstUse(caching.NullCache):
    """A cache that is made when its function is first called.

    To make one is to write and remove a file as a trial: 15 ms for all kernels that are imported
    with training, of which most commands call a few.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @functools.cached_property
    def _cache(self) -> Any:
        try:
            return _private_cache(self._function)
        except RuntimeError:  # a function without a file: typed at a prompt
            return caching.NullCache()

    @property
    def cache_path(self) -> Any:
        return self._cache.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        return self._cache.load_overload(sig, target_context)

    def save_overload(self, sig: Any, cres: Any) -> None:
        self._cache.save_overload(sig, cres)


def _private_cache(function: Callable[..., Any]) -> Any:
    # The folder is read from numba's configuration only while the cache object is made, so a
    # user's own numba code in the same process keeps its own place.
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    try:
        return _ForgivingCache(function)
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


@functools.cache
def _cache_place() -> tuple[Path | None, str]:
    """Return the folder for compiled kernels, made if need be; or None, and why there is none."""
    asked = os.environ.get("TOKPIPE_CACHE_DIR")
    root = Path(asked) if asked else user_cache_path("tokpipe", appauthor=False)
    folder = root / "kernels" / sources_digest()
    try:
        if reason := make_private_folder(folder):
            return None, reason
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return None, f"nowhere writable ({root}: {os.strerror(error.errno or 0).lower()})"
    return folder, ""


def cache_folder() -> Path | None:
    """Return where compiled kernels are kept, or None where no place is writable and private."""
    return _cache_place()[0]


def why_no_cache() -> str:
    """Return why compiled kernels are kept nowhere, for `tokpipe doctor`; nothing if they are."""
    return _cache_place()[1]


def sources_digest() -> str:
    """Return 16 hex digits that change when numba or anything that is compiled does."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in kernel_sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def kernel_sources() -> list[Path]:
    """Return the files that compiled code is made of: kernels, and all that they import of ours."""
    package = Path(__file__).parent.parent
    shared = ("jit", "intrinsics", "float_intrinsics", "seeds", "utf8")
    sources = [package / f"foundation/{name}.py" for name in shared]
    sources += [package / "words/tables/names.py"]  # constants are compiled in
    return sorted([*sources, *package.glob("*/kernels.py"), *package.glob("*/kernels/*.py")])


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]
