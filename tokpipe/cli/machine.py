"""What `tokpipe doctor` looks at: plain findings about this machine, one a line."""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tokpipe.cli.console import Console
from tokpipe.foundation.memory import machine_memory
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.threads import usable_cpus

_PACKAGES = (
    *("numba", "llvmlite", "numpy", "scipy", "pyarrow", "tokenizers", "datasets"),
    *("click", "rich", "jinja2", "platformdirs", "threadpoolctl"),
)
_FEW_BYTES = 10**9  # less than this, of memory or disk, is worth a warning

GOOD, ODD, BAD = "good", "odd", "bad"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str  # what was looked at
    found: str  # what it is
    state: str = GOOD  # "good", "odd" (works, but could be better) or "bad" (something will fail)
    advice: str = ""  # what to do, where it is not good


def findings(console: Console, own_version: str) -> Iterator[Finding]:
    """Yield all findings; the self-test, which takes longest, is not among them."""
    yield Finding("tokpipe", own_version)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("python", f"{python} on {platform.system()} {platform.machine()}")
    yield from _packages()
    yield Finding("processors", f"{usable_cpus()} usable of {os.cpu_count()}; {_cpu_name()}")
    yield _memory()
    yield from _disks()
    yield _kernels()
    yield _kernel_cache()
    if not _is_plain_python():
        yield tried("products", _products)
    yield from _environment()
    yield _terminal(console)


def _packages() -> Iterator[Finding]:
    for name in _PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "not installed", BAD, "Install tokpipe again with pip.")


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or "unknown model"


def _memory() -> Finding:
    memory = machine_memory()
    if memory is None:
        return Finding("memory", "unknown")
    found = f"{format_bytes(memory.free)} free of {format_bytes(memory.total)}"
    if memory.free < _FEW_BYTES:
        return Finding("memory", found, ODD, "Bound the tables with --memory 256MB.")
    return Finding("memory", found)


def _disks() -> Iterator[Finding]:
    for name, place in (("disk here", Path.cwd()), ("disk for temporaries", tempfile.gettempdir())):
        free = shutil.disk_usage(place).free
        found = f"{format_bytes(free)} free in {place}"
        if not os.access(place, os.W_OK):
            yield Finding(name, f"{found}, not writable", ODD, "Write elsewhere with -o.")
        elif free < _FEW_BYTES:
            yield Finding(name, found, ODD, "Free some space.")
        else:
            yield Finding(name, found)


def _kernels() -> Finding:
    from tokpipe.foundation.code_store import DamagedCodeError, Pack, open_pack
    from tokpipe.foundation.jit import pack_path
    from tokpipe.foundation.processors import levels, versions

    packs = {level: open_pack(pack_path(level)) for level in levels()}
    for level, pack in packs.items():
        if isinstance(pack, Pack):
            try:
                pack.check()
            except (OSError, DamagedCodeError) as error:
                pack = packs[level] = str(error)
            else:
                return Finding("kernels", f"{len(pack)} compiled for {level}, from the wheel")
    made = f"compiled here when they are first called, for {next(iter(packs), 'this processor')}"
    if reasons := [pack for pack in packs.values() if pack]:
        advice = "Install tokpipe again with pip."
        return Finding("kernels", f"{made}; those of the wheel: {reasons[0]}", ODD, advice)
    bound = ", ".join(f"{name} {found}" for name, found in versions().items())
    return Finding("kernels", f"{made}: the wheel has none for {bound}")


def _kernel_cache() -> Finding:
    from tokpipe.foundation.jit import cache_folder, why_no_cache

    folder = cache_folder()
    if folder is None:
        advice = (
            "Set TOKPIPE_CACHE_DIR to a folder that only you can write, "
            "or each run compiles for up to a minute."
        )
        return Finding("kernel cache", f"not used: {why_no_cache()}", ODD, advice)
    files = [path.stat().st_size for path in folder.glob("*.code")]
    held = f"{len(files)} kernels, {format_bytes(sum(files))} in {folder}"
    return Finding("kernel cache", held)


def _products() -> str:
    """Say what linear maps multiply in here, how fast, and which of it training takes."""
    from tokpipe.bert.products.rates import rates
    from tokpipe.foundation.processors import PRODUCTS, precision_for

    found = rates()
    said = [
        f"{kind} {found[kind] / 1e9:,.0f}" if kind in found else f"{kind} not here"
        for kind in PRODUCTS
    ]
    return (
        f"{', '.join(said)} billion operations a second a thread; "
        f"--precision auto is {precision_for('auto')}"
    )


def _is_plain_python() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"


def _environment() -> Iterator[Finding]:
    if _is_plain_python():
        advice = "Unset it: kernels run as plain Python, some hundred times slower."
        yield Finding("NUMBA_DISABLE_JIT", "set", BAD, advice)
    if sys.dont_write_bytecode:
        yield Finding("PYTHONDONTWRITEBYTECODE", "set", ODD, "Unset it: each start takes longer.")
    for name in ("awkward",):
        try:
            advice = "It slows every first call of a kernel; keep it in another environment."
            yield Finding(name, f"{version(name)} beside numba", ODD, advice)
        except PackageNotFoundError:
            continue


def _terminal(console: Console) -> Finding:
    out = console.out
    kind = "a terminal" if out.is_terminal else "no terminal"
    color = "colours" if out.color else "no colours"
    glyphs = "ASCII" if out.ascii else out.file.encoding
    return Finding("output", f"{kind}, {out.width} columns, {color}, {glyphs}")


def tried(name: str, test: Callable[[], str]) -> Finding:
    """Run a test and return what came of it."""
    try:
        return Finding(name, test())
    except Exception as error:
        found = f"{type(error).__name__}: {error}".split("\n")[0]
        return Finding(name, found, BAD, "Please report this with the output of this command.")
