"""How well numbers are predicted: Pearson's and Spearman's correlation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.metrics.classes import Formula
from tokpipe.metrics.columns import checked_numbers

_CANCELLED = 1e-13  # what is left of a variance by rounding where all values are the same


def pearson(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return how far two columns lie on a line, from -1 to 1.

    Parameters
    ----------
    gold, predicted : float[N]

    Returns
    -------
    float
        NaN, as in SciPy, where all values of a column are the same.

    Raises
    ------
    InputError
        If the columns cannot be scored (see `checked_numbers`).

    Examples
    --------
    >>> round(pearson([1, 2, 3], [1, 2, 4]), 4)
    0.982
    """
    truth, guess = checked_numbers(gold, predicted)
    return float(correlations(truth, guess)(np.ones((1, len(truth))))[0])


def spearman(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return how far two columns rise together: Pearson's correlation of their ranks.

    Equal values have the mean of their ranks. Parameters, errors and NaN are those of `pearson`.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [10, 100, 90, 1000]), 4)
    0.8
    """
    truth, guess = checked_numbers(gold, predicted)
    return float(rank_correlations(truth, guess)(np.ones((1, len(truth))))[0])


def correlations(gold: NDArray[np.float64], predicted: NDArray[np.float64]) -> Formula:
    """Return Pearson's correlation as a function of how often each row is there.

    Parameters
    ----------
    gold, predicted : float64[N]

    Returns
    -------
    Formula
        From weights (float64[R, N]) to float64[R].
    """
    pair = _scaled(gold), _scaled(predicted)
    squares = [column**2 for column in pair]
    products = pair[0] * pair[1]

    def correlation(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        count = weights.sum(1)
        means = [_sums(weights, column) / count for column in pair]
        raw = [_sums(weights, column) / count for column in squares]
        spread = [
            np.where(square - mean**2 > _CANCELLED * square, square - mean**2, 0.0)
            for mean, square in zip(means, raw, strict=True)
        ]
        together = _sums(weights, products) / count - means[0] * means[1]
        return _quotient(together, *spread)

    return correlation


def rank_correlations(gold: NDArray[np.float64], predicted: NDArray[np.float64]) -> Formula:
    """Return Spearman's correlation as a function of how often each row is there.

    Parameters and result are those of `correlations`.
    """
    ranks = _ranks(gold), _ranks(predicted)

    def correlation(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        first, second = (one(weights) for one in ranks)
        spread = [_sums(weights * one, one) for one in (first, second)]
        return _quotient(_sums(weights * first, second), *spread)

    return correlation


def _ranks(values: NDArray[np.float64]) -> Formula:
    # to float64[R, N]: the mean of the ranks that the copies of equal values have, less the mean
    # of all; multiples of a half, so that sums of them are exact
    order = np.argsort(values, kind="stable")
    is_first = np.diff(values[order], prepend=-np.inf) > 0
    starts = np.flatnonzero(is_first)
    group = np.empty(len(values), np.int64)
    group[order] = np.cumsum(is_first) - 1

    def ranked(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        copies = np.take(weights, order, axis=1)
        if len(starts) < len(order):
            copies = np.add.reduceat(copies, starts, axis=1)
        middle = np.cumsum(copies, axis=1)
        middle -= copies / 2
        middle -= weights.sum(1, keepdims=True) / 2
        return np.take(middle, group, axis=1)

    return ranked


def _sums(weights: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    # not by BLAS, whose order of sums follows its threads
    return np.einsum("rn,n->r" if columns.ndim == 1 else "rn,rn->r", weights, columns)


def _quotient(
    together: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    spread = np.sqrt(first) * np.sqrt(second)
    found = np.divide(together, spread, out=np.full(len(spread), np.nan), where=spread > 0)
    return np.clip(found, -1.0, 1.0)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # about their mean, and by a power of two, which rounds nothing: squares neither overflow nor
    # vanish
    halved = np.ldexp(values, -int(np.frexp(np.abs(values).max())[1]))
    left = halved - halved.mean()
    return np.ldexp(left, -int(np.frexp(np.abs(left).max())[1]))
