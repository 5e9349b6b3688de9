"""A share of masks for training: of the training split alone, and refused where it does nothing."""

import json

import numpy as np
import pytest

from tests.unit.shards.folders import write_batches
from tests.unit.training.folders import MODEL, train, write_shards
from tests.unit.training.stopping import contents
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.shards.reader import open_shards
from tokpipe.training.config import TrainingConfig
from tokpipe.training.fitting import fitted_training
from tokpipe.training.loading import capacity_of, loaders
from tokpipe.training.pretrain import pretrain
from tokpipe.training.settings import OURS, SETTINGS

SHARE = 0.6
EMPTY = {"train": [[]], "validation": [[]]}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards") / "s", longest=30)


def masked(loader):
    batches = list(loader.batches(0))
    return sum(len(b.masked_ids) for b in batches) / sum(len(b.input_ids) for b in batches)


def test_the_training_split_alone_has_the_share(shards):
    found = open_shards(shards)
    train_split, validation = loaders(found, TrainingConfig(masked_lm_prob=SHARE))
    assert abs(masked(train_split) - SHARE) < 0.05
    _, as_before = loaders(found, TrainingConfig())
    pairs = zip(validation.batches(0), as_before.batches(0), strict=True)
    assert all(np.array_equal(one.masked_positions, other.masked_positions) for one, other in pairs)


def test_memory_is_taken_for_as_many_masks(shards):
    found = open_shards(shards)
    few, many = (
        capacity_of(TrainingConfig(masked_lm_prob=share), [found]) for share in (0.15, 0.6)
    )
    assert many.masks > 2 * few.masks
    assert capacity_of(TrainingConfig(), [found]) == few


def test_a_run_has_the_same_bits_stopped_or_not_and_by_any_threads(shards, tmp_path):
    train(shards, tmp_path / "one", masked_lm_prob=SHARE)
    train(shards, tmp_path / "two", masked_lm_prob=SHARE, threads=2)
    train(shards, tmp_path / "without")
    assert (
        contents(tmp_path / "one") == contents(tmp_path / "two") != contents(tmp_path / "without")
    )
    told = json.loads((tmp_path / "one" / "trainer_state.json").read_text())
    assert told["settings"]["training"]["masked_lm_prob"] == SHARE


def test_a_run_does_not_go_on_with_another_share(shards, tmp_path):
    train(shards, tmp_path / "run", masked_lm_prob=SHARE)
    with pytest.raises(ArtifactError, match="masked_lm_prob"):
        train(shards, tmp_path / "run", masked_lm_prob=0.3, steps=20)


@pytest.mark.parametrize(
    ("masks", "found"),
    [
        ({"masking": "static"}, "holds masked copies"),
        ({"max_predictions_per_seq": 20}, "max_predictions_per_seq=20"),
    ],
    ids=["stored", "limited"],
)
def test_a_share_that_does_nothing_is_refused_and_never_set_by_a_name(tmp_path, masks, found):
    made = write_batches(tmp_path / "s", EMPTY, MaskConfig(**masks))
    config = TrainingConfig(masked_lm_prob=SHARE)
    with pytest.raises(ConfigError, match=found):
        pretrain(made, MODEL, config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert fitted_training(OURS, TrainingConfig(), [open_shards(made)]) == TrainingConfig()


def test_a_limit_that_is_not_reached_allows_a_share(tmp_path):
    limited = MaskConfig(max_predictions_per_seq=100)
    made = open_shards(write_batches(tmp_path / "s", EMPTY, limited))
    assert loaders(made, TrainingConfig(masked_lm_prob=SHARE))[0].masks.masked_lm_prob == SHARE


def test_a_name_sets_it_where_nobody_did(shards):
    found = [open_shards(shards)]
    assert (
        fitted_training(OURS, TrainingConfig(), found).masked_lm_prob
        == SETTINGS[OURS].masked_lm_prob
    )
    given = TrainingConfig(masked_lm_prob=0.2)
    assert fitted_training(OURS, given, found) == given
    assert fitted_training("bert", TrainingConfig(), found) == TrainingConfig()
