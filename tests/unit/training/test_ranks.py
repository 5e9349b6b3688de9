import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.simulated import simulated
from tests.unit.training.test_optimizer import CONFIG
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ConfigError
from tokpipe.training.config import TrainingConfig
from tokpipe.training.kernels import sum_gradients_reference
from tokpipe.training.optimizer import Optimizer
from tokpipe.training.pieces import pieces_of
from tokpipe.training.ranks import ALONE, leaves_of, slices_of
from tokpipe.training.tree import left_by, sums_of, tree_of

RANKS_AND_EACH = st.tuples(st.integers(1, 8), st.integers(1, 6))


def added(blocks, sums):
    """Return the sum of blocks in the order of a table."""
    size = len(blocks[0])
    found = tuple(block.copy() for block in blocks)
    sum_gradients_reference(found, sums, np.array([[0, size, 0, 0]]), np.zeros(1))
    return found


@given(RANKS_AND_EACH, st.integers(0, 2**32))
def test_ranks_add_up_in_the_order_of_one(ranks_and_each, seed):
    ranks, each = ranks_and_each
    draws = np.random.default_rng(seed)
    leaves = [draws.standard_normal(5).astype(np.float32) for _ in range(ranks * each)]
    wanted = added(leaves, tree_of(len(leaves)))[0]
    left = []
    for rank in range(ranks):
        sums = sums_of(len(leaves), ranks, rank)
        own = added(leaves[rank * each :][:each], sums.within)
        left += [own[number] for number in sums.left]
    found = added(left, sums_of(len(leaves), ranks, 0).across)
    np.testing.assert_array_equal(found[0], wanted)
    assert [len(sums_of(len(leaves), ranks, rank).left) for rank in range(ranks)] == left_by(
        len(leaves), ranks
    )


@given(st.integers(1, 64))
def test_a_tree_takes_each_leaf_once_and_is_balanced(leaves):
    tree = tree_of(leaves)
    depth = np.zeros(leaves, int)
    for first, second in tree:
        depth[first] = max(depth[first], depth[second]) + 1
    assert sorted(tree[:, 1].tolist()) == list(range(1, leaves))
    assert depth[0] == int(np.ceil(np.log2(leaves)))


@given(st.integers(1, 9), st.lists(st.integers(1, 40), min_size=0, max_size=12))
def test_slices_cover_a_block_at_the_borders_of_pieces(ranks, sizes):
    ends = np.cumsum(sizes, dtype=np.int64)
    pieces = np.array([(e - s, e, 0, 1) for e, s in zip(ends, sizes, strict=True)], np.int64)
    pieces = pieces.reshape(-1, 4)
    slices = slices_of(pieces, int(sum(sizes)) + 3, ranks)
    assert slices.values[0] == slices.pieces[0] == 0
    assert (slices.values[-1], slices.pieces[-1]) == (sum(sizes) + 3, len(sizes))
    assert len(slices.values) == ranks + 1 and sum(slices.counts()) == len(sizes)
    assert (np.diff(slices.values) >= 0).all()
    for rank in range(ranks):
        for start, end, *_ in pieces[slices.pieces[rank] : slices.pieces[rank + 1]]:
            assert slices.values[rank] <= start < end <= slices.values[rank + 1]


def test_slices_are_about_as_large_as_each_other():
    parameters = Parameters(CONFIG)
    slices = slices_of(pieces_of(parameters.table), len(parameters.block), 2)
    sizes = np.diff(slices.values)
    assert sizes.max() < 1.3 * sizes.min()


def test_ranks_that_cannot_share_the_parts_evenly_are_refused():
    class Three:
        rank, size = 0, 3

    with pytest.raises(ConfigError, match=r"gradient_shards=4 .* 3 ranks") as refused:
        leaves_of(Three(), 4)  # type: ignore[arg-type]
    assert "multiple of 3" in refused.value.hint
    assert leaves_of(Three(), 6) == range(2)  # type: ignore[arg-type]


def test_who_is_alone_leaves_everything_where_it_is():
    block = np.arange(6, dtype=np.float32)
    ALONE.share(block, [0, 6])
    ALONE.collect(block, [0, 6])
    ALONE.deal(block, [0, 6])
    ALONE.spread(block)
    ALONE.begin([block], [[block]], [0, 6], (0, 6))
    ALONE.finish()
    assert block.tolist() == [0, 1, 2, 3, 4, 5]
    assert ALONE.gather(np.array([1.0, 2.0]), [2]).tolist() == [1, 2]
    assert ALONE.first(lambda: {"a": 1}) == {"a": 1}
    assert ALONE.settle(KeyboardInterrupt())
    with ALONE.moving(lambda: True) as goes_on:
        assert not goes_on


def stepped(ranks, shards, frozen=(), **settings):
    """Return weights, norms and moments of a rank after steps on gradients of known leaves."""
    parameters = Parameters.initialised(CONFIG, 1)
    leaves = leaves_of(ranks, shards)
    gradients = [parameters.zeros_like() for _ in leaves]
    rates = dict.fromkeys(frozen, 0.0)
    config = TrainingConfig(**settings)
    optimizer, norms = Optimizer(config, parameters, gradients, 1, rates, ranks), []
    for step in range(3):
        for leaf, gradient in zip(leaves, gradients, strict=True):
            generator = np.random.default_rng((step, leaf))
            for view in gradient.views.values():
                view += generator.standard_normal(view.shape, np.float32)
        norms.append(optimizer.gradient_norm())
        optimizer.step(0.01, norms[-1])
        assert not any(gradient.block.any() for gradient in gradients)
    moments = optimizer.moments()
    kept = None if moments is None else [moment.block.copy() for moment in moments]
    return parameters.block.copy(), norms, kept


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
@pytest.mark.parametrize(("ranks", "shards"), [(2, 2), (2, 6), (4, 4), (3, 6), (8, 8)])
def test_steps_of_several_ranks_are_those_of_one(ranks, shards, optimizer):
    wanted = stepped(ALONE, shards, optimizer=optimizer)
    for number, found in enumerate(
        simulated(ranks, lambda rank: stepped(rank, shards, optimizer=optimizer))
    ):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1] == wanted[1]
        assert (found[2] is None) == (number > 0)
        for one, other in zip(found[2] or (), wanted[2], strict=number == 0):
            np.testing.assert_array_equal(one, other)


def test_frozen_tensors_stay_with_several_ranks(monkeypatch):
    names = [name for name in Parameters(CONFIG).table if name.startswith("embeddings")]
    wanted = stepped(ALONE, 2, names)
    for found in simulated(2, lambda rank: stepped(rank, 2, names)):
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1] == wanted[1]
