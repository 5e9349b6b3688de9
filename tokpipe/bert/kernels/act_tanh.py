"""The hyperbolic tangent."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ONE, hyperbolic_tangent
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    t = np.tanh(x)
    return t, 1 - t * t


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    t = hyperbolic_tangent(x)
    return t, ONE - t * t
