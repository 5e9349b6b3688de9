"""Commands as processes that are killed, starved and pestered, and what must hold afterwards."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fault.strace import calls_on_output

ROOT = Path(__file__).parents[2]
STARTED = []  # processes that the test may leave behind
PATIENCE = 600  # seconds; compilation of all kernels on a busy machine included
WORDS = ("harbour", "gull", "quay", "ferry", "captain", "letter", "Åsa", "café", "東京", "rope")


@pytest.fixture(autouse=True)
def nothing_runs_on():
    """End what a failing test leaves at work: its open pipes would fail the tests behind it."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Command:
    """A command line in a folder of its own, to be run in several ways.

    Parameters
    ----------
    folder
        The working folder of the processes.
    arguments
        What follows ``tokpipe``.
    """

    program = ("-m", "tokpipe")

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.arguments = [str(argument) for argument in arguments]

    def started(self, *more, before=(), env=None, **settings):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        process = subprocess.Popen(
            [*before, sys.executable, *self.program, *self.arguments, *more],
            cwd=self.folder,
            env={name: value for name, value in environment.items() if value is not None},
            **settings,
        )
        STARTED.append(process)
        return process

    def run(self, *more, **settings):
        process = self.started(*more, **settings)
        out, err = process.communicate(timeout=PATIENCE)
        return Ran(
            process.returncode, *((part or b"").decode("utf-8", "replace") for part in (out, err))
        )

    def limited(self, what, most, *more, **settings):
        """Run under a limit of the system: the bytes of "AS" or of "FSIZE"."""
        limit = getattr(resource, f"RLIMIT_{what}")
        ends = (most, resource.RLIM_INFINITY if what == "FSIZE" else most)
        return self.run(*more, preexec_fn=lambda: resource.setrlimit(limit, ends), **settings)

    def killed(self, seconds):
        """Start, and kill it after a while; say whether it was still at work."""
        process = self.started()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def killed_at(self, file, words):
        """Start, and kill it once a file holds some words; say whether it was still at work."""
        process, path = self.started(), self.folder / file
        limit = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < limit:
            if path.exists() and words in path.read_text():
                process.kill()
            time.sleep(0.002)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def signalled(self, number, sign, **settings):
        """Send a signal once there is a path like `sign`; return exit code, words, seconds."""
        process = self.started(**settings)
        limit = time.monotonic() + PATIENCE
        while not list(self.folder.glob(sign)) and time.monotonic() < limit:
            time.sleep(0.01)
        process.send_signal(number)
        begin = time.monotonic()
        said = process.communicate(timeout=60)[1].decode()
        return process.returncode, said, time.monotonic() - begin

    def finished(self):
        """Run to the end, whatever is there; a result that was in place already is fine."""
        ran = self.run()
        assert ran.code == 0 or (ran.code == 4 and "exists already" in ran.err), ran.err
        return ran


def hashes(folder):
    """Return the SHA-256 of every file below a folder, by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_corpus(path, lines=400):
    """Write a small corpus: the same bytes at every call, some words rare."""
    number = 1
    with path.open("w", encoding="utf-8") as file:
        for line in range(lines):
            words = []
            for _ in range(12):
                number = number * 6364136223846793005 % 2**64 + 1442695040888963407
                words.append(WORDS[(number >> 33) % len(WORDS)] + "s" * ((number >> 40) % 3))
            file.write(" ".join(words) + ("\n\n" if line % 7 == 0 else "\n"))


TRAIN = ("train-vocab", "text.txt", "--vocab-size", "220", "-o", "out")


@pytest.fixture
def train(tmp_path):
    """Training of a small vocabulary in a folder that holds nothing else."""
    write_corpus(tmp_path / "text.txt")
    return Command(tmp_path, *TRAIN)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Return what `train` makes when nobody disturbs it, and in how many seconds, kernels warm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_corpus(folder / "text.txt")
    command = Command(folder, *TRAIN)
    seconds = seconds_of(command)
    assert names(folder) == ["out", "text.txt"]
    return hashes(folder / "out"), seconds


@pytest.fixture(scope="session")
def touched(tmp_path_factory, undisturbed):
    """Which system calls of an undisturbed training touch its output."""
    folder = tmp_path_factory.mktemp("traced")
    write_corpus(folder / "text.txt")
    return calls_on_output(Command(folder, *TRAIN))


def seconds_of(command):
    """Run a command twice, and return how long it takes with kernels warm."""
    assert command.run().code == 0
    start = time.monotonic()
    ran = command.run("--force")
    assert ran.code == 0, ran.err
    return time.monotonic() - start
