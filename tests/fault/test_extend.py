"""K1 to K4 on extend-vocab: killed at any moment, the same command ends with the same bytes."""

import random
import subprocess

import pytest

from tests.fault.conftest import Command, hashes, names, seconds_of, write_corpus
from tests.fault.strace import failing, needs_strace
from tests.unit.tasks.models import small


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The hashes of what is made of a model when nothing happens, and the seconds that takes."""
    command = extending(tmp_path_factory.mktemp("undisturbed"))
    seconds = seconds_of(command)
    return hashes(command.folder / "out"), seconds


def extending(folder):
    small().save(folder / "m")
    write_corpus(folder / "text.txt")
    with (folder / "text.txt").open("a") as file:
        file.write("cats and dogs, roads and mats\n" * 200)
    return Command(folder, "extend-vocab", "m", "text.txt", "--add", "4", "-o", "out")


def ends_well(command, undisturbed):
    if (command.folder / "out").exists():  # in place: then it is whole
        assert hashes(command.folder / "out") == undisturbed[0]
    command.finished()
    assert hashes(command.folder / "out") == undisturbed[0]
    assert names(command.folder) == ["m", "out", "text.txt"]


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(tmp_path, undisturbed, seed):
    command, chance = extending(tmp_path), random.Random(seed)
    for _ in range(2):
        command.killed(chance.uniform(0.3, 1) * undisturbed[1])
        if (tmp_path / "out").exists():
            break
    ends_well(command, undisturbed)


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_killed_at_a_system_call(tmp_path, undisturbed, call, number):
    needs_strace()
    command = extending(tmp_path)
    killed = command.run(before=failing(call, number, "signal=SIGKILL"))
    assert killed.code in (-9, 137, 0), killed.err
    ends_well(command, undisturbed)
    subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)
