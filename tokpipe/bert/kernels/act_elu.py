"""ELU: below zero an exponential that levels off at -1.

References
----------
D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Exponential Linear Units" (2016).
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ONE, ZERO, exponential
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    power = np.exp(np.minimum(x, 0))
    return np.where(x > 0, x, power - 1), power


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    power = exponential(x if x < ZERO else ZERO)
    return (x, ONE) if x > ZERO else (power - ONE, power)
