"""K1, K2, K4, F1 and S1 for counting alone, committed every few kilobytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fault.conftest import Command, names
from tests.fault.strace import CALLS, calls_on_output, failing, failures, sample

ROOT = Path(__file__).parents[2]
PLACES = ("out", "work")
DRIVER = """
import os, shutil, sys
import pyarrow
from tokpipe import ReadConfig, TokpipeError, count_words
from tokpipe.words import count
from tokpipe.words.config import GPT2
count_words(["corpus.txt"], GPT2, threads=1)  # opens all libraries and compiled kernels
count.PIECE_BYTES = 3000
try:
    work = count.Path("work")
    counts = count_words(["corpus.txt"], GPT2, threads=2, workdir=work, commit_bytes=1)
    counts.save("out", force=True)
    shutil.rmtree("work")
except TokpipeError as error:
    # not by write, which may be the call that fails in this thread
    os.writev(2, [f"{type(error).__name__}: {error}".encode()])
    sys.exit(1)
"""


class Driver(Command):
    """Counting from Python, in a process of its own."""

    program = ("-c", DRIVER)


def result(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


def write_corpus(folder):
    chance = random.Random(7)
    names = ["harbour", "gull", "Åsa's", "café", "東京", "12", "rope", "lighthouse keeper"]
    lines = (" ".join(chance.choices(names, k=9)) + chance.choice(["", "!"]) for _ in range(500))
    (folder / "corpus.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_corpus(tmp_path)


@pytest.fixture
def driver(folder):
    return Driver(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    other = write_corpus(tmp_path_factory.mktemp("undisturbed"))
    Driver(other).finished()
    return result(other)


@pytest.fixture(scope="module")
def calls(undisturbed, tmp_path_factory):
    """Return which of each system call, counted by thread, touch the work folder or the output."""
    return calls_on_output(Driver(write_corpus(tmp_path_factory.mktemp("traced"))), PLACES)


def kill_and_go_on(driver, undisturbed, call, number):
    killed = driver.run(before=failing(call, number, "signal=SIGKILL"))
    assert killed.code in (0, -9, 137), killed.err
    if (driver.folder / "out").exists():  # in place: then it is whole
        assert result(driver.folder) == undisturbed
    ends_as(driver, undisturbed)
    assert names(driver.folder) == ["corpus.txt", "out"]
    shutil.rmtree(driver.folder / "out")


def ends_as(driver, undisturbed):
    driver.finished()
    assert result(driver.folder) == undisturbed


def test_killed_at_a_system_call_counting_goes_on_to_the_same_bytes(driver, undisturbed, calls):
    for call, most in (("write", 2), ("fsync", 2), ("rename", 2), ("openat", 1)):
        for number in sample(calls[call], most):
            kill_and_go_on(driver, undisturbed, call, number)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(driver, undisturbed, calls, call):
    for number in sorted(set(calls[call])):
        kill_and_go_on(driver, undisturbed, call, number)


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(
    ("call", "most"), [("write", 2), ("fsync", 1), ("rename", 1), ("openat", 1)]
)
def test_a_failing_disk_is_a_storage_error_and_the_work_goes_on(
    driver, undisturbed, calls, call, most, error
):
    for ran in failures(driver, call, calls[call], error, most=most, places=PLACES):
        assert ran.code in (0, 1), ran.err
        if ran.code:
            assert ran.err.startswith("StorageError:"), ran.err
        ends_as(driver, undisturbed)


def test_what_is_committed_is_not_counted_again(folder, undisturbed):
    process = Driver(folder).started()
    manifest = folder / "work" / "tokpipe.json"
    while process.poll() is None and not (
        manifest.exists() and b'"pieces": [' in manifest.read_bytes()
    ):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    if not manifest.exists():
        pytest.skip("it was too quick to be killed")
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "work").glob("*.run.arrow")}
    committed = manifest.read_text()
    kept = [name for name in before if name in committed]
    traced = DRIVER.replace('shutil.rmtree("work")', "")
    subprocess.run([sys.executable, "-c", traced], cwd=folder, check=True,
                   env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert kept and all((folder / "work" / n).stat().st_mtime_ns == before[n] for n in kept)
    assert result(folder) == undisturbed


SKIP = "GPT2, ReadConfig(errors='skip'), threads"
OTHER_VERSION = "count.Journal.__init__.__globals__['Manifest'].__init__.__kwdefaults__"
CHANGES = {
    "reading": ("GPT2, threads", SKIP, 'settings.read.errors was "strict", now it is "skip"'),
    "words": ("GPT2, threads", "None, threads", 'normalizer was "none", now it is "bert"'),
    "input": ("try:", "open('corpus.txt', 'a').write('more')\ntry:", "inputs.corpus.txt was"),
    "version": ("try:", f"{OTHER_VERSION}['version'] = '9'\ntry:", 'now it is "9"'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_going_on_from_something_else_is_refused_with_both_values(folder, change):
    old, new, said = CHANGES[change]
    begin = DRIVER.replace('counts.save("out", force=True)', "sys.exit(0)")
    for driver, code in ((begin, 0), (DRIVER.replace(old, new), 1)):
        done = subprocess.run(
            [sys.executable, "-c", driver],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
    assert done.stderr.startswith("ArtifactError: work cannot be gone on with:")
    assert said in done.stderr and "--force" in done.stderr


INTERRUPTED = """
import time
from contextlib import contextmanager
from pathlib import Path
from tokpipe import count_words
class Progress:
    @contextmanager
    def task(self, label, total, unit):
        def done(size):
            print("a piece is done", flush=True)
            time.sleep(0.3)  # so that there is something left to interrupt
        yield done
count_words(["corpus.txt"], threads=2, workdir=Path("work"), progress=Progress())
"""


def test_interrupted_counting_saves_its_work_within_two_seconds(tmp_path):
    (tmp_path / "corpus.txt").write_text("".join(f"line {i} of words\n" for i in range(3_000_000)))
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0 and "KeyboardInterrupt" in errors
    assert time.monotonic() - start < 2
    assert list((tmp_path / "work").glob("*.run.arrow"))
