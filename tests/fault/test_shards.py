"""K1 to K4, F1, L1 and S1 on `build-shards`: killed, starved, refused, stopped."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.fault.conftest import hashes, names, seconds_of
from tests.fault.shards import build_command, write_tokenizer
from tests.fault.strace import CALLS, calls_on_output, failing, failures, sample
from tests.fault.test_disk import leaves_all_or_nothing, leaves_the_earlier_output, refused
from tests.fault.test_kills import KILL, killed_often, survives
from tests.fault.test_signals import AT_WORK, pestered


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return write_tokenizer(tmp_path_factory.mktemp("vocabulary") / "tokenizer.json")


@pytest.fixture
def build(tmp_path, tokenizer):
    return build_command(tmp_path, tokenizer)


@pytest.fixture(scope="module")
def undisturbed(tokenizer, tmp_path_factory):
    """Return what the command makes when nobody disturbs it, and in how many seconds."""
    command = build_command(tmp_path_factory.mktemp("undisturbed"), tokenizer)
    seconds = seconds_of(command)
    assert len(list((command.folder / "out/train").glob("*.arrow"))) > 2
    return hashes(command.folder / "out"), seconds


@pytest.fixture(scope="module")
def touched(tokenizer, undisturbed, tmp_path_factory):
    """Which system calls of an undisturbed run touch its output."""
    return calls_on_output(build_command(tmp_path_factory.mktemp("traced"), tokenizer))


@pytest.mark.parametrize("call", ["rename", "write"])
def test_killed_at_a_system_call_the_same_command_ends_with_the_same_bytes(
    call, build, touched, undisturbed
):
    for number in sample(touched[call], 1):
        killed = survives(build, undisturbed, failing(call, number, KILL))
        assert killed.code in (-9, 137), killed.err
        shutil.rmtree(build.folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(call, build, touched, undisturbed):
    for number in sorted(set(touched.get(call, []))):
        survives(build, undisturbed, failing(call, number, KILL))
        shutil.rmtree(build.folder / "out")


def test_killed_at_random_moments(build, undisturbed):
    killed_often(build, undisturbed, 1, seed=3)


@pytest.mark.slow
def test_killed_at_twenty_random_moments(build, undisturbed):
    kills = 0
    for seed in range(1000):
        kills += killed_often(build, undisturbed, 10, seed)
        shutil.rmtree(build.folder / "out")
        if kills >= 20:
            break
    assert kills >= 20


def finished_shards(folder):
    """Return inode and time of the shards in a working folder that have a record."""
    records = (folder / ".out.partial/.unfinished").glob("*.json")
    found = {}
    for record in records:
        split, number = record.stem.split("-")
        state = (folder / f".out.partial/{split}/data-{number}.arrow").stat()
        found[state.st_ino] = state.st_mtime_ns
    return found


def test_finished_shards_are_not_made_again(build, touched, undisturbed):
    number = touched["fsync"][len(touched["fsync"]) // 3]
    build.run(before=failing("fsync", number, KILL))
    kept = finished_shards(build.folder)
    assert kept
    assert build.run("--threads", "1").code == 0
    states = [path.stat() for path in (build.folder / "out").rglob("*.arrow")]
    after = {state.st_ino: state.st_mtime_ns for state in states}
    assert kept.items() <= after.items()
    assert hashes(build.folder / "out") == undisturbed[0]


def test_going_on_with_another_setting_or_corpus_is_refused(build, touched):
    build.run(before=failing("fsync", sample(touched["fsync"], 1)[0], KILL))
    ran = build.run("--masked-lm-prob", "0.2")
    refused(ran, "masked_lm_prob = 0.15, now it is 0.2")
    assert "--force" in ran.err
    with (build.folder / "text.txt").open("a") as file:
        file.write("one more line\n")
    refused(build.run(), "inputs.text.txt")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("write", "ENOSPC", "no space left on device"),
        ("fsync", "EIO", "input/output error"),
    ],
)
def test_failing_disk_is_named_and_leaves_nothing(call, error, said, build, touched):
    for ran in failures(build, call, touched[call], error, most=1):
        refused(ran, said)
        assert "out" in ran.err
        assert names(build.folder) == ["text.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "rename", "mkdir"])
def test_failing_at_every_system_call(call, error, build, touched, undisturbed):
    leaves_all_or_nothing(build, call, error, touched, undisturbed)


def test_limit_on_file_size_leaves_the_earlier_output(build, undisturbed):
    leaves_the_earlier_output(build, 5000, undisturbed)


def test_second_writer_is_told_who_writes(tmp_path, tokenizer):
    # The first reads standard input, which does not end: so it holds the lock as long as we like.
    first = build_command(tmp_path, tokenizer, inputs="-").started(stdin=subprocess.PIPE)
    limit = time.monotonic() + 60
    while not (tmp_path / ".out.lock").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    time.sleep(0.1)
    ran = build_command(tmp_path, tokenizer).run()
    refused(ran, f"is being written by process {first.pid} on {os.uname().nodename}")
    first.kill()
    first.communicate()


def test_stopped_at_random_moments_the_same_command_goes_on(build, undisturbed):
    pestered(build, undisturbed, 1, seed=6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_stopped_at_twenty_random_moments(build, undisturbed, seed):
    pestered(build, undisturbed, 2, seed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_work_tells_how_to_go_on(tmp_path, tokenizer, number):
    build = build_command(tmp_path, tokenizer)
    text = tmp_path / "text.txt"
    text.write_bytes(text.read_bytes() * 1000)  # 35 MB
    code, said, _ = build.signalled(number, AT_WORK)
    assert code == 128 + number
    line = " ".join(["tokpipe", *build.arguments])
    assert f"finished shards are kept. To go on:\n  {line}\n" in said


def test_stopped_work_on_standard_input_promises_nothing(tmp_path, tokenizer):
    build = build_command(tmp_path, tokenizer, inputs="-")
    code, said, _ = build.signalled(signal.SIGINT, AT_WORK, stdin=subprocess.PIPE)
    assert code == 130
    assert "are kept" not in said
    assert names(tmp_path) == ["text.txt"]
