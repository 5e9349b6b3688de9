from itertools import pairwise

import pytest

from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import STEPS, train, write_shards
from tests.unit.training.stopping import contents
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.shards.reader import open_shards
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log

RAMP = {"gradient_accumulation_steps": 4, "batch_ramp_tokens": 900}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards") / "s")


def tokens_of(run):
    found = [line.tokens for line in read_log(run / "log.jsonl") if not line.split]
    return [0, *found]


def test_each_step_has_the_batches_that_its_tokens_say(shards, tmp_path):
    train(shards, tmp_path / "run", **RAMP)
    found = open_shards(shards)
    loader = Loader(
        found.train, BatchConfig(batch_tokens=STEPS["batch_tokens"]), found.facts, found.masks, 0
    )
    sizes = [len(batch.input_ids) for epoch in (0, 1, 2) for batch in loader.batches(epoch)]
    config, taken = TrainingConfig(**RAMP), 0
    for before, after in pairwise(tokens_of(tmp_path / "run")):
        count = config.batches_at(before)
        assert after - before == sum(sizes[taken : taken + count])
        taken += count
    assert taken > 12 + 4  # it has grown, and is at its full size for some steps


@pytest.mark.parametrize("step", [1, 4, 7, 10])
def test_stopped_on_the_ramp_it_goes_on_to_the_same_bits(shards, tmp_path, step):
    train(shards, tmp_path / "whole", **RAMP)
    with pytest.raises(StoppedError):
        train(shards, tmp_path / "run", **RAMP, watch=FailsAt(step))
    train(shards, tmp_path / "run", **RAMP, threads=2)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_without_tokens_to_ramp_over_every_step_is_whole(shards, tmp_path):
    train(shards, tmp_path / "run", gradient_accumulation_steps=2, steps=4)
    sizes = [after - before for before, after in pairwise(tokens_of(tmp_path / "run"))]
    assert min(sizes) > STEPS["batch_tokens"]
