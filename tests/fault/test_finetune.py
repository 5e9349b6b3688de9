"""Fine-tuning killed at a random moment, stopped and gone on with: the same bits."""

import random
import signal

import pytest

from tests.fault.conftest import Command, names, seconds_of
from tests.unit.finetuning.jobs import write_data, write_model
from tests.unit.training.stopping import contents

TRAIN = (
    *("finetune", "classification", "model", "--train", "train.jsonl"),
    *("--validation", "validation.jsonl", "-o", "out", "--epochs", "5", "--batch-size", "8"),
)


def prepared(folder):
    write_model(folder / "model")
    write_data(folder, "classification", 48)
    write_data(folder, "classification", 16, 1, "validation")
    return Command(folder, *TRAIN)


@pytest.fixture
def train(tmp_path):
    return prepared(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the training makes when nobody disturbs it, and in how many seconds, kernels warm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    seconds = seconds_of(prepared(folder))
    return contents(folder / "out"), seconds


def killed_and_ended(train, undisturbed, seed):
    chance = random.Random(seed)
    for _ in range(2):
        train.killed(chance.uniform(0.3, undisturbed[1]))
    if not (train.folder / "out/tokpipe.json").exists():
        train.finished()
    assert contents(train.folder / "out") == undisturbed[0]
    assert names(train.folder) == ["model", "out", "train.jsonl", "validation.jsonl"]


def test_killed_at_random_moments(train, undisturbed):
    killed_and_ended(train, undisturbed, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_killed_at_forty_random_moments(train, undisturbed, seed):
    killed_and_ended(train, undisturbed, seed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_with_a_checkpoint_and_the_command(train, undisturbed, number):
    train.arguments[train.arguments.index("--epochs") + 1] = "10000"
    code, said, seconds = train.signalled(number, "out/checkpoint-*")
    assert code == 128 + number
    assert seconds < 2.5
    newest = max(path.name for path in (train.folder / "out").glob("checkpoint-*"))
    assert f"out/{newest} is kept. To go on:\n  tokpipe finetune classification model" in said
