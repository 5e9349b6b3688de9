"""A trainer whose work several ranks share: the same bits as alone, whatever the threads."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.training.simulated import simulated
from tokpipe.bert.head import Capacity
from tokpipe.bert.parameters import parameter_table
from tokpipe.training.config import TrainingConfig
from tokpipe.training.ranks import ALONE
from tokpipe.training.tallies import joined, losses_of, rows_of
from tokpipe.training.trainer import PRETRAINING, Terms, Trainer

CONFIG = small_config(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.1)
BATCHES = [random_batch(CONFIG, seed=seed) for seed in range(5)]
HEADS = ["mlm", "nsp"]


def trained(ranks, threads, shards, optimizer, model=CONFIG, terms=PRETRAINING):
    """Return what comes of two steps of two batches, an evaluation and logits."""
    config = TrainingConfig(gradient_shards=shards, optimizer=optimizer, weight_decay=0.1)
    parameters = random_parameters(model).astype(np.float32)
    trainer = Trainer(config, parameters, Capacity(8, 2, 2), threads, terms, ranks)
    found = []
    for batches in (BATCHES[:2], BATCHES[2:4]):
        step = trainer.gradients(batches)
        trainer.optimizer.step(0.01, step.grad_norm)
        found.append((dict(step.losses), step.grad_norm))
    evaluated = dict(trainer.evaluate(BATCHES, lambda: False))
    logits, losses = trainer.outputs("mlm", BATCHES, lambda: False)
    return parameters.block.copy(), found, evaluated, np.concatenate(logits), dict(losses)


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
@pytest.mark.parametrize(("ranks", "threads", "shards"), [(2, 1, 2), (2, 2, 4), (4, 1, 4)])
def test_ranks_and_threads_change_no_bit(ranks, threads, shards, optimizer):
    wanted = trained(ALONE, 1, shards, optimizer)
    for found in simulated(ranks, lambda rank: trained(rank, threads, shards, optimizer)):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1:3] == wanted[1:3]
        np.testing.assert_array_equal(found[3], wanted[3])
        assert found[4] == wanted[4]


MODELS = {
    **{f"shared {part}": {"share_layers": part} for part in ("all", "attention", "ffn")},
    "pre-norm, distances": {"norm_position": "pre", "position": "relative"},
    "gated": {"ffn": "glu"},
    "projected": {"embedding_size": 6, "share_layers": "all"},
}
STAYS = ("embeddings", "layers.0.", "layers.1.")


@pytest.mark.parametrize("model", MODELS)
def test_no_model_changes_a_bit_whatever_its_layers_share(model):
    config = replace(CONFIG, num_hidden_layers=3, **MODELS[model])
    wanted = trained(ALONE, 1, 4, "adamw", config)
    for found in simulated(2, lambda rank: trained(rank, 2, 4, "adamw", config)):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1:3] == wanted[1:3]


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
def test_layers_that_stay_change_no_bit(optimizer):
    config = replace(CONFIG, num_hidden_layers=3)
    frozen = [name for name in parameter_table(config) if name.startswith(STAYS)]
    terms = Terms(rates=dict.fromkeys(frozen, 0.0), lowest=2)
    wanted = trained(ALONE, 1, 4, optimizer, config, terms)
    for found in simulated(4, lambda rank: trained(rank, 1, 4, optimizer, config, terms)):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1:3] == wanted[1:3]


def test_ranks_without_a_part_of_a_small_batch_change_no_bit():
    """A batch of two sequences has two parts, and eight ranks wait for them."""
    wanted = trained(ALONE, 1, 8, "adamw")
    for found in simulated(8, lambda rank: trained(rank, 1, 8, "adamw")):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1:3] == wanted[1:3]


def test_restored_moments_are_dealt_and_gathered_again():
    def restored(rank):
        parameters = random_parameters(CONFIG).astype(np.float32)
        config = TrainingConfig(gradient_shards=4)
        trainer = Trainer(config, parameters, Capacity(8, 2, 2), 1, ranks=rank)

        def read(weights, moments):
            weights.block[:] = 7
            for number, moment in enumerate(moments):
                moment.block[:] = np.arange(len(moment.block)) + number

        trainer.restore(read, 9)
        moments = trainer.optimizer.moments()
        own = None if moments is None else [moment.block.copy() for moment in moments]
        return parameters.block.copy(), trainer.optimizer.steps, own

    size = len(random_parameters(CONFIG).block)
    for number, (weights, steps, moments) in enumerate(simulated(4, restored)):
        assert (weights == 7).all() and steps == 9
        assert (moments is None) == (number > 0)
        for which, moment in enumerate(moments or ()):
            np.testing.assert_array_equal(moment, np.arange(size, dtype=np.float32) + which)


def test_tallies_survive_their_way_through_a_table():
    parameters = random_parameters(CONFIG).astype(np.float32)
    found = Trainer(TrainingConfig(), parameters, Capacity(8, 2, 2), 1).evaluate(
        BATCHES[:1], lambda: False
    )
    table = rows_of({(0, 1): found}, (1, 2), HEADS)
    assert dict(losses_of(table[0, 1], HEADS)) == dict(found)
    assert dict(losses_of(table[0, 0], HEADS)) == {}
    assert dict(joined([table], HEADS)) == dict(found)
