import numpy as np
import pytest

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.training.config import TrainingConfig
from tokpipe.training.optimizer import Optimizer
from tokpipe.training.pieces import pieces_of

CONFIG = BertConfig(
    vocab_size=5000,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=16,
)


def trained(steps=3, shards=3, threads=1, rates=None, **settings):
    """Return weights after steps on gradients that follow from the step and the shard alone."""
    parameters = Parameters.initialised(CONFIG, 1)
    gradients = [parameters.zeros_like() for _ in range(shards)]
    optimizer = Optimizer(TrainingConfig(**settings), parameters, gradients, threads, rates)
    norms = []
    for step in range(steps):
        for number, shard in enumerate(gradients):
            generator = np.random.default_rng((step, number))
            for view in shard.views.values():
                view += generator.standard_normal(view.shape, np.float32)
        norms.append(optimizer.gradient_norm())
        optimizer.step(0.01, norms[-1])
    assert all(not shard.block.any() for shard in gradients)
    return parameters, norms


def test_pieces_cover_every_weight_once():
    table = Parameters(CONFIG).table
    covered = np.zeros(max(slot.end for slot in table.values()), int)
    for start, end, tensor, _ in pieces_of(table):
        covered[start:end] += 1
        slot = list(table.values())[tensor]
        assert slot.offset <= start < end <= slot.end
    assert covered.sum() == Parameters(CONFIG).count
    assert covered.max() == 1


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
def test_threads_do_not_change_a_bit(optimizer):
    one, norms = trained(threads=1, optimizer=optimizer)
    two, same = trained(threads=2, optimizer=optimizer)
    assert norms == same
    np.testing.assert_array_equal(one.block, two.block)


def test_the_norm_is_that_of_the_sum():
    _, norms = trained(steps=1)
    views = Parameters(CONFIG).views.values()
    draws = [np.random.default_rng((0, number)) for number in range(3)]
    total = [sum(d.standard_normal(v.shape, np.float32) for d in draws) for v in views]
    assert norms[0] == pytest.approx(np.sqrt(sum((t.astype(float) ** 2).sum() for t in total)))


def test_the_first_step_of_adamw_is_the_learning_rate():
    before = Parameters.initialised(CONFIG, 1)
    after, _ = trained(steps=1, weight_decay=0.0, adam_epsilon=0.0)
    moved = np.abs(after.views["pooler.weight"] - before.views["pooler.weight"])
    np.testing.assert_allclose(moved, 0.01, rtol=1e-4)


def test_biases_and_norms_do_not_decay():
    plain, _ = trained(weight_decay=0.0)
    decayed, _ = trained(weight_decay=0.5)
    for name, view in plain.views.items():
        same = np.array_equal(view, decayed.views[name])
        assert same == name.endswith(("bias", "norm.weight"))


def test_a_step_of_lamb_is_as_long_as_the_tensor_allows():
    before = Parameters.initialised(CONFIG, 1)
    after, _ = trained(steps=1, optimizer="lamb")
    old, new = (p.views["pooler.weight"].astype(float) for p in (before, after))
    assert np.linalg.norm(new - old) == pytest.approx(0.01 * np.linalg.norm(old), rel=1e-4)


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
def test_a_frozen_tensor_stays_and_counts_nothing_in_the_norm(optimizer):
    before = Parameters.initialised(CONFIG, 1)
    frozen = [name for name in before.views if name.startswith("embeddings")]
    after, norms = trained(optimizer=optimizer, rates=dict.fromkeys(frozen, 0.0))
    assert norms[0] < trained(optimizer=optimizer)[1][0]
    for name, view in before.views.items():
        assert np.array_equal(view, after.views[name]) == (name in frozen), name


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
@pytest.mark.parametrize("name", ["pooler.weight", "layers.0.ffn.input.weight"])
def test_a_rate_of_a_tensor_is_that_of_a_run_with_that_rate(optimizer, name):
    settings = {"optimizer": optimizer, "max_grad_norm": 0.0, "steps": 1}
    before = Parameters.initialised(CONFIG, 1).views
    plain, slower = trained(**settings)[0].views, trained(**settings, rates={name: 0.25})[0].views
    for other, view in plain.items():
        assert np.array_equal(view, slower[other]) == (other != name)
    np.testing.assert_allclose(
        slower[name] - before[name], 0.25 * (plain[name] - before[name]), atol=1e-6
    )


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
def test_rates_of_one_change_no_bit(optimizer):
    plain, _ = trained(optimizer=optimizer)
    ones, _ = trained(optimizer=optimizer, rates=dict.fromkeys(plain.table, 1.0))
    np.testing.assert_array_equal(plain.block, ones.block)
