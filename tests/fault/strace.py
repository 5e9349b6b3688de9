"""Processes under strace: which system calls touch the output, and one of them made to fail."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

CALLS = ("openat", "write", "fsync", "rename", "mkdir", "unlink", "rmdir")
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
_LOG = ".strace"  # beside the working folder, not in it


def needs_strace():
    """Skip where strace is missing or may not trace."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("strace may not trace here")


def calls_on_output(command, places=("out",)):
    """Run a command; return which of each system call (from 1, by thread) touch its output.

    `places` are the names in the working folder, with or without a dot before, that are output.
    """
    needs_strace()
    folder = command.folder
    log, trace = _log(folder), f"trace={','.join(CALLS)}"
    before = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", trace]
    ran = command.run(before=before)
    assert ran.code == 0, ran.err
    seen, found = Counter(), {}
    for line in log.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        thread, call, arguments = match.groups()
        seen[thread, call] += 1
        if _is_on_output(arguments, folder, places):
            found.setdefault(call, []).append(seen[thread, call])
    return found


def _is_on_output(arguments, folder, places):
    any_place = rf"\.?({'|'.join(places)})"
    return re.search(rf"{re.escape(str(folder))}/{any_place}|\"{any_place}", arguments)


def failing(call, number, what, log=Path("/dev/null")):
    """Return the words that put a command under a strace that fails one system call.

    Parameters
    ----------
    call, number
        The system call, and which of them in a thread.
    what
        ``signal=SIGKILL`` or ``error=ENOSPC``.
    log
        Where strace writes the calls of this name, and which of them it failed.
    """
    inject = f"inject={call}:{what}:when={number}"
    return ["strace", "-f", "-y", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject]


def failures(command, call, numbers, error, *, most=None, places=("out",)):
    """Run a command with one call on its output failing; yield each such run, at most `most`.

    Which call is the n-th of a thread differs from run to run: where the error struck something
    else, say a library on its way in, the run is undone and another number is taken.
    """
    folder, numbers, runs = command.folder, sorted(set(numbers)), 0
    at_first, log = {path.name for path in folder.iterdir()}, _log(folder)
    first = sample(numbers, most or len(numbers))
    for number in [*first, *(n for n in numbers if n not in first)]:
        ran = command.run(before=failing(call, number, f"error={error}", log))
        lines = log.read_text("utf-8", "replace").splitlines()
        struck = [line for line in lines if line.endswith("(INJECTED)")]
        if struck and all(_is_on_output(line, folder, places) for line in struck):
            runs += 1
            yield ran
        for path in folder.iterdir():
            if path.name not in at_first:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if runs == most:
            break
    assert runs, f"no {call} on the output was made to fail"


def _log(folder):
    return folder.parent / f"{folder.name}{_LOG}"


def sample(numbers, most):
    """Return at most `most` of the numbers: the middle one, or first, last, and evenly between."""
    if len(numbers) <= most:
        return sorted(set(numbers))
    if most == 1:
        return [numbers[len(numbers) // 2]]
    return sorted({numbers[i * (len(numbers) - 1) // (most - 1)] for i in range(most)})
