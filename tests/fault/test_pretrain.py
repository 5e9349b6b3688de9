"""K1 to K3, F1, L1, M1, N1 and S1 for pretraining: killed, stopped, starved, resumed."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest

from tests.fault.conftest import ROOT, Command, names, seconds_of
from tests.fault.strace import calls_on_output, failing, failures, sample
from tests.unit.training.folders import write_shards
from tests.unit.training.stopping import contents

KILL = "signal=SIGKILL"
CALLS = ("openat", "write", "fsync", "rename", "unlink", "rmdir", "mkdir")
TRAIN = (
    *("pretrain", "shards", "-o", "out", "--steps", "24", "--save-steps", "8"),
    *("--eval-steps", "8", "--batch-tokens", "120", "--hidden-size", "16"),
    *("--num-hidden-layers", "1", "--num-attention-heads", "2", "--intermediate-size", "32"),
)


@pytest.fixture
def train(tmp_path):
    write_shards(tmp_path / "shards")
    return Command(tmp_path, *TRAIN)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the training makes when nobody disturbs it, and in how many seconds, kernels warm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_shards(folder / "shards")
    seconds = seconds_of(Command(folder, *TRAIN))
    return contents(folder / "out"), seconds


@pytest.fixture(scope="module")
def touched(tmp_path_factory, undisturbed):
    """Which system calls of an undisturbed training touch its output."""
    folder = tmp_path_factory.mktemp("traced")
    write_shards(folder / "shards")
    return calls_on_output(Command(folder, *TRAIN))


def ends_as(train, undisturbed):
    """Run once more, whatever is there, and compare with the undisturbed run."""
    train.finished()
    assert contents(train.folder / "out") == undisturbed[0]
    assert names(train.folder) == ["out", "shards"]


@pytest.mark.parametrize("call", ["write", "rename"])
def test_killed_at_a_system_call_the_same_command_ends_with_the_same_bytes(
    call, train, touched, undisturbed
):
    for number in sample(touched.get(call, []), 1):
        train.run(before=failing(call, number, KILL))
        ends_as(train, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_many_system_calls(call, train, touched, undisturbed, tmp_path):
    for number in sample(touched.get(call, []), 40):
        train.run(before=failing(call, number, KILL))
        ends_as(train, undisturbed)
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("call", ["write", "fsync", "openat", "rename"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_refuses_leaves_what_was_there(
    call, error, train, touched, undisturbed, tmp_path
):
    for ran in failures(train, call, touched[call], error, most=8):
        assert ran.code in (0, 4), ran.err
        assert "Traceback" not in ran.err
        ends_as(train, undisturbed)
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)


def killed_often(train, undisturbed, times, seed):
    chance = random.Random(seed)
    for _ in range(times):
        train.killed(chance.uniform(0.3, undisturbed[1]))
        if (train.folder / "out/tokpipe.json").exists():
            break
    ends_as(train, undisturbed)


def test_killed_at_random_moments(train, undisturbed):
    killed_often(train, undisturbed, 2, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_fifty_random_moments(train, undisturbed, seed):
    killed_often(train, undisturbed, 5, seed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_with_a_checkpoint_and_the_command(train, undisturbed, number):
    train.arguments[train.arguments.index("24")] = "100000"
    code, said, seconds = train.signalled(number, "out/checkpoint-000008")
    assert code == 128 + number
    assert seconds < 2.5
    log = (train.folder / "out/log.jsonl").read_text().splitlines()
    newest = max(path.name for path in (train.folder / "out").glob("checkpoint-*"))
    steps = [json.loads(line)["step"] for line in log]
    assert newest == f"checkpoint-{steps[-1]:06d}"
    assert f"out/{newest} is kept. To go on:\n  tokpipe pretrain shards -o out" in said


def test_a_full_disk_keeps_the_last_checkpoint(train, undisturbed):
    code = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "sys.argv[0] = 'tokpipe'; runpy.run_module('tokpipe', run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *train.arguments],
        cwd=train.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 4, ran.stderr
    assert "checkpoint-000008" in ran.stderr
    assert not [name for name in names(train.folder / "out") if name.startswith(".")]
    ends_as(train, undisturbed)


def test_too_little_memory_is_said_before_the_start(train):
    ran = train.run("--intermediate-size", "40000", "--hidden-size", "40000")
    assert ran.code == 5, ran.err
    assert "training takes about" in ran.err
    assert "hint:" in ran.err


def test_numbers_that_are_none_stop_it_and_name_the_last_good_checkpoint(train):
    ran = train.run(
        *("--learning-rate", "1e38", "--max-grad-norm", "0", "--warmup-steps", "12"),
        *("--schedule", "constant", "--weight-decay", "0"),
    )
    assert ran.code in (0, 1), ran.err
    if ran.code:
        assert "checkpoint" in ran.err or "weights" in ran.err
