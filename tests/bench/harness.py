"""Two processes, one after the other, again and again: figures that survive a noisy machine."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TREE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """One timed run: seconds, peak bytes of its process so far, and what came out."""

    seconds: float
    peak: int
    result: Any
    processor: float = 0.0  # seconds of all processors together, where a worker ran


class Worker:
    """A process that has loaded its side of a job and does it each time it is asked."""

    def __init__(
        self,
        python: str,
        side: str,
        job: str,
        *,
        tree: Path = TREE,
        before: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        worker = tree / "tests" / "bench" / "worker.py"
        command = [*before, python, str(worker), side, job, json.dumps(settings)]
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree)},
        )
        self._read_until("ready")

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def run(self) -> Run:
        """Do the job once more."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return Run(**json.loads(self._read_until("{")))

    def _read_until(self, start: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:  # a peer may print its own progress in between
            if line.startswith(start):
                return line
        code = self.process.wait()
        self._complaints.seek(0)
        told = self._complaints.read()[-2000:]
        self._close()
        raise RuntimeError(f"{self.process.args} ended with {code}:\n{told}")

    def _close(self) -> None:
        self.process.communicate()
        self._complaints.close()


@dataclass(frozen=True)
class Duel:
    """Ours and a peer's runs, pair by pair."""

    ours: list[Run]
    peer: list[Run]

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes: the median over the pairs."""
        return self._ratio("seconds")

    @property
    def processor_ratio(self) -> float:
        """How many times the processors' time the peer takes: the median over the pairs."""
        return self._ratio("processor")

    @property
    def seconds(self) -> tuple[float, float]:
        """Median seconds of ours and of the peer."""
        return self._medians("seconds")

    @property
    def processor(self) -> tuple[float, float]:
        """Median seconds of all processors of ours and of the peer."""
        return self._medians("processor")

    def _ratio(self, figure: str) -> float:
        pairs = zip(self.ours, self.peer, strict=True)
        return statistics.median(getattr(b, figure) / getattr(a, figure) for a, b in pairs)

    def _medians(self, figure: str) -> tuple[float, float]:
        ours, peer = (
            statistics.median(getattr(run, figure) for run in side)
            for side in (self.ours, self.peer)
        )
        return ours, peer


def alternate(ours: Callable[[], Run], peer: Callable[[], Run], rounds: int) -> Duel:
    """Warm both sides up once, then run them in turn; a round is one run of each."""
    return Duel(*in_turn([ours, peer], rounds))


def in_turn(sides: list[Callable[[], Run]], rounds: int) -> list[list[Run]]:
    """Warm all sides up once, then run them in turn; return the runs of each."""
    for side in sides:
        side()
    made = [[side() for side in sides] for _ in range(rounds)]
    return [list(runs) for runs in zip(*made, strict=True)]


def lacks(python: str, package: str) -> bool:
    """Return whether an interpreter has no such package."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", look], check=False).returncode != 0


def command_run(command: list[str], environment: dict[str, str] | None = None) -> Run:
    """Run a whole command as a process of its own, its start and imports included."""
    environment = os.environ | {"PYTHONPATH": str(TREE)} | (environment or {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # no installed command compiles its modules
    start = time.perf_counter()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return Run(seconds, 0, None)


def fresh_peak(python: str, side: str, job: str, **settings: Any) -> Run:
    """Do a job once in a new process, for its peak memory."""
    with Worker(python, side, job, **settings) as worker:
        return worker.run()
