"""F1 and F2: a disk that is full, read-only or forbidden."""

import ctypes
import os
import shutil
import subprocess
import time

import pytest

from tests.fault.conftest import Command, hashes, names, write_corpus
from tests.fault.strace import failures


def refused(ran, said):
    assert ran.code == 4, ran.err
    assert said in ran.err.lower()
    assert "Traceback" not in ran.err
    assert ran.err.count("error:") == 1


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("write", "ENOSPC", "no space left on device"),
        ("openat", "EDQUOT", "disk quota exceeded"),
        ("fsync", "EIO", "input/output error"),
        ("mkdir", "EROFS", "read-only file system"),
    ],
)
def test_failing_disk_is_named_and_leaves_nothing(call, error, said, train, touched, undisturbed):
    for ran in failures(train, call, touched[call], error, most=1):
        refused(ran, said)
        assert "out" in ran.err
        assert names(train.folder) == ["text.txt"]
    train.finished()
    assert hashes(train.folder / "out") == undisturbed[0]


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "rename", "mkdir"])
def test_failing_at_every_system_call(call, error, train, touched, undisturbed):
    leaves_all_or_nothing(train, call, error, touched, undisturbed)


def leaves_all_or_nothing(command, call, error, touched, undisturbed):
    """Let each call on the output fail, one a run."""
    for ran in failures(command, call, touched[call], error):
        assert ran.code in (0, 4), ran.err
        assert "Traceback" not in ran.err
        if ran.code == 0:  # it failed in a thread or place that does not matter
            assert hashes(command.folder / "out") == undisturbed[0]
            shutil.rmtree(command.folder / "out")
        assert names(command.folder) == ["text.txt"]


def test_limit_on_file_size_leaves_the_earlier_output(train, undisturbed):
    leaves_the_earlier_output(train, 2000, undisturbed)


def leaves_the_earlier_output(command, most, undisturbed):
    """Run a command, and once more with --force where no file may have more bytes than `most`."""
    command.finished()
    refused(command.limited("FSIZE", most, "--force"), "file too large")
    assert hashes(command.folder / "out") == undisturbed[0]
    assert names(command.folder) == ["out", "text.txt"]


def test_full_small_disk_leaves_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        write_corpus(tmp_path / "text.txt", 3000)
        line = ("train-vocab", "text.txt", "--model", "byte-bpe", "--vocab-size", "4000")
        ran = Command(tmp_path, *line, "-o", "disk/out").run()
        refused(ran, "free)")
        assert names(disk) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def without_privilege():
    """Make the process one that rights of files hold for, root or not."""
    drop_from_bounding_set, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    ctypes.CDLL(None).prctl(drop_from_bounding_set, override)


def test_forbidden_place_is_refused_at_once(train):
    train.run("--dry-run")  # so that Python has its bytecode
    train.folder.chmod(0o555)
    begin = time.monotonic()
    ran = train.run(preexec_fn=without_privilege)
    train.folder.chmod(0o755)
    refused(ran, "permission denied")
    assert time.monotonic() - begin < 5  # a second on an idle machine, most of it Python
    assert names(train.folder) == ["text.txt"]


def test_place_below_a_file_is_refused(train):
    train.arguments[-1] = "text.txt/out"
    refused(train.run(), "a part of the path is a file")
