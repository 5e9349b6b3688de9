"""One command with all processes that it starts: processor seconds, and memory at its most.

Memory is the sum of proportional shares (PSS), looked at ten times a second: what several processes
map counts once. Linux only.
"""

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import TREE

_ADOPT_ORPHANS = 36  # prctl: processes whose parents have ended become ours, and so their seconds
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class TreeRun:
    """What a command took: seconds of the clock and of processors, bytes, and what it printed."""

    seconds: float
    cpu_seconds: float
    peak: int  # bytes of all processes together
    first_peak: int  # bytes of the first process, as resident
    printed: str


def run_tree(command: list[str]) -> TreeRun:
    """Run a command, and wait for all that it has started."""
    ctypes.CDLL(None, use_errno=True).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)
    before, start = _seconds_of_children(), time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(TREE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    peak = first_peak = 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=environment
        )
        while process.poll() is None:
            peak = max(peak, sum(map(_share, [process.pid, *descendants(process.pid)])))
            first_peak = max(first_peak, _high_water(process.pid))
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - start
        _wait_for_orphans()
        for file in (out, err):
            file.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{err.read()[-2000:]}")
        cpu_seconds = _seconds_of_children() - before
        return TreeRun(seconds, cpu_seconds, peak, first_peak, out.read())


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that one has started, and theirs, as they are now."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                yield child
                yield from descendants(child)


def _wait_for_orphans() -> None:
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _share(pid: int) -> int:
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:")


def _high_water(pid: int) -> int:
    return _kilobytes(f"/proc/{pid}/status", "VmHWM:")


def _kilobytes(path: str, key: str) -> int:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:  # it has ended
        return 0
    found = [line.split()[1] for line in lines if line.startswith(key)]
    return int(found[0]) * 1024 if found else 0
