"""How long `tokpipe pretrain` takes to begin: compiling its kernels once, and warm, every time."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.batches import text_shards
from tests.bench.harness import TREE
from tests.bench.report import Row

_POLL_SECONDS = 0.005


class _Start(NamedTuple):
    """One run of one step: seconds to that step, and seconds of all processors to the end."""

    to_first_step: float
    processor: float


def rows(rounds: int) -> list[Row]:
    """Begin with no compiled kernels once, then with all."""
    shards = str(text_shards().folder)
    with tempfile.TemporaryDirectory() as place:
        cold = _start(shards, Path(place), "cold")
        warm = [_start(shards, Path(place), f"warm-{number}") for number in range(rounds)]
    processor = statistics.median(run.processor for run in warm)
    seconds = statistics.median(run.to_first_step for run in warm)
    compiling = cold.processor - processor
    return [
        Row(
            "compile the kernels of pretrain, processor time",
            f"{cold.processor:.1f} s",
            f"compiled before {processor:.1f} s",
            f"{compiling:.1f} s",
            "at most 15 s",
            compiling <= 15,
        ),
        Row(
            "start pretrain, kernels compiled, to the first step",
            f"{seconds:.2f} s",
            f"the first time {cold.to_first_step:.1f} s",
            f"{seconds:.2f} s",
            "at most 3 s",
            seconds <= 3,
        ),
    ]


def _start(shards: str, place: Path, name: str) -> _Start:
    """Make one step as a user would; kernels are kept in `place`."""
    run = place / name
    settings = ["--preset", "tiny", "--steps", "1", "--batch-tokens", "2048", "-o", str(run)]
    paths = {"PYTHONPATH": str(TREE), "TOKPIPE_CACHE_DIR": str(place / "cache")}
    environment = os.environ | paths
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # no installed command compiles its modules
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tokpipe", "pretrain", shards, *settings],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    log, seconds = run / "log.jsonl", None
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        if seconds is None and log.exists() and log.stat().st_size:
            seconds = time.perf_counter() - begin
        time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode or seconds is None:
        sys.exit(f"tokpipe pretrain ended with {process.returncode}")
    return _Start(seconds, ended[2].ru_utime + ended[2].ru_stime)
