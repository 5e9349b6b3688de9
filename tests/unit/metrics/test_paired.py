"""The paired test: what is known of it, and that it repeats itself."""

from itertools import product

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.measures import class_measure, number_measure
from tokpipe.metrics.paired import paired_test


def right_or_wrong(right):
    """Return the measure of predictions that are right where `right` says so."""
    return class_measure(np.ones(len(right), int), np.asarray(right, int), 2)


def test_the_same_predictions_are_not_different():
    one = right_or_wrong([1, 0, 1, 1, 0] * 10)
    assert paired_test(one, one)[0] == ("accuracy", 0.0, 0.0, 0.0, 1.0)


def test_the_p_value_is_the_exact_one_where_all_swaps_can_be_counted():
    first, second = [1] * 7 + [0] * 2 + [1] * 11, [0] * 7 + [1] * 2 + [1] * 11
    swaps = [abs(sum(signs)) >= 5 for signs in product((1, -1), repeat=9)]
    found = paired_test(right_or_wrong(first), right_or_wrong(second), rounds=20_000)[0]
    assert found.difference == pytest.approx(0.25)
    assert found.p_value == pytest.approx(np.mean(swaps), abs=0.012)


def test_equally_good_ones_are_called_different_as_often_as_the_level_says():
    draw = np.random.default_rng(4)
    below = 0
    for seed in range(300):
        first, second = draw.random((2, 80)) < 0.7
        below += (
            paired_test(right_or_wrong(first), right_or_wrong(second), seed=seed, rounds=200)[
                0
            ].p_value
            <= 0.05
        )
    assert below <= 27  # 15 are expected at most; the test is conservative where scores are few


def test_a_real_difference_is_found_and_its_interval_is_on_one_side():
    draw = np.random.default_rng(5)
    first, second = draw.random(600) < 0.9, draw.random(600) < 0.7
    found = paired_test(right_or_wrong(first), right_or_wrong(second))[0]
    assert (
        found.p_value == pytest.approx(1 / 2001) and 0 < found.low < found.difference < found.high
    )
    back = paired_test(right_or_wrong(second), right_or_wrong(first))[0]
    assert back.difference == -found.difference and back.p_value == found.p_value
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_correlations_are_compared_as_well():
    draw = np.random.default_rng(6)
    gold = draw.normal(size=300)
    near, far = gold + 0.3 * draw.normal(size=300), gold + 3 * draw.normal(size=300)
    line, ranks = paired_test(number_measure(gold, near), number_measure(gold, far))
    assert line.name == "pearson" and line.p_value < 0.01 and ranks.p_value < 0.01


def test_without_a_score_there_is_no_p_value():
    gold = np.arange(5.0)
    found = paired_test(number_measure(gold, gold), number_measure(gold, np.ones(5)))[0]
    assert np.isnan(found.difference) and np.isnan(found.p_value)


def test_the_same_seed_gives_the_same_and_another_another():
    draw = np.random.default_rng(7)
    pair = [right_or_wrong(draw.random(100) < share) for share in (0.8, 0.75)]
    once, again, other = (paired_test(*pair, seed=seed) for seed in (1, 1, 2))
    assert once == again != other


def test_other_rows_cannot_be_compared():
    with pytest.raises(InputError, match="the same rows"):
        paired_test(right_or_wrong([1, 0]), right_or_wrong([1, 0, 1]))
