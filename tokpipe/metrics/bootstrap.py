"""How far a score may be off because the rows are only a sample: the bootstrap.

References
----------
B. Efron: Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7, 1979.
P. Koehn: Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.seeds import fill_random_bits, stream_key
from tokpipe.metrics.classes import Formula

ROUNDS = 1000  # as Koehn
CELLS = 1 << 17  # weights at a time: 1 MB, which stays in the cache
_HALF = np.uint64(32)


def interval(
    scores: Formula, units: int, *, seed: int = 0, rounds: int = ROUNDS, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return within which bounds scores lie when the units are drawn again and again.

    Parameters
    ----------
    scores
        From weights (float64[R, units], how often each unit is there) to float64[k, R].
    units
        How many can be drawn.
    seed, rounds
        Of the draws.
    level
        Share of the draws between the bounds.

    Returns
    -------
    low, high : float64[k]
        Draws for which a score is not defined (NaN) are left out; NaN if there are no others.
    """
    require("level", level, float, optional=False)
    if not 0 < level < 1:
        raise InputError(f"level={level} is no share between 0 and 1")
    drawn = [scores(weights) for weights in resamples(units, seed=seed, rounds=rounds)]
    return bounds(np.concatenate(drawn, axis=1), level)


def bounds(
    values: NDArray[np.float64], level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the percentiles of each row that hold a share of its values between them.

    Parameters
    ----------
    values : float64[k, R]
        NaN is left out.
    level
        The share.

    Returns
    -------
    low, high : float64[k]
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    known = [row[~np.isnan(row)] for row in values]
    pairs = [np.quantile(row, ends) if len(row) else np.full(2, np.nan) for row in known]
    low, high = np.array(pairs).T
    return low, high


def resamples(units: int, *, seed: int = 0, rounds: int = ROUNDS) -> Iterator[NDArray[np.float64]]:
    """Draw as many units as there are, with replacement, `rounds` times.

    Round r is a function of (seed, units, r): the same whatever it is computed with.

    Yields
    ------
    float64[R, units]
        How often each unit is drawn, a row a round; some rounds at a time.
    """
    for name, value, least in (("units", units, 1), ("rounds", rounds, 1), ("seed", seed, None)):
        require(name, value, int, optional=False)
        if least is not None and value < least:
            raise InputError(f"{name}={value}; {least} or more are needed")
    key = np.uint64(stream_key(seed, "bootstrap"))
    many = max(1, min(rounds, CELLS // units))
    bits = np.empty(many * units, np.uint64)
    first_cells = (np.arange(many) * units)[:, None]
    for start in range(0, rounds, many):
        count = min(many, rounds - start)
        fill_random_bits(key, start * units, bits)
        drawn = ((bits >> _HALF) * np.uint64(units)) >> _HALF
        cells = (drawn.astype(np.int64).reshape(many, units) + first_cells)[:count]
        counts = np.bincount(cells.ravel(), minlength=count * units)
        yield counts.astype(np.float64).reshape(count, units)
