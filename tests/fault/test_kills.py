"""K1 to K4 and D1: killed at any moment, the same command ends with the same bytes."""

import random
import subprocess

import pytest

from tests.fault.conftest import Command, hashes, names, write_corpus
from tests.fault.strace import CALLS, failing, needs_strace, sample

KILL = "signal=SIGKILL"


def survives(command, undisturbed, before):
    """Kill the command once, run it again, compare."""
    killed = command.run(before=before)
    if (command.folder / "out").exists():  # in place: then it is whole
        assert hashes(command.folder / "out") == undisturbed[0]
    command.finished()
    assert hashes(command.folder / "out") == undisturbed[0]
    assert names(command.folder) == ["out", "text.txt"]
    return killed


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_a_system_call_the_same_command_ends_with_the_same_bytes(
    call, train, touched, undisturbed, tmp_path
):
    for number in sample(touched.get(call, []), 2 if call in ("fsync", "rename") else 1):
        killed = survives(train, undisturbed, failing(call, number, KILL))
        assert killed.code in (-9, 137, 0), killed.err
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(call, train, touched, undisturbed, tmp_path):
    for number in sorted(set(touched.get(call, []))):
        survives(train, undisturbed, failing(call, number, KILL))
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)


def killed_often(command, undisturbed, times, seed):
    chance, done = random.Random(seed), 0
    for _ in range(times):
        done += command.killed(chance.uniform(0, undisturbed[1]))
        if (command.folder / "out").exists():
            break
    command.finished()
    assert hashes(command.folder / "out") == undisturbed[0]
    assert names(command.folder) == ["out", "text.txt"]
    return done


def test_killed_at_random_moments(train, undisturbed):
    killed_often(train, undisturbed, 3, seed=1)


@pytest.mark.slow
def test_killed_at_fifty_random_moments(train, undisturbed, tmp_path):
    kills = 0
    for seed in range(1000):
        kills += killed_often(train, undisturbed, 10, seed)
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)
        if kills >= 50:
            break
    assert kills >= 50


@pytest.mark.parametrize(("threads", "hash_seed"), [(1, "0"), (2, "4711")])
def test_resumed_with_other_threads_place_and_hash_seed(train, undisturbed, threads, hash_seed):
    needs_strace()
    folder = train.folder / "å b"
    folder.mkdir()
    (train.folder / "text.txt").rename(folder / "text.txt")
    elsewhere = Command(folder, *train.arguments)
    elsewhere.run(before=failing("fsync", 6, KILL), env={"PYTHONHASHSEED": "1"})
    ran = elsewhere.run("--threads", str(threads), env={"PYTHONHASHSEED": hash_seed})
    assert ran.code == 0, ran.err
    assert hashes(folder / "out") == undisturbed[0]


def test_resuming_with_another_setting_is_refused(train):
    needs_strace()
    train.run(before=failing("fsync", 6, KILL))
    assert ".out.partial" in names(train.folder)
    ran = train.run("--min-frequency", "7")
    assert ran.code == 4
    assert "min_frequency = 2, now it is 7" in ran.err
    assert "--force" in ran.err
    assert train.run("--min-frequency", "7", "--force").code == 0


@pytest.mark.parametrize("model", ["wordpiece", "byte-bpe"])
def test_trained_again_is_the_same_to_the_byte(tmp_path, model):
    write_corpus(tmp_path / "text.txt")
    found = set()
    for threads in (1, 2):
        line = ("train-vocab", "text.txt", "--model", model, "--vocab-size", "300", "--force")
        command = Command(tmp_path, *line, "-o", "out", "--threads", threads)
        ran = command.run(env={"PYTHONHASHSEED": str(threads)})
        assert ran.code == 0, ran.err
        found.add(tuple(hashes(tmp_path / "out").items()))
    assert len(found) == 1
