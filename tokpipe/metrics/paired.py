"""Whether one set of predictions is better than another on the same rows.

Approximate randomisation: if the two were equally good, it would not matter which of them said
what of a row, so the outputs of rows are swapped at random, and counted is how often the difference
becomes as large as it is. It supposes nothing of how a score is distributed and holds for any score
of the whole, such as F1 or a correlation, for which McNemar's test has no table and a t-test no
grounds. The interval of the difference is the paired bootstrap's: both drawn with the same rows.

References
----------
E. Noreen: Computer Intensive Methods for Testing Hypotheses, 1989.
A. Yeh: More Accurate Tests for the Statistical Significance of Result Differences, COLING 2000.
R. Dror et al.: The Hitchhiker's Guide to Testing Statistical Significance in NLP, ACL 2018.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.seeds import fill_random_bits, stream_key
from tokpipe.metrics.bootstrap import CELLS, ROUNDS, bounds, resamples
from tokpipe.metrics.classes import Formula
from tokpipe.metrics.measures import Measure

_ROUNDING = 1e-12  # sums in another order are no other difference


class Paired(NamedTuple):
    """The difference of two sets of predictions in one score."""

    name: str  # of the score
    difference: float  # the first less the second
    # `low`, `high`: 95 % interval of the difference
    low: float
    high: float
    # how likely a difference at least as large is where neither is better; NaN where the score is
    # not defined
    p_value: float


def paired_test(
    first: Measure, second: Measure, *, seed: int = 0, rounds: int = 2 * ROUNDS
) -> tuple[Paired, ...]:
    """Test the differences of two sets of predictions for the same units.

    Parameters
    ----------
    first, second
        The same scores of the same units, in the same order.
    seed, rounds
        Of the draws; the least p-value is ``1 / (rounds + 1)``.

    Raises
    ------
    InputError
        If the two are not of the same scores and the same number of units.
    """
    for name, one in (("first", first), ("second", second)):
        require(name, one, Measure, optional=False)
    for name, value in (("rounds", rounds), ("seed", seed)):
        require(name, value, int, optional=False)
    if rounds < 1:
        raise InputError(f"rounds={rounds}; 1 or more are needed")
    both = first.joined(second).formula()
    observed = first.values() - second.values()
    reached = np.zeros(len(observed))
    for own, other in _swaps(len(first), seed, rounds):
        reached += (np.abs(_difference(both, own, other).T) >= np.abs(observed) - _ROUNDING).sum(0)
    p_values = np.where(np.isnan(observed), np.nan, (reached + 1) / (rounds + 1))
    drawn = [
        _difference(both, weights, np.zeros_like(weights))
        for weights in resamples(len(first), seed=seed)
    ]
    columns = (observed, *bounds(np.concatenate(drawn, axis=1)), p_values)
    rows = zip(first.names, *(column.tolist() for column in columns), strict=True)
    return tuple(Paired(*row) for row in rows)


def _difference(
    both: Formula, own: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    # float64[k, R]: one side reads `own` of the first and `other` of the second, one the reverse
    sides = (np.concatenate(pair, axis=1) for pair in ((own, other), (other, own)))
    one, two = (both(side) for side in sides)
    return one - two


def _swaps(
    units: int, seed: int, rounds: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    # float64[R, units] twice: 1 where a unit is read of its own side, and where of the other's
    key = np.uint64(stream_key(seed, "swap"))
    words = -(-units // 64)
    many = max(1, min(rounds, CELLS // units))
    bits = np.empty((many, words), np.uint64)
    for start in range(0, rounds, many):
        fill_random_bits(key, start * words, bits.reshape(-1))
        drawn = np.unpackbits(bits.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        other = drawn[: rounds - start, :units].astype(np.float64)
        yield 1.0 - other, other
