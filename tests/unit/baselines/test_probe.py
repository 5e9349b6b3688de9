"""Linear models of mapped vectors: gradients, what is read side by side, and threads."""

import numpy as np
import pytest

from tokpipe.baselines.probe import (
    STRENGTHS,
    Planes,
    Told,
    choose,
    fit,
    frequencies,
    moments_of,
    unpacked,
    variables_of,
)

ROWS, WIDTH, CLASSES = 90, 6, 3


@pytest.fixture
def values():
    drawn = np.random.default_rng(4).normal(size=(3, ROWS, WIDTH))
    scales = np.array([1.0, 5.0, 0.2])[:, None, None]
    return (drawn * scales + 3).astype(np.float32)


@pytest.fixture
def targets(values):
    told = values[1, :, :CLASSES] + np.random.default_rng(5).normal(size=(ROWS, CLASSES))
    return np.eye(CLASSES)[told.argmax(1)]


LEARNED = np.arange(ROWS) % 5 > 0


def planes_of(values, which=(0, 1, 2), *, mixed=False, threads=1):
    return Planes(values, which, moments_of(values), mixed, threads)


def told(targets, learned=LEARNED):
    return Told(targets.argmax(1).astype(np.int32), targets.shape[1], learned)


def fitted(planes, targets, strength):
    known = told(targets)
    variables = variables_of(planes.sample(), frequencies(known), known, strength)
    return fit(planes, known, strength, variables)


def objective(planes, flat, targets, strength):
    """Compute the same by hand, in double precision, from features brought to one scale."""
    outputs = 0
    own = WIDTH * CLASSES * (1 if planes.mixed else len(planes.which))
    weights = flat[:own].reshape(-1, WIDTH, CLASSES)
    shares = np.exp(flat[own + CLASSES :])
    shares = shares / shares.sum() if planes.mixed else np.ones(len(planes.which))
    for place, plane in enumerate(planes.which):
        rows = planes.values[plane].astype(np.float64)
        scaled = (rows - rows.mean(0)) / rows.std(0)
        outputs = outputs + shares[place] * (scaled @ weights[0 if planes.mixed else place])
    outputs = (outputs + flat[own : own + CLASSES])[LEARNED]
    loss = np.log(np.exp(outputs).sum(1)) - (outputs * targets[LEARNED]).sum(1)
    penalty = (flat[:own] ** 2).sum() + (flat[own + CLASSES :] ** 2).sum()
    return strength * loss.sum() + penalty / 2


@pytest.mark.parametrize("mixed", [False, True], ids=["side by side", "weighted sum"])
def test_what_is_found_is_the_least_value(values, targets, mixed):
    planes = planes_of(values, mixed=mixed)
    found = fitted(planes, targets, 1.0)
    best = objective(planes, found, targets, 1.0)
    assert best < 0.8 * objective(planes, np.zeros_like(found), targets, 1.0)
    for place in range(len(found)):
        step = np.zeros_like(found)
        step[place] = 1e-4
        sides = [objective(planes, found + sign * step, targets, 1.0) for sign in (1, -1)]
        assert abs(sides[0] - sides[1]) / 2e-4 < 0.05


def test_a_weighted_sum_finds_the_layer_that_knows(values, targets):
    planes = planes_of(values, mixed=True)
    _, weights = choose(planes, told(targets))
    assert weights.mix.argmax() == 1 and weights.mix.sum() == pytest.approx(1)


def test_vectors_side_by_side_are_one_wider_vector(values, targets):
    joined = np.concatenate([*values], axis=1)[None]
    apart, wide = planes_of(values), planes_of(joined, (0,))
    found = [choose(planes, told(targets)) for planes in (apart, wide)]
    assert found[0][0] == found[1][0]
    outputs = [one.outputs(w) for one, (_, w) in zip((apart, wide), found, strict=True)]
    assert np.abs(outputs[0] - outputs[1]).max() < 0.02


@pytest.mark.parametrize("mixed", [False, True], ids=["side by side", "weighted sum"])
def test_weights_do_not_depend_on_threads(targets, mixed):
    drawn = np.random.default_rng(1).normal(size=(2, 9000, 5)).astype(np.float32)
    wanted = np.eye(3)[drawn[0, :, :3].argmax(1)]
    learned = np.arange(9000) % 7 > 0
    planes = [planes_of(drawn, (0, 1), mixed=mixed, threads=threads) for threads in (1, 3)]
    found = [choose(one, told(wanted, learned)) for one in planes]
    assert found[0][1].each.tobytes() == found[1][1].each.tobytes()
    assert found[0][1].bias.tobytes() == found[1][1].bias.tobytes()


@pytest.mark.parametrize("much", [0, 1, 2])
def test_the_strength_is_that_of_the_least_loss_held_out(values, much):
    noise = np.random.default_rng(2).normal(size=(ROWS, CLASSES))
    wanted = np.eye(CLASSES)[((values[1, :, :CLASSES] - 3) / 5 * much + noise).argmax(1)]
    planes = planes_of(values)
    losses = []
    for strength in STRENGTHS:
        found = unpacked(planes, fitted(planes, wanted, strength), CLASSES)
        outputs = planes.outputs(found)[~LEARNED]
        right = (outputs * wanted[~LEARNED]).sum(1)
        losses.append((np.log(np.exp(outputs).sum(1)) - right).sum())
    assert choose(planes, told(wanted))[0] == STRENGTHS[int(np.argmin(losses))]


def test_numbers_that_are_always_the_same_tell_nothing(targets):
    planes = planes_of(np.ones((1, ROWS, WIDTH), np.float32), (0,))
    weights = unpacked(planes, fitted(planes, targets, 1.0), CLASSES)
    assert not weights.each.any()
    shares = np.exp(weights.bias) / np.exp(weights.bias).sum()
    assert shares == pytest.approx(targets[LEARNED].mean(0), abs=1e-3)
