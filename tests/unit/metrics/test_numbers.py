"""Correlations: numbers worked out by hand, and each edge."""

import math

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.numbers import pearson, rank_correlations, spearman

TABLE = {
    "a line": ([1, 2, 3], [2, 4, 6], 1, 1),
    "a falling line": ([1, 2, 3], [6, 4, 2], -1, -1),
    "rising, no line": ([1, 2, 3], [1, 2, 4], 3 / math.sqrt(2 * 14 / 3), 1),
    "ties": (
        [1, 2, 2, 3],
        [1, 3, 2, 4],
        2 / math.sqrt(5) * math.sqrt(9 / 8),
        4.5 / math.sqrt(22.5),
    ),
    "two rows": ([1, 5], [7, 8], 1, 1),
    "far from zero": ([1e9, 1e9 + 1, 1e9 + 2], [0, 1, 2], 1, 1),
    "huge": ([1e300, 2e300, -1e300], [1e300, 2e300, -1e300], 1, 1),
    "tiny": ([1e-300, 2e-300, -1e-300], [1, 2, -1], 1, 1),
}


@pytest.mark.parametrize("case", TABLE)
def test_numbers_correlate_as_worked_out_by_hand(case):
    gold, predicted, line, ranks = TABLE[case]
    assert pearson(gold, predicted) == pytest.approx(line, abs=1e-12)
    assert spearman(gold, predicted) == pytest.approx(ranks, abs=1e-12)


@pytest.mark.parametrize("score", [pearson, spearman])
@pytest.mark.parametrize("flat", [0.0, 0.1, 1e300, -3.7])
def test_no_correlation_with_what_is_always_the_same(score, flat):
    moving = np.arange(7.0)
    assert math.isnan(score(moving, np.full(7, flat)))
    assert math.isnan(score(np.full(7, flat), moving))
    assert math.isnan(score([1.0], [2.0]))


@pytest.mark.parametrize("score", [pearson, spearman])
@pytest.mark.parametrize(
    ("gold", "predicted", "said"),
    [
        ([], [], "nothing to score"),
        ([1.0, 2.0], [1.0], "shape"),
        ([1.0, np.nan], [1.0, 2.0], "gold value of row 2 is nan"),
        ([1.0, 2.0], [np.inf, 2.0], "predicted value of row 1 is inf"),
        (["1"], ["2"], "numbers are needed"),
        ([[1.0]], [[1.0]], "dimensions"),
    ],
)
def test_what_cannot_be_scored_is_said(score, gold, predicted, said):
    with pytest.raises(InputError) as caught:
        score(gold, predicted)
    assert said in str(caught.value)


def test_a_weight_is_as_good_as_so_many_copies():
    gold, predicted = np.array([1.0, 2, 2, 5, 0]), np.array([3.0, 1, 4, 4, 4])
    weights = np.array([2, 0, 1, 3, 1])
    copied = spearman(np.repeat(gold, weights), np.repeat(predicted, weights))
    found = rank_correlations(gold, predicted)(weights[None].astype(float))
    assert found[0] == pytest.approx(copied, abs=1e-15)
