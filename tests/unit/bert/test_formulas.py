"""The vector forms of exp, erf, tanh and the logistic function against the C library's."""

import math

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tokpipe.bert.kernels import formulas
from tokpipe.bert.kernels.activations import ACTIVATIONS
from tokpipe.bert.model import Model
from tokpipe.foundation.jit import compiled_helper


@compiled_helper
def all_of(values, out):
    for i in range(len(values)):
        out[0, i] = formulas.exponential(values[i])
        out[1, i] = formulas.error_function(values[i])
        out[2, i] = formulas.hyperbolic_tangent(values[i])
        out[3, i] = formulas.logistic(values[i])


def evaluated(values):
    out = np.empty((4, len(values)), np.float32)
    all_of(np.asarray(values, np.float32), out)
    return out


def test_formulas_are_accurate_where_they_are_used():
    x = np.concatenate([np.linspace(-90, 20, 50_001), np.linspace(-5, 5, 50_001)])
    x = x.astype(np.float32)
    exponential, erf, tanh, logistic = evaluated(x).astype(np.float64)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(exponential / np.maximum(exact, 1.6e-38) - 1)[x > -87].max() < 3e-7
    assert np.abs(erf - [math.erf(v) for v in x]).max() < 5e-7
    assert np.abs(tanh - np.tanh(x.astype(np.float64))).max() < 5e-7
    assert np.abs(logistic - 1 / (1 + np.exp(-x.astype(np.float64)))).max() < 5e-7


def test_the_logarithm_is_accurate_from_the_least_to_the_greatest():
    @compiled_helper
    def of(values, out):
        for i in range(len(values)):
            out[i] = formulas.logarithm(values[i])

    near = np.linspace(0.6, 1.5, 50_001)
    x = np.concatenate([near, np.geomspace(1.2e-38, 3.4e38, 50_001)]).astype(np.float32)
    out, exact = np.empty_like(x), np.log(x.astype(np.float64))
    of(x, out)
    assert np.abs(out - exact).max() < 8e-6 * 1.01  # a rounding of 88
    assert (np.abs(out - exact) / np.maximum(np.abs(exact), 1e-7)).max() < 3e-7


def test_small_values_keep_their_digits():
    x = np.float32([1e-20, -1e-6, 1e-3])
    _, erf, tanh, _ = evaluated(x)
    np.testing.assert_allclose(erf, x * 2 / np.sqrt(np.pi), rtol=1e-6)
    np.testing.assert_allclose(tanh, x, rtol=1e-6)


def test_far_out_they_level_off_and_nan_stays():
    exponential, erf, tanh, logistic = evaluated([-np.inf, -200, 200, np.inf, np.nan])
    assert exponential[:2].max() < 1e-37
    assert exponential[2:4].min() > 1e38
    np.testing.assert_array_equal(erf[:4], [-1, -1, 1, 1])
    np.testing.assert_array_equal(tanh[:4], [-1, -1, 1, 1])
    np.testing.assert_array_equal(logistic[:4], [0, 0, 1, 1])
    assert np.isnan([exponential[4], erf[4], tanh[4], logistic[4]]).all()


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "silu"])
def test_an_activation_of_a_value_far_below_zero_is_zero(name):
    # where the formula under it stays short of one, as many times too much as the value is large
    before = np.float32([[-20, -51.6, -1e4, -1e30]])
    out = np.empty_like(before)
    ACTIVATIONS[name][0](before, out)
    np.testing.assert_allclose(out, 0, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "name", ["embeddings.token", "layers.0.attention.qkv.weight", "layers.1.ffn.input.bias"]
)
def test_a_weight_that_is_no_number_shows_in_the_loss(name, bad):
    config = small_config()
    parameters = random_parameters(config, dtype=np.float32)
    parameters.views[name][...] = bad
    model = Model(config, parameters)
    losses = model.loss_and_gradients(
        random_batch(config), parameters.zeros_like(), model.workspace(20, 3, 4)
    )
    assert not np.isfinite(losses.total)
