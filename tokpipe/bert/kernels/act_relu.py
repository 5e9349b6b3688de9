"""ReLU: what is positive."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ONE, ZERO
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    return np.where(x > 0, x, x * 0), (x > 0).astype(x.dtype)


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    return (x, ONE) if x > ZERO else (x * ZERO, ZERO)
