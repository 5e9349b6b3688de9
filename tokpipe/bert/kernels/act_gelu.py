"""GELU: a value times the share of a normal distribution below it.

References
----------
D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units" (2016).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from tokpipe.bert.kernels.formulas import HALF, error_function, exponential
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]

_ROOT_HALF = np.float32(np.sqrt(0.5))  # the normal distribution is (1 + erf(x * sqrt(1/2))) / 2
_BELL = np.float32(1 / np.sqrt(2 * np.pi))  # its density at 0


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    share = 0.5 * (1 + erf(x * np.sqrt(0.5)))
    bell = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return x * share, share + x * bell


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    share = HALF + HALF * error_function(x * _ROOT_HALF)
    return x * share, share + x * _BELL * exponential(-HALF * x * x)
