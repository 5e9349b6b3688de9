"""How much memory the machine has, what this process may still take of it, and what it took."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

try:
    import resource
except ImportError:  # not on every system
    resource = None

_M_ARENA_MAX = -8  # of malloc.h
_GROUP = Path("/sys/fs/cgroup")


class Memory(NamedTuple):
    """Bytes in all, and bytes free."""

    total: int
    free: int


def machine_memory() -> Memory | None:
    """Return what the machine has, or the container around us; None where nobody says."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        total, free = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        return None
    limit, used = _number(_GROUP / "memory.max"), _number(_GROUP / "memory.current")
    if limit is not None and limit < total:
        return Memory(limit, max(0, min(free, limit - (used or 0))))
    return Memory(total, free)


def free_memory() -> int | None:
    """Return how many bytes this process may still take, or None if nobody says."""
    machine, room = machine_memory(), room_in_address_space()
    known = [size for size in (machine and machine.free, room) if size is not None]
    return min(known, default=None)


def address_space_limit() -> int | None:
    """Return the limit that ``ulimit -v`` shows, or None."""
    if resource is None:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def keep_to_one_arena() -> None:
    """Keep malloc to one arena: to be called under a limit on address space, before any thread.

    glibc sets 64 MiB of address space aside for each new thread, which nothing else gets then.
    """
    import ctypes  # 2 ms, and hardly anybody has a limit

    with suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def peak_memory() -> int | None:
    """Return the most bytes that this process ever had in memory, or None if nobody says."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def room_in_address_space() -> int | None:
    """Return how much a limit on address space leaves, or None without one."""
    limit = address_space_limit()
    if limit is None:
        return None
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())  # "max": no limit
    except (OSError, ValueError):
        return None
