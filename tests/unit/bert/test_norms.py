"""LayerNorm of rows whose values differ by little, against the same in float64."""

import numpy as np
import pytest

from tokpipe.bert.kernels.norms import norm_forward, sum_norm_forward

KEY, TENTH = np.uint64(1), (np.uint32(429496730), 10 / 9)


def normalised_by_float64(x, eps):
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(1, keepdims=True) + eps)


@pytest.mark.parametrize("deviation", [1e-3, 1.0])
@pytest.mark.parametrize("mean", [0, 1, 100, 1e4, 1e6])
def test_a_mean_far_above_the_deviation_costs_no_digits(mean, deviation):
    draws = np.random.default_rng(0).standard_normal((16, 768))
    x = (mean + deviation * draws).astype(np.float32)
    weight, bias = np.ones(768, np.float32), np.zeros(768, np.float32)
    normalised, scales, out = np.empty_like(x), np.empty(len(x), np.float32), np.empty_like(x)
    norm_forward(x, weight, bias, 1e-5, normalised, scales, out)
    expected = normalised_by_float64(x.astype(np.float64), 1e-5)
    np.testing.assert_allclose(normalised, expected, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(out, normalised)


def test_two_nearly_equal_sums_are_told_apart():
    x, residual = np.float32([[0.62519145, -5.8689327]]), np.float32([[0.53335387, 1.2422457]])
    weight, bias = np.float32([-0.02727176, 0.21535392]), np.float32([0.10296768, -0.98052716])
    normalised, scales, out = np.empty_like(x), np.empty(1, np.float32), np.empty_like(x)
    sum_norm_forward(x, residual, weight, bias, 1e-5, KEY, *TENTH, normalised, scales, out)
    factors = np.float64([[np.float32(10 / 9), 0]])  # the second value is dropped
    total = (residual + x * factors).astype(np.float32)  # rounded once
    expected = normalised_by_float64(total.astype(np.float64), 1e-5)
    np.testing.assert_allclose(normalised, expected, rtol=0, atol=3e-6)
    assert normalised.sum() == 0
