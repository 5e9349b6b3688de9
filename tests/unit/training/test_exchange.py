"""What is sent when: each range of the block once, as soon as all parts here have its gradients."""

import threading
from itertools import pairwise

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.training.simulated import simulated
from tokpipe.bert.head import Capacity
from tokpipe.bert.parameters import parameter_table, whole_behind
from tokpipe.training.config import TrainingConfig
from tokpipe.training.exchange import stretches_of, when_all_have
from tokpipe.training.pieces import pieces_of
from tokpipe.training.trainer import Terms, Trainer

LAYERS = 3


@pytest.mark.parametrize("shared", ["none", "all", "attention", "ffn"])
def test_stretches_are_all_that_moves_once_in_the_order_in_which_it_is_whole(shared):
    table = parameter_table(small_config(num_hidden_layers=LAYERS, share_layers=shared))
    pieces, names = pieces_of(table), list(table)
    moving = pieces[pieces[:, 2] != 1]  # one tensor is frozen
    stretches = stretches_of(moving, table)
    found = np.concatenate([stretch.pieces for stretch in stretches])
    np.testing.assert_array_equal(found[np.argsort(found[:, 0])], moving)
    behind = [stretch.behind for stretch in stretches]
    assert behind == sorted(behind, reverse=True)
    for stretch in stretches:
        start, end = stretch.span
        inside = [names[tensor] for first, last, tensor, _ in moving if start <= first < end]
        assert {whole_behind(name) for name in inside} == {stretch.behind}


def watched(rank, events):
    """Return a rank that notes what is begun, and when what it waits for is asked for."""
    begin, finish, gather = rank.begin, rank.finish, rank.gather

    def begins(own, received, borders, span):
        events.append(("begin", span))
        begin(own, received, borders, span)

    def finishes():
        events.append(("finish",))
        finish()

    def gathers(values, counts):
        events.append(("gather",))
        return gather(values, counts)

    rank.begin, rank.finish, rank.gather = begins, finishes, gathers
    return rank


def events_of(rank, batches, threads=1, shards=4, lowest=-1):
    """Return what a rank does in a step, without what it asks before the first layer."""
    config = small_config(num_hidden_layers=LAYERS, hidden_dropout_prob=0.1)
    parameters, events = random_parameters(config).astype(np.float32), []
    frozen = [
        name
        for name in parameters.table
        if name.startswith(("embeddings", *(f"layers.{n}." for n in range(lowest))))
    ]
    terms = Terms(rates=dict.fromkeys(frozen if lowest >= 0 else (), 0.0), lowest=lowest)
    trainer = Trainer(
        TrainingConfig(gradient_shards=shards),
        parameters,
        Capacity(8, 2, 2),
        threads,
        terms,
        watched(rank, events),
    )
    step = trainer.gradients([random_batch(config, (5, 3, 7, 4), seed=n) for n in range(batches)])
    trainer.optimizer.step(0.01, step.grad_norm)
    return [event[0] for event in events], [event[1] for event in events if event[0] == "begin"]


@pytest.mark.parametrize(("batches", "threads"), [(1, 1), (1, 2), (3, 2)])
def test_all_layers_are_sent_before_losses_are_told_and_embeddings_behind(batches, threads):
    for kinds, spans in simulated(2, lambda rank: events_of(rank, batches, threads)):
        # heads and layers on the way back; what the losses are; embeddings; the norm
        assert kinds == ["begin"] * (LAYERS + 1) + ["gather", "begin", "finish", "gather"]
        assert spans == sorted(spans, reverse=True)
        assert all(end <= start for (start, _), (_, end) in pairwise(spans))


def test_what_stays_is_not_sent():
    for kinds, spans in simulated(2, lambda rank: events_of(rank, 1, lowest=2)):
        assert kinds == ["begin"] * 2 + ["gather", "finish", "gather"]
        first = parameter_table(small_config(num_hidden_layers=LAYERS))
        assert min(spans)[0] == first["layers.2.attention.qkv.weight"].offset


def test_a_rank_without_a_part_sends_all_in_the_end():
    found = simulated(8, lambda rank: events_of(rank, 1, shards=8))
    begun = [kinds.index("gather") for kinds, _ in found]
    assert begun == [LAYERS + 1] * 4 + [0] * 4
    assert len({tuple(spans) for _, spans in found}) == 1


def test_the_last_of_some_parts_hands_a_number_on():
    said, barrier = [], threading.Barrier(4)
    one = when_all_have(4, said.append)

    def run():
        for number in (2, 1, 0):
            barrier.wait(30)
            assert said == [2, 1, 0][: 2 - number]
            barrier.wait(30)
            one(number)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [2, 1, 0]
