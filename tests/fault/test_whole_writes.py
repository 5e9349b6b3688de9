"""B2: what takes only a part of a write, or none for a while; the output is whole, or exit 4."""

import fcntl
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.fault.conftest import Command, write_corpus

UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
FORMATS = ("ids", "tokens", "jsonl", "arrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a text and a vocabulary."""
    folder = tmp_path_factory.mktemp("whole")
    write_corpus(folder / "text.txt", lines=800)
    ran = Command(folder, "train-vocab", "text.txt", "--vocab-size", "220", "-o", "tok").run()
    assert ran.code == 0, ran.err
    return folder


def encode(folder, kind, *more):
    return Command(folder, "encode", "text.txt", "-t", "tok", "--to", kind, *more)


def of_8192_bytes():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


@pytest.mark.parametrize("env", [UNBUFFERED, {}], ids=["unbuffered", "buffered"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_limit_on_sizes_is_no_success(folder, tmp_path, kind, env):
    with (tmp_path / "out").open("wb") as out:
        ran = encode(folder, kind).run(stdout=out, env=env, preexec_fn=of_8192_bytes)
    assert ran.code == 4, ran.err
    assert "stdout: file too large" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "vocab", "tok", "--json"),
        ("inspect", "tokens", "gull " * 2000, "-t", "tok", "--json"),
        ("completion", "bash"),
        ("encode", "text.txt", "-t", "tok"),
        ("doctor", "--json"),
    ],
    ids=lambda arguments: " ".join(arguments)[:16],
)
@pytest.mark.parametrize("env", [UNBUFFERED, {}], ids=["unbuffered", "buffered"])
def test_every_command_notices_a_full_stdout(folder, arguments, env):
    with Path("/dev/full").open("wb") as out:
        ran = Command(folder, *arguments).run(stdout=out, env=env)
    assert ran.code == 4, ran.err
    assert "no space left" in ran.err.lower() and "Traceback" not in ran.err
    assert " free)" not in ran.err  # nobody knows how much of a device is free


@pytest.mark.parametrize("env", [UNBUFFERED, {}], ids=["unbuffered", "buffered"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_slow_pipe_that_does_not_block_gets_all_bytes(folder, kind, env):
    whole = encode(folder, kind).run()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    process = encode(folder, kind).started(stdout=writer, env=env)
    os.close(writer)
    parts = []
    while part := os.read(reader, 3000):
        parts.append(part)
        if len(parts) < 20:
            time.sleep(0.01)
    _, err = process.communicate(timeout=600)
    os.close(reader)
    assert process.returncode == 0, err
    if kind != "arrow":
        assert b"".join(parts).decode() == whole.out
    else:
        assert sum(map(len, parts)) > 10_000 and parts[-1].endswith(bytes(4))


def test_the_free_space_told_is_that_of_the_output(folder, tmp_path):
    """Of stdout, which has no path here, and not of the folder that the command runs in."""
    disk = os.statvfs(tmp_path)
    if os.statvfs("/dev/shm").f_bavail == disk.f_bavail:
        pytest.skip("one disk only")
    place = Path("/dev/shm/tokpipe-whole-writes")
    try:
        with place.open("wb") as out:
            ran = encode(folder, "ids").run(stdout=out, preexec_fn=of_8192_bytes)
    finally:
        place.unlink()
    free = os.statvfs("/dev/shm").f_bavail * os.statvfs("/dev/shm").f_frsize
    told = ran.err.split("(")[1].split(" free")[0]
    number, unit = told.split()
    scale = {"MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * scale == pytest.approx(free, rel=0.2)


def test_the_whole_of_a_file_or_nothing(folder, tmp_path):
    for name in ("out.txt", "deep/out.txt"):
        ran = encode(folder, "ids", "-o", tmp_path / name).run(preexec_fn=of_8192_bytes)
        assert ran.code == 4, ran.err
        assert not (tmp_path / name).exists()
    assert subprocess.run(["ls", "-A", tmp_path / "deep"], capture_output=True).stdout == b""
