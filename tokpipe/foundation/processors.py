"""For which processor, and with what, machine code is made: found out without numba and LLVM."""

import functools
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Set
from pathlib import Path

from tokpipe.foundation.errors import ConfigError

# What a processor must have, of `flags` in /proc/cpuinfo, beside all of the levels before
# (x86-64 psABI). Linux leaves out what the system does not support.
LEVELS = {
    "x86-64-v3": {
        *("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"),
        *("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"),
    },
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
WITH_PRODUCTS = ("x86-64-v4",)  # levels that have products of our own
# What each kind of them takes, beside that level
PRODUCTS = {
    "float32": set[str](),
    "bfloat16": set[str](),
    "int8": {"avx512_vnni"},
}
# Who multiplies pairs of bfloat16 (AVX512_BF16) faster than single numbers: Zen 4 makes 229 GFLOP/s
# of them to 116 in float32. Intel's make 86 to 175; their tiles (AMX) would make more, but no code
# here is made for them.
_PAIRS, _FAST_PAIRS = {"avx512_bf16"}, {"AuthenticAMD"}
WAYS = ("pairs", "float32", "blas")  # to multiply: two of our own, and where there are none
PRECISIONS = ("auto", "float32", "bfloat16")  # that training may be asked for
ASKED_PRECISIONS = (*PRECISIONS, "int8")  # and a model that only answers
_TAKES = {  # what is said of a processor that has not what a kind takes
    "bfloat16": ("AVX-512", "AMD's Zen 4 and, for servers, Intel's Skylake"),
    "int8": ("AVX512_VNNI", "AMD's Zen 4 and Intel's Cascade Lake"),
}
_TRIED = ((0, 68), (0, 69))  # versions of numba whose insides `compiling` is written for
_CPUS = Path("/proc/cpuinfo")
_ENOUGH = 1 << 14  # bytes of /proc/cpuinfo that hold the first processor


def is_tried(numba_version: str) -> bool:
    """Return whether numba's compiler may be changed: the version is one that it was tried with."""
    found = tuple(int(part) for part in re.findall(r"\d+", numba_version)[:2])
    return _TRIED[0] <= found < _TRIED[1]


def levels_of(flags: Set[str]) -> list[str]:
    """Return the levels of x86-64 that a processor with these flags has, the highest first."""
    found: list[str] = []
    for level, needed in LEVELS.items():
        if not needed <= flags:
            break
        found.insert(0, level)
    return found


@functools.cache
def levels() -> list[str]:
    """Return the kinds of processor whose code runs here, as LLVM names them, the best first.

    None where there is no such name, or another is asked of numba: then code is made for this
    processor alone.
    """
    is_usual = sys.platform == "linux" and os.uname().machine == "x86_64"
    asked = {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"} & os.environ.keys()
    if not is_usual or asked or not is_tried(versions()["numba"]):
        return []
    return levels_of(_flags())


def multiplies(kind: str) -> bool:
    """Return whether the processor has what a kind of products of our own takes."""
    return not {*WITH_PRODUCTS}.isdisjoint(levels()) and PRODUCTS[kind] <= _flags()


def pairs_pay() -> bool:
    """Return whether the processor multiplies pairs of bfloat16, and that faster than singles."""
    return has_pairs() and _told("vendor_id") in _FAST_PAIRS


def way_here() -> str:
    """Return how linear maps multiply here where nobody asks for a precision: of `WAYS`."""
    if pairs_pay():
        return "pairs"
    return "float32" if multiplies("float32") else "blas"


def has_pairs() -> bool:
    """Return whether the processor multiplies pairs of bfloat16."""
    return multiplies("bfloat16") and _flags() >= _PAIRS


def precision_for(asked: str) -> str:
    """Return in what linear maps multiply where this is asked for: auto is what is faster here.

    Raises
    ------
    ConfigError
        If the processor has no such products.
    """
    if asked == "auto":
        return "bfloat16" if pairs_pay() else "float32"
    if asked != "float32" and not multiplies(asked):
        raise _not_there(asked)
    return asked


def _not_there(asked: str) -> ConfigError:
    takes, since = _TAKES[asked]
    if not levels() and set().union(*LEVELS.values(), PRODUCTS[asked]) <= _flags():
        return ConfigError(
            f"precision={asked!r}: this processor has {takes}, but its code is made by rules of "
            f"others: numba is {versions()['numba']}, and NUMBA_CPU_NAME or NUMBA_CPU_FEATURES may "
            "be set",
            hint="Unset them, take a numba that was tried (0.68), or take float32.",
        )
    return ConfigError(
        f"precision={asked!r} takes {takes}, which this processor has not",
        hint=f"Processors from {since} on have it; elsewhere take float32, or auto, which is what "
        "the processor does faster.",
    )


def checked_precision(asked: str) -> str:
    """Return a name of `ASKED_PRECISIONS`.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if asked not in ASKED_PRECISIONS:
        raise ConfigError(f"precision={asked!r} is not one of {', '.join(ASKED_PRECISIONS)}")
    return asked


def this_processor() -> str:
    """Return a name for this processor alone."""
    asked = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    machine = os.uname().machine
    told = [machine, *sorted(_flags()), *asked]
    digest = hashlib.sha256("\0".join(told).encode()).hexdigest()
    return f"{machine}-{digest[:8]}"


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that compiled code is bound to."""
    python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
    return {"python": python} | {name: _version(name) for name in ("numba", "llvmlite")}


def _flags() -> frozenset[str]:
    return _words(_told("flags") or _told("Features"))


@functools.cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _told(name: str) -> str:
    """Return what /proc/cpuinfo tells of the first processor; nothing if it does not."""
    try:
        return _first_processor(_CPUS).get(name, "")
    except OSError:
        return ""


@functools.cache  # asked for each map of each step: reading it anew was 5 % of tiny's steps
def _first_processor(place: Path) -> dict[str, str]:
    with place.open("rb") as file:
        text = file.read(_ENOUGH).decode(errors="replace")
    fields = [line.partition(":")[::2] for line in text.split("\n\n", 1)[0].splitlines()]
    return {name.strip(): value.strip() for name, value in fields}


def _version(package: str) -> str:
    """Return the version of a package from its `_version.py`: metadata are slower to read."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        try:
            text = Path(folder, "_version.py").read_text(encoding="utf-8")
        except OSError:
            continue
        if found := re.search(r"""version(?:_version)?['"]?\s*[:=]\s*['"]([^'"]+)""", text):
            return found[1]
    from importlib.metadata import version  # 20 ms

    return version(package)
