"""Arguments for the kernels of training."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.training.kernels import Factors
from tokpipe.training.tree import tree_of

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def pieces_of(draw, sizes):
    borders = np.cumsum([0, *sizes])
    rows = [
        (borders[i], borders[i + 1], draw(st.integers(0, 2)), draw(st.integers(0, 1)))
        for i in range(len(sizes))
    ]
    return np.array(rows, np.int64)


def blocks_of(draw, count, size):
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    return tuple(generator.standard_normal(size, np.float32) for _ in range(count))


def factors_of(draw):
    scale, root = draw(st.sampled_from([1.0, 0.25])), draw(st.floats(0.03, 1))
    return Factors(*map(np.float32, (scale, 0.9, 0.999, 0.01, root, 1e-3, 0.05)))


@st.composite
def _sums(draw):
    sizes = draw(SIZES)
    shards = blocks_of(draw, draw(st.sampled_from([1, 2, 5])), sum(sizes))
    return shards, tree_of(len(shards)), pieces_of(draw, sizes), np.zeros(len(sizes))


@st.composite
def _states(draw):
    sizes = draw(SIZES)
    weights, gradient, first, second = blocks_of(draw, 4, sum(sizes))
    state = weights, gradient, first, np.abs(second)
    return state, pieces_of(draw, sizes), factors_of(draw)


@st.composite
def _lamb(draw):
    state, pieces, factors = draw(_states())
    return state, pieces, factors, np.zeros((len(pieces), 2))


@st.composite
def _moves(draw):
    sizes = draw(SIZES)
    weights, directions = blocks_of(draw, 2, sum(sizes))
    return weights, directions, pieces_of(draw, sizes), np.array([0.1, 0.01, 1], np.float32)


CASES = {
    "tokpipe.training.kernels.sum_gradients": _sums(),
    "tokpipe.training.kernels.adamw": _states(),
    "tokpipe.training.kernels.lamb_directions": _lamb(),
    "tokpipe.training.kernels.move_by_tensor": _moves(),
}
TOLERANCES = {  # an order of additions in 64 bits, and products fused or not in 32
    "tokpipe.training.kernels.sum_gradients": 1e-12,
    "tokpipe.training.kernels.adamw": 1e-5,
    "tokpipe.training.kernels.lamb_directions": 1e-5,
    "tokpipe.training.kernels.move_by_tensor": 1e-6,
}
