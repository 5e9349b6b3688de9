"""Weights have one hash, whoever made them: mini by threads and ranks, and after kills."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.fault.conftest import Command
from tests.fault.test_mpi import Ranks, pytestmark, rank_pids  # noqa: F401 - they need MPI
from tests.unit.training.stopping import contents

TEXT = Path(__file__).parents[2] / "corpora" / "english"
TRAIN = (
    *("pretrain", "shards", "--preset", "mini", "--steps", "200", "--save-steps", "50", "-q"),
    *("--batch-tokens", "256", "--gradient-shards", "4", "--keep-checkpoints", "9"),
)
SHARDS = {
    "static, pairs": ("--masking", "static", "--nsp"),
    "dynamic": ("--masking", "dynamic", "--no-nsp"),
}


def made(folder, name, ranks=0, threads=1):
    """Train to the end, whatever is there; return what came of it."""
    words = (*TRAIN, "-o", name, "--threads", threads)
    one = Ranks(folder, ranks, *words) if ranks else Command(folder, *words)
    one.finished()
    return contents(folder / name)


def killed_and_gone_on_with(then, folder, name, ranks):
    """Kill a rank behind half of the steps, and go on with another number of them."""
    one = Ranks(folder, ranks, *TRAIN, "-o", name)
    process = one.begun(f"{name}/checkpoint-000100")
    os.kill(rank_pids(folder)[ranks - 1], signal.SIGKILL)
    assert process.communicate(timeout=60) and process.returncode == 1
    assert not (folder / name / "checkpoint-000200").exists()
    return made(folder, name, then)


WAYS = {
    "static, pairs": {
        "2 threads": partial(made, threads=2),
        "1 rank": partial(made, ranks=1),
        "2 ranks of 2 threads": partial(made, ranks=2, threads=2),
        "4 ranks": partial(made, ranks=4),
        "4 ranks, killed, then 2": partial(killed_and_gone_on_with, 2, ranks=4),
    },
    "dynamic": {
        "2 ranks": partial(made, ranks=2),
        "2 ranks, killed, then 4": partial(killed_and_gone_on_with, 4, ranks=2),
        "4 ranks, killed, then no rank": partial(killed_and_gone_on_with, 0, ranks=4),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHARDS)
def test_weights_after_200_steps_have_one_hash(kind, tmp_path):
    tokens = ("train-vocab", TEXT, "-o", "tokens", "--vocab-size", "2000", "-q")
    build = ("build-shards", TEXT, "-t", "tokens", "-o", "shards", "-q")
    for words in (tokens, (*build, *SHARDS[kind])):
        assert Command(tmp_path, *words).run().code == 0
    wanted = made(tmp_path, "alone")
    assert any(name.startswith("checkpoint-000200/") for name in wanted)
    for way, make in WAYS[kind].items():
        assert make(tmp_path, way.replace(" ", "-").replace(",", "")) == wanted, way
