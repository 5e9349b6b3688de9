"""Intervals: that they are the bootstrap's, repeat themselves, and are made fast enough."""

import time

import numpy as np
import pytest

from tokpipe.metrics.bootstrap import bounds, interval, resamples
from tokpipe.metrics.measures import class_measure, number_measure


def mean(column):
    return lambda weights: (weights @ column / weights.sum(1))[None]


def test_each_round_draws_as_many_units_as_there_are():
    weights = np.concatenate(list(resamples(7, rounds=50)))
    assert weights.shape == (50, 7) and (weights.sum(1) == 7).all()
    assert (weights != weights[0]).any() and weights.max() > 1


@pytest.mark.parametrize("units", [1, 3, 1000, 200_000])
def test_a_round_is_the_same_however_many_are_drawn(units):
    few = np.concatenate(list(resamples(units, seed=5, rounds=2)))
    more = next(iter(resamples(units, seed=5, rounds=3)))
    assert (few[: len(more)] == more[:2]).all()
    other = next(iter(resamples(units, seed=6, rounds=2)))
    assert units == 1 or (other != few[: len(other)]).any()


def test_units_are_drawn_alike():
    drawn = np.concatenate(list(resamples(20, rounds=5000))).mean(0)
    assert drawn == pytest.approx(1.0, abs=0.06)


def test_the_interval_of_a_share_is_the_normal_one():
    column = np.repeat([1.0, 0.0], [800, 200])
    low, high = interval(mean(column), 1000)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert (low[0], high[0]) == pytest.approx((0.8 - half, 0.8 + half), abs=0.004)


def test_nine_of_ten_intervals_of_ninety_percent_hold_the_truth():
    draw = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        low, high = interval(mean(draw.random(60)), 60, seed=seed, rounds=200, level=0.9)
        held += low[0] <= 0.5 <= high[0]
    assert 165 <= held <= 193


def test_draws_without_a_score_are_left_out():
    low, high = bounds(np.array([[np.nan, 1.0, 1.0], [np.nan, np.nan, np.nan]]))
    assert low[0] == high[0] == 1.0 and np.isnan(low[1]) and np.isnan(high[1])


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_a_thousand_resamples_of_ten_thousand_rows_take_under_two_seconds(kind):
    draw = np.random.default_rng(2)
    gold = draw.integers(0, 20, 10_000)
    predicted = np.where(draw.random(10_000) < 0.8, gold, 0)
    make = {
        "classes": lambda: class_measure(gold, predicted, 20),
        "numbers": lambda: number_measure(gold, predicted),
    }
    score = make[kind]()
    next(iter(resamples(2)))  # compiles
    began = time.process_time()
    interval(score.formula(), len(score))
    assert time.process_time() - began < 2.0
