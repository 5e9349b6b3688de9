"""GELU by a tanh, as in D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units" (2016)."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import HALF, ONE, hyperbolic_tangent
from tokpipe.foundation.jit import inlined_formula

Array = NDArray[np.floating]

# 0.044715 is its authors' fit (section 2); with the derivative of the cube
_ROOT_2_PI = np.float32(np.sqrt(2 / np.pi))
_CUBE, _CUBE_3 = np.float32(0.044715), np.float32(3 * 0.044715)


def reference(x: Array) -> tuple[Array, Array]:
    """Return values and slopes, both in the shape and precision of `x`."""
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


@inlined_formula
def formula(x):
    """Return the value of one float and the slope there."""
    t = hyperbolic_tangent(_ROOT_2_PI * (x + _CUBE * x * x * x))
    share = HALF + HALF * t
    return x * share, share + HALF * x * (ONE - t * t) * _ROOT_2_PI * (ONE + _CUBE_3 * x * x)
