"""K1 for a training in phases: killed at random steps around the border, it keeps its bits."""

import random

import pytest

from tests.fault.conftest import Command
from tests.unit.training.folders import write_shards
from tests.unit.training.stopping import contents

TRAIN = (
    *("pretrain", "short", "long", "--phase-shares", "0.5,0.5", "--steps", "24"),
    *("--save-steps", "5", "--eval-steps", "8", "--batch-tokens", "120", "--hidden-size", "16"),
    *("--num-hidden-layers", "1", "--num-attention-heads", "2", "--intermediate-size", "32"),
    *("--gradient-accumulation-steps", "3", "--batch-ramp-tokens", "3k"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Short sequences, long ones, and what nobody disturbed."""
    folder = tmp_path_factory.mktemp("phases")
    write_shards(folder / "short", max_seq_length=24)
    write_shards(folder / "long", seed=2, longest=30, max_seq_length=64)
    assert Command(folder, *TRAIN, "-o", "whole").run().code == 0
    return folder


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_steps_around_the_border_it_comes_to_the_same_bits(folder, seed):
    threads, draw = ("--threads", str(1 + seed % 2)), random.Random(seed)
    out = f"out-{seed}"
    command = Command(folder, *TRAIN, *threads, "-o", out)
    steps = sorted({draw.randrange(2, 11), 12, 13, draw.randrange(14, 22)})
    killed = [command.killed_at(f"{out}/log.jsonl", f'"step": {step},') for step in steps]
    assert any(killed)
    command.finished()
    assert contents(folder / out) == contents(folder / "whole")
