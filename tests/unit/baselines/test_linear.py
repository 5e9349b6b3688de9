"""Linear models: gradients in double precision, and the least value of what they minimise."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tokpipe.baselines.linear import LOSSES, chances, fit_linear

DRAW = np.random.default_rng(1)


def targets_of(loss, rows=40, classes=3):
    if loss == "softmax":
        return np.eye(classes)[DRAW.integers(0, classes, rows)]
    drawn = DRAW.random((rows, classes))
    return (drawn < 0.4).astype(float) if loss == "sigmoid" else drawn


@pytest.mark.parametrize("loss", LOSSES)
def test_the_slope_of_a_loss_is_its_derivative(loss):
    outputs, targets = DRAW.normal(size=(5, 3)) * 3, targets_of(loss, 5)
    _, slope = LOSSES[loss](outputs, targets)
    for place in np.ndindex(outputs.shape):
        moved = outputs.copy()
        moved[place] += 1e-6
        above = LOSSES[loss](moved, targets)[0]
        moved[place] -= 2e-6
        below = LOSSES[loss](moved, targets)[0]
        assert slope[place] == pytest.approx((above - below) / 2e-6, abs=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_of_huge_outputs_is_finite(loss):
    value, slope = LOSSES[loss](np.array([[1e4, -1e4, 0.0]]), np.array([[0.0, 1.0, 0.0]]))
    assert np.isfinite(value) and np.isfinite(slope).all()
    assert np.isfinite(chances(np.array([[1e4, -1e4, 0.0]]), loss)).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scaled", [False, True])
def test_what_is_found_is_least(loss, scaled):
    features = csr_array((DRAW.random((40, 6)) < 0.4) * DRAW.normal(size=(40, 6)))
    targets = targets_of(loss)
    scale = DRAW.normal(size=(6, 3)) + 2 if scaled else None
    found = fit_linear(features, targets, loss, 2.0, scale=scale)

    def objective(weights, bias):
        own = weights if scale is None else weights / scale
        value, _ = LOSSES[loss](features @ weights + bias, targets)
        return 2.0 * value + 0.5 * (own**2).sum()

    least = objective(*found)
    for _ in range(200):
        step = DRAW.normal(size=found.weights.shape) * 0.02
        turn = DRAW.normal(size=found.bias.shape) * 0.02
        assert objective(found.weights + step, found.bias + turn) > least - 1e-4 * abs(least)


@pytest.mark.parametrize("scaled", [False, True])
def test_two_classes_are_fitted_to_the_same_least_value(scaled):
    features = csr_array((DRAW.random((40, 6)) < 0.4) * DRAW.normal(size=(40, 6)))
    targets = targets_of("softmax", classes=2)
    one = DRAW.normal(size=(6, 1)) + 2
    scale = np.hstack([-one, one]) if scaled else None
    found = fit_linear(features, targets, "softmax", 2.0, scale=scale)

    def objective(weights, bias):
        own = weights if scale is None else weights / scale
        return 2.0 * LOSSES["softmax"](features @ weights + bias, targets)[0] + 0.5 * (own**2).sum()

    least = objective(*found)
    for _ in range(200):
        step, turn = DRAW.normal(size=(6, 2)) * 0.02, DRAW.normal(size=2) * 0.02
        assert objective(found.weights + step, found.bias + turn) > least - 1e-4 * abs(least)
    again = fit_linear(features, targets, "softmax", 2.0, scale=scale, start=found)
    assert again.weights == pytest.approx(found.weights, abs=1e-2)


def test_a_start_near_the_end_changes_nothing_but_the_time():
    features, targets = csr_array(DRAW.normal(size=(40, 6))), targets_of("softmax")
    once = fit_linear(features, targets, "softmax", 1.0)
    again = fit_linear(features, targets, "softmax", 1.0, start=once)
    assert again.weights == pytest.approx(once.weights, abs=1e-2)


def test_without_features_there_is_still_the_share_of_each_class():
    targets = np.eye(2)[[0, 0, 0, 1]]
    found = fit_linear(csr_array((4, 0)), targets, "softmax", 1.0)
    assert chances(found.outputs(csr_array((1, 0))), "softmax")[0] == pytest.approx(
        [0.75, 0.25], abs=1e-3
    )
