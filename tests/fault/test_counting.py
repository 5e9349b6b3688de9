"""K1, K2, K4, F1 and S1 for counting alone, committed every few kilobytes."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds: the first run compiles, maybe on a busy machine
CALLS = ("openat", "write", "fsync", "rename", "mkdir", "unlink", "rmdir")
DRIVER = """
import os, shutil, sys
from numba.core.entrypoints import init_all
init_all()  # opens files of all installed packages: else where the first kernel is called
from tokpipe import ReadConfig, TokpipeError, count_words
from tokpipe.words import count
from tokpipe.words.config import GPT2
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
LOG_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


def run(folder, *before, wait=True):
    process = subprocess.Popen(
        [*before, sys.executable, "-c", DRIVER],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    if not wait:
        return process
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, errors


def result(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


def strace(call, number, what):
    inject = f"inject={call}:{what}:when={number}"
    return "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject


def sample(numbers, most):
    """Return at most `most` of the numbers, spread evenly."""
    numbers = sorted(numbers)
    return (
        numbers
        if len(numbers) <= most
        else [numbers[i * len(numbers) // most] for i in range(most)]
    )


def write_corpus(folder):
    chance = random.Random(7)
    names = ["harbour", "gull", "Åsa's", "café", "東京", "12", "rope", "lighthouse keeper"]
    lines = (" ".join(chance.choices(names, k=9)) + chance.choice(["", "!"]) for _ in range(500))
    (folder / "corpus.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_corpus(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    other = write_corpus(tmp_path_factory.mktemp("undisturbed"))
    assert run(other) == (0, "")
    return result(other)


@pytest.fixture(scope="module")
def calls(undisturbed, tmp_path_factory):
    """Return which of each system call, counted by thread, touch the work folder or the output."""
    if (
        not shutil.which("strace")
        or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"]).returncode
    ):
        pytest.skip("no strace, or it may not trace here")
    other = write_corpus(tmp_path_factory.mktemp("traced"))
    log, trace = other / "log", f"trace={','.join(CALLS)}"
    code, errors = run(other, "strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", trace)
    assert code == 0, errors
    seen, found = Counter(), {call: set() for call in CALLS}
    for line in log.read_text("utf-8", "replace").splitlines():
        match = LOG_LINE.match(line)
        if match:
            thread, call, arguments = match.groups()
            seen[thread, call] += 1
            if re.search(rf"{re.escape(str(other))}/\.?(work|out)|\"\.?(work|out)", arguments):
                found[call].add(seen[thread, call])
    return found


def kill_and_go_on(folder, undisturbed, call, number):
    code, errors = run(folder, *strace(call, number, "signal=SIGKILL"))
    assert code in (0, -9, 137), errors
    if (folder / "out").exists():  # in place: then it is whole
        assert result(folder) == undisturbed
    assert run(folder) == (0, "")
    assert result(folder) == undisturbed
    assert sorted(p.name for p in folder.iterdir()) == ["corpus.txt", "out"]
    shutil.rmtree(folder / "out")


def test_killed_at_a_system_call_counting_goes_on_to_the_same_bytes(folder, undisturbed, calls):
    for call, most in (("write", 2), ("fsync", 2), ("rename", 2), ("openat", 1)):
        for number in sample(calls[call], most):
            kill_and_go_on(folder, undisturbed, call, number)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(folder, undisturbed, calls, call):
    for number in sorted(calls[call]):
        kill_and_go_on(folder, undisturbed, call, number)


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(
    ("call", "most"), [("write", 2), ("fsync", 1), ("rename", 1), ("openat", 1)]
)
def test_a_failing_disk_is_a_storage_error_and_the_work_goes_on(
    folder, undisturbed, calls, call, most, error
):
    for number in sample(calls[call], most):
        code, errors = run(folder, *strace(call, number, f"error={error}"))
        assert code in (0, 1), errors
        if code:
            assert errors.startswith("StorageError:"), errors
        assert run(folder) == (0, "")
        assert result(folder) == undisturbed
        shutil.rmtree(folder / "out")


def test_what_is_committed_is_not_counted_again(folder, undisturbed):
    process = run(folder, wait=False)
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
OTHER_VERSION = "count.Commits.__init__.__globals__['Manifest'].__init__.__kwdefaults__"
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
