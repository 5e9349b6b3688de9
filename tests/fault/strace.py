"""Processes under strace: which system calls touch the output, and one of them made to fail."""

import re
import shutil
import subprocess
from collections import Counter

import pytest

CALLS = ("openat", "write", "fsync", "rename", "mkdir", "unlink", "rmdir")
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


def needs_strace():
    """Skip where strace is missing or may not trace."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("strace may not trace here")


def calls_on_output(command, folder, *more):
    """Run a command; return which of each system call (from 1, by thread) touch its output."""
    log = folder.parent / f"{folder.name}.strace"
    before = [
        "strace",
        "-f",
        "-y",
        "-qq",
        "-s",
        "0",
        "-o",
        str(log),
        "-e",
        f"trace={','.join(CALLS)}",
    ]
    ran = command.run(*more, before=before)
    assert ran.code == 0, ran.err
    seen, found = Counter(), {}
    for line in log.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        thread, call, arguments = match.groups()
        seen[thread, call] += 1
        if re.search(rf"{re.escape(str(folder))}/\.?out|\"\.?out", arguments):
            found.setdefault(call, []).append(seen[thread, call])
    return found


def failing(call, number, what):
    """Return the words that put a command under a strace that fails one system call.

    Parameters
    ----------
    call, number
        The system call, and which of them in a thread.
    what
        ``signal=SIGKILL`` or ``error=ENOSPC``.
    """
    inject = f"inject={call}:{what}:when={number}"
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]


def sample(numbers, most):
    """Return at most `most` of the numbers: the middle one, or first, last, and evenly between."""
    if len(numbers) <= most:
        return sorted(set(numbers))
    if most == 1:
        return [numbers[len(numbers) // 2]]
    return sorted({numbers[i * (len(numbers) - 1) // (most - 1)] for i in range(most)})
