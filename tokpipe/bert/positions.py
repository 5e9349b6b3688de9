"""How a token's place is told, apart from the learned table: sines, rotation, distance.

References
----------
A. Vaswani et al., "Attention Is All You Need" (2017), 3.5: sines.
J. Su et al., "RoFormer" (2021): rotation (rope).
C. Raffel et al., "Exploring the Limits of Transfer Learning" (2019), 2.1: a learned bias a head
and bucket of distances, the same in all layers (relative).
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import RELATIVE_BUCKETS

FARTHEST = 128  # distances from here on share the last bucket

Array = NDArray[np.floating]


def sine_table(places: int, width: int) -> Array:
    """Return sines (even columns) and cosines (odd) of places: float64[places, width].

    Examples
    --------
    >>> sine_table(2, 4).round(2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]
    """
    columns = np.arange(width)
    angles = np.arange(places)[:, None] / 10_000.0 ** (columns // 2 * 2 / width)
    return np.where(columns % 2, np.cos(angles), np.sin(angles))


def rotation_tables(places: int, head_size: int) -> tuple[Array, Array]:
    """Return cosines and sines of the angles of each place: float64[places, D / 2] each."""
    speeds = 10_000.0 ** (-np.arange(0, head_size, 2) / head_size)
    angles = np.arange(places)[:, None] * speeds
    return np.cos(angles), np.sin(angles)


def distance_buckets(places: int) -> NDArray[np.int32]:
    """Return the bucket of each distance from ``1 - places`` to ``places - 1``.

    Half of the buckets are for keys behind the query. Of each half, half are for one distance
    each, the others for ever wider ranges, up to `FARTHEST`.

    Examples
    --------
    >>> distance_buckets(3).tolist()
    [2, 1, 0, 17, 18]
    """
    distances = np.arange(1 - places, places)
    half = RELATIVE_BUCKETS // 2
    exact = half // 2
    far = np.abs(distances)
    ratio = np.log(np.maximum(far, 1) / exact) / np.log(FARTHEST / exact)
    wide = np.minimum(exact + (ratio * (half - exact)).astype(np.int64), half - 1)
    return (np.where(far < exact, far, wide) + half * (distances > 0)).astype(np.int32)
