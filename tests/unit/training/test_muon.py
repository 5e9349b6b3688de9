"""Muon: what it moves, and how far."""

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import linprog

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters, parameter_table
from tokpipe.training import muon
from tokpipe.training.config import TrainingConfig
from tokpipe.training.muon import COEFFICIENTS, maps_in, orthogonalised
from tokpipe.training.optimizer import Optimizer
from tokpipe.training.pieces import pieces_of

SHAPE = {
    "vocab_size": 90,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 16,
}
MODELS = {
    "plain": {},
    "gated": {"ffn": "glu"},
    "shared": {"share_layers": "all", "embedding_size": 8},
}
RATE, STEPS = 0.02, 4


def moved(model, steps=STEPS, **settings):
    """Return weights before and after steps on gradients that follow from the step alone."""
    parameters = Parameters.initialised(model, 1)
    before, gradients = parameters.block.copy(), parameters.zeros_like()
    config = TrainingConfig(optimizer="muon", **settings)
    optimizer = Optimizer(config, parameters, [gradients], threads=1)
    for step in range(steps):
        gradients.block[:] = gradient_of(gradients, step)
        optimizer.step(RATE, optimizer.gradient_norm())
    return before, parameters, optimizer


def gradient_of(like, step):
    """Return gradients of some structure: of few directions, as those of a batch are."""
    made, generator = like.zeros_like(), np.random.default_rng(step)
    for view in made.views.values():
        shape = view.shape
        view[...] = generator.standard_normal(shape)
        if view.ndim == 2:
            view += 9 * np.outer(*(generator.standard_normal(size) for size in shape))
    return made.block


@pytest.mark.parametrize("shape", [(10, 8), (64, 24), (24, 64), (1, 16), (16, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_directions_keep_their_singular_vectors_and_have_about_one_length(shape, dtype):
    matrix = np.random.default_rng(3).standard_normal(shape).astype(dtype)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    assert values.min() > 0.01 * np.linalg.norm(matrix)
    found = orthogonalised(matrix.copy())
    assert found.dtype == dtype
    inner = left.T @ found @ right.T
    lengths = np.diag(inner)
    assert lengths.min() > 0.73
    assert lengths.max() < 1.27
    np.testing.assert_allclose(inner - np.diag(lengths), 0, atol=2e-4)


def test_each_polynomial_is_the_one_that_leaves_the_least_error():
    low, high = 0.01, 1.0
    for coefficients in COEFFICIENTS:
        values = np.geomspace(low, high, 4000)[:, None]
        powers = np.hstack([values, values**3, values**5])
        errors = np.vstack([np.hstack([s * powers, np.full_like(values, -1)]) for s in (1, -1)])
        limits = np.repeat([1.0, -1.0], len(values))
        best = linprog([0, 0, 0, 1], errors, limits, bounds=(None, None)).x
        np.testing.assert_allclose(coefficients, best[:3], atol=2e-3)
        low, high = 1 - best[3], 1 + best[3]
    assert (round(low, 2), round(high, 2)) == (0.73, 1.27)


def test_no_gradient_makes_no_step():
    assert not orthogonalised(np.zeros((4, 8), np.float32)).any()


@pytest.mark.parametrize("model", MODELS)
def test_every_map_between_hidden_states_is_moved_and_nothing_else(model):
    config = BertConfig(**SHAPE, **MODELS[model])
    _, _, optimizer = moved(config)
    moments = optimizer.moments()
    maps = maps_in(moments.first.table)
    layers = 1 if model == "shared" else 3
    outside = {"mlm.transform.weight", "pooler.weight"}
    outside |= {name for name in moments.first.table if "projection.weight" in name}
    assert {name for name in maps if not name.startswith("layers.")} == outside
    assert len(maps) == 4 * layers + len(outside)
    assert sum(maps.values()) == (7 if model == "gated" else 6) * layers + len(outside)
    for name, view in moments.second.views.items():
        assert view.any() == (name not in maps), name
        assert moments.first.views[name].any(), name


def test_a_map_is_a_piece_so_that_one_rank_has_the_whole_of_it():
    table = Parameters(BertConfig(**SHAPE)).table
    pieces = pieces_of(table, maps_in(table))
    sizes = pieces[:, 1] - pieces[:, 0]
    number = list(table).index("layers.0.attention.qkv.weight")
    assert sizes[pieces[:, 2] == number].tolist() == [32 * 32] * 3
    assert sizes.sum() == sum(slot.size for slot in table.values())


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_the_rest_is_adamws(limit):
    config = BertConfig(**SHAPE)
    before, after, _ = moved(config, max_grad_norm=limit)
    parameters = Parameters.initialised(config, 1)
    gradients = parameters.zeros_like()
    adamw = Optimizer(TrainingConfig(max_grad_norm=limit), parameters, [gradients], threads=1)
    for step in range(STEPS):
        gradients.block[:] = gradient_of(gradients, step)
        adamw.step(RATE, adamw.gradient_norm())
    for name, view in parameters.views.items():
        if name in maps_in(parameters.table):
            assert not np.allclose(view, after.views[name])
        elif limit == 0.0:  # norms of whole maps are summed in another order
            np.testing.assert_array_equal(view, after.views[name])
        else:
            np.testing.assert_allclose(view, after.views[name], rtol=1e-5, atol=1e-7)
    assert not np.array_equal(before, after.block)


def test_moving_takes_no_more_memory_than_is_said():
    config = BertConfig(**{**SHAPE, "hidden_size": 128, "intermediate_size": 512})
    table = parameter_table(config)
    name = "layers.0.ffn.input.weight"
    block = np.random.default_rng(0).standard_normal(table[name].size).astype(np.float32)
    state = tuple(block.copy() for _ in range(3))
    one = muon.Map(0, table[name].size, table[name].shape[1], 0, decays=True)
    muon.move_map(state, one, muon.MuonFactors(1.0, 0.95, RATE, 0.01))  # what is made once
    tracemalloc.start()
    muon.move_map(state, one, muon.MuonFactors(1.0, 0.95, RATE, 0.01))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    said = muon.scratch_bytes(table)
    assert 0.3 * said < most < said + 10_000
