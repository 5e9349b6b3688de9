"""Training in bfloat16: the same bits whoever works, gone on with as it was begun, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.finetuning.jobs import FAST, write_data, write_model
from tests.unit.finetuning.test_finetune import contents
from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import MODEL, train, write_shards
from tests.unit.training.simulated import simulated
from tokpipe.bert.head import Capacity
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.finetune import finetune
from tokpipe.foundation import processors
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.processors import multiplies
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.progress import State
from tokpipe.training.ranks import ALONE
from tokpipe.training.state import checkpoints
from tokpipe.training.trainer import Trainer

needs_bfloat16 = pytest.mark.skipif(
    not multiplies("bfloat16"), reason="this processor has no products in bfloat16"
)
WIDE = replace(MODEL, hidden_size=48, intermediate_size=80)
BF16 = {"model": WIDE, "precision": "bfloat16", "batch_tokens": 240}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards") / "s")


@pytest.fixture(scope="module")
def whole(shards, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    train(shards, run, **BF16)
    return run


@pytest.fixture
def lacking(monkeypatch):
    """A processor without products in bfloat16."""
    monkeypatch.setattr(processors, "multiplies", lambda kind: kind == "float32")


@needs_bfloat16
def test_two_threads_make_the_same_bits_as_one(shards, whole, tmp_path):
    train(shards, tmp_path / "run", threads=2, **BF16)
    assert contents(tmp_path / "run") == contents(whole)


@needs_bfloat16
def test_stopped_it_goes_on_to_the_same_bits(shards, whole, tmp_path):
    with pytest.raises(StoppedError):
        train(shards, tmp_path / "run", watch=FailsAt(7), **BF16)
    train(shards, tmp_path / "run", threads=2, **BF16)
    assert contents(tmp_path / "run") == contents(whole)


@needs_bfloat16
def test_manifest_and_log_name_the_kind(shards, whole, tmp_path):
    assert State.read(whole).settings["training"]["precision"] == "bfloat16"
    steps = [line for line in read_log(whole / "log.jsonl") if not line.split]
    assert {line.precision for line in steps} == {"bfloat16"}
    train(shards, tmp_path / "run", **{**BF16, "precision": "float32"})
    assert contents(tmp_path / "run") != contents(whole)
    assert "precision" not in (tmp_path / "run" / "log.jsonl").read_text()


@needs_bfloat16
@pytest.mark.parametrize(("first", "then"), [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_a_run_does_not_go_on_in_another_precision(shards, tmp_path, first, then):
    run = tmp_path / "run"
    with pytest.raises(StoppedError):
        train(shards, run, watch=FailsAt(7), **{**BF16, "precision": first})
    match = f'training.precision was "{first}", now it is "{then}"'
    with pytest.raises(ArtifactError, match=match):
        train(shards, run, **{**BF16, "precision": then})
    assert checkpoints(run)


@needs_bfloat16
def test_a_run_in_bfloat16_does_not_go_on_where_there_is_none(shards, tmp_path, request):
    run = tmp_path / "run"
    with pytest.raises(StoppedError):
        train(shards, run, watch=FailsAt(7), **BF16)
    request.getfixturevalue("lacking")
    with pytest.raises(ArtifactError, match='was "bfloat16", now it is "float32"'):
        train(shards, run, **{**BF16, "precision": "auto"})
    with pytest.raises(ConfigError, match="takes AVX-512, which this processor has not"):
        train(shards, run, **BF16)


@pytest.mark.usefixtures("lacking")
def test_bfloat16_is_refused_before_anything_is_written(shards, tmp_path):
    with pytest.raises(ConfigError, match="precision='bfloat16' takes AVX-512"):
        train(shards, tmp_path / "run", **BF16)
    assert not (tmp_path / "run" / "log.jsonl").exists()
    model, data = write_model(tmp_path / "model"), write_data(tmp_path, "classification")
    with pytest.raises(ConfigError, match="precision='bfloat16' takes AVX-512"):
        finetune(
            *("classification", model, data),
            out=tmp_path / "made",
            config=FinetuneConfig(**FAST, precision="bfloat16"),
        )


@pytest.mark.usefixtures("lacking")
def test_auto_is_float32_where_there_is_no_other(shards, tmp_path):
    made = train(shards, tmp_path / "run", **{**BF16, "precision": "auto"})
    assert "precision" not in made.state.settings["training"]


CONFIG = small_config(hidden_size=32, intermediate_size=64, vocab_size=40)
BATCHES = [random_batch(CONFIG, (14, 9, 16, 12), seed=seed, masks=40) for seed in range(4)]


def moved(ranks, threads):
    config = TrainingConfig(gradient_shards=2, precision="bfloat16")
    parameters = random_parameters(CONFIG, 0, np.float32)
    trainer = Trainer(config, parameters, Capacity(40, 4, 30), threads, ranks=ranks)
    for batches in (BATCHES[:2], BATCHES[2:]):
        trainer.move(0.01, trainer.gradients(batches).grad_norm)
    return parameters.block.copy(), dict(trainer.evaluate(BATCHES, lambda: False))


@needs_bfloat16
def test_ranks_and_threads_change_no_bit():
    wanted = moved(ALONE, 1)
    for found in (moved(ALONE, 2), *simulated(2, lambda rank: moved(rank, 1))):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1] == wanted[1]


@needs_bfloat16
def test_fine_tuning_in_bfloat16_learns_and_repeats_itself(tmp_path):
    model, data = write_model(tmp_path / "model"), write_data(tmp_path, "classification")
    settings = {**FAST, "precision": "bfloat16"}
    for name, threads in (("one", 1), ("two", 2)):
        made = finetune(
            *("classification", model, data),
            out=tmp_path / name,
            config=FinetuneConfig(**settings),
            threads=threads,
        )
    assert made.report.scores["validation"].scores[0].value > 0.5
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    settings = State.read(tmp_path / "one").settings
    assert settings["training"]["precision"] == settings["finetuning"]["precision"] == "bfloat16"
