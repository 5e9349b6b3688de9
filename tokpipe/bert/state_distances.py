"""How far hidden states are from a teacher's: one function a distance, listed at the end.

A distance takes the states and the teacher's, float32[N, H] both, and returns that of each row,
float32[N], with its slopes, float32[N, H]. One more is a function, a line in `DISTANCES`, and a
weight of that name in `tokpipe.bert.head.Distillation`.

References
----------
V. Sanh et al., "DistilBERT, a distilled version of BERT" (2019), 2: the angle.
X. Jiao et al., "TinyBERT" (2020), 3.1: the square.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Distance = Callable[[Array, Array], tuple[Array, Array]]


def squared_distance(states: Array, wanted: Array) -> tuple[Array, Array]:
    """Return the mean of the squares of what each row misses.

    Examples
    --------
    >>> squared_distance(np.array([[1.0, 3.0]]), np.array([[0.0, 1.0]]))[0].tolist()
    [2.5]
    """
    missed = states - wanted
    return (missed**2).mean(1), missed * (2 / states.shape[1])


def cosine_distance(states: Array, wanted: Array) -> tuple[Array, Array]:
    """Return one minus the cosine of the angle; a row of zeros stands at a right angle to all.

    Examples
    --------
    >>> cosine_distance(np.array([[0.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]]))[0]
    array([0., 1.])
    """
    least = np.finfo(states.dtype).tiny
    lengths = np.maximum(np.linalg.norm(states, axis=1, keepdims=True), least)
    unit = states / lengths
    aim = wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), least)
    cosines = (unit * aim).sum(1, keepdims=True)
    slopes = np.where(lengths > least, (cosines * unit - aim) / lengths, 0)
    return 1 - cosines[:, 0], slopes.astype(states.dtype, copy=False)


DISTANCES: Mapping[str, Distance] = {
    "hidden_weight": squared_distance,
    "cosine_weight": cosine_distance,
}
