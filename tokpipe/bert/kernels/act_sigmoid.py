"""The logistic function."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ONE, logistic
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    share = 0.5 + 0.5 * np.tanh(0.5 * x)
    return share, share * (1 - share)


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    share = logistic(x)
    return share, share * (ONE - share)
