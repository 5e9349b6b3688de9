"""Which of two twins runs: the kernel in float32, its NumPy twin in float64.

So each layer is written once, trained in float32, and its gradient checked in float64.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def by_precision(kernel: Any) -> Callable[..., Any]:
    """Return a function that calls the kernel, or its twin if the first array is not float32."""

    @functools.wraps(kernel.reference)
    def run(first: Any, *rest: Any) -> Any:
        return (kernel if first.dtype == np.float32 else kernel.reference)(first, *rest)

    return run
