"""Dropout: the right share, no pattern, the same values on the way back."""

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tokpipe.bert.dropout import NO_DROPOUT, dropout_at
from tokpipe.bert.kernels.dropout import drop, dropout_factors
from tokpipe.bert.kernels.norms import sum_norm_backward, sum_norm_forward
from tokpipe.bert.model import Model

ROWS, COLUMNS = 600, 512


def kept(key, place=0, probability=0.1):
    values = np.ones((ROWS, COLUMNS), np.float32)
    drop(values, *dropout_at(key, probability, place))
    return values


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5])
def test_share_and_mean_are_right(probability):
    values = kept(11, probability=probability)
    count = values.size
    spread = 5 * np.sqrt(probability * (1 - probability) / count)
    assert abs((values == 0).mean() - probability) < spread
    assert abs(values.mean() - 1) < 2 * spread
    assert set(np.unique(values)) == {0, np.float32(1 / (1 - probability))}


def test_rows_columns_places_and_keys_are_independent():
    is_dropped = kept(11) == 0
    # the shares of rows and columns spread as those of independent draws
    for axis, count in ((0, ROWS), (1, COLUMNS)):
        shares = is_dropped.mean(axis)
        assert abs(shares.std() / np.sqrt(0.09 / count) - 1) < 0.15
    others = [kept(12) == 0, kept(11, place=1) == 0, kept(1 << 63 | 11) == 0]
    others += [np.roll(is_dropped, shift, axis) for shift in (1, 2, 8, 64) for axis in (0, 1)]
    others += [np.roll(is_dropped, (1, 1), (0, 1)), is_dropped[::-1], is_dropped[:, ::-1]]
    for other in others:
        both = (is_dropped & other).mean()
        assert abs(both - 0.01) < 5 * np.sqrt(0.01 * 0.99 / is_dropped.size)


def test_neighbouring_steps_and_places_have_other_draws():
    draws = {kept(key, place)[:8, :64].tobytes() for key in range(6) for place in range(6)}
    assert len(draws) == 36


def test_the_way_back_drops_the_same_values():
    key, threshold, scale = dropout_at(3, 0.1, 5)
    rng = np.random.default_rng(0)
    x, residual, gradient = (rng.standard_normal((50, 64)).astype(np.float32) for _ in range(3))
    ones, zeros = np.ones(64, np.float32), np.zeros(64, np.float32)
    saved = np.empty_like(x), np.empty(50, np.float32), np.empty_like(x)
    sum_norm_forward(x, residual, ones, zeros, 1e-12, key, threshold, scale, *saved)
    d_residual, d_x = np.empty_like(x), np.empty_like(x)
    sums = [np.zeros(64, np.float32) for _ in range(3)]
    sum_norm_backward(gradient, *saved[:2], ones, key, threshold, scale, d_residual, d_x, *sums)
    factors = dropout_factors(key, x.shape, threshold, scale)
    np.testing.assert_allclose(d_x, d_residual * factors, rtol=1e-6)
    assert 0.05 < (d_x == 0).mean() < 0.15


def test_nothing_is_dropped_without_a_key_or_a_share():
    assert dropout_at(None, 0.5, 3) is NO_DROPOUT
    assert dropout_at(5, 0.0, 3) is NO_DROPOUT
    assert (kept(None) == 1).all()


def test_the_mean_over_many_keys_is_near_the_result_without_dropout():
    config = small_config()
    parameters = random_parameters(config, dtype=np.float32)
    model, batch = Model(config, parameters), random_batch(config)
    workspace, spare = model.workspace(20, 3, 4), parameters.zeros_like()
    losses = [
        model.loss_and_gradients(batch, spare, workspace, dropout_key=key).total
        for key in range(200)
    ]
    assert np.std(losses) > 0.01
    assert np.mean(losses) == pytest.approx(model.losses(batch, workspace).total, rel=0.15)
