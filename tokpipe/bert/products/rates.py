"""How fast this processor multiplies, one thread: measured in a few hundredths of a second."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from tokpipe.bert.blas import use_one_thread
from tokpipe.bert.kernels.tiles import add_int8_tiles
from tokpipe.bert.products.kinds import KINDS
from tokpipe.bert.products.maps import Linear
from tokpipe.foundation.processors import PRODUCTS, multiplies
from tokpipe.foundation.product_intrinsics import COLUMNS, ROWS

_SECONDS = 0.03  # for each kind, after the first product
_SIZE = 448, 512, 512  # rows, columns and depth: some of a small model's


def rates() -> dict[str, float]:
    """Return the operations a second of each kind that the processor has: sums and products.

    In float32 and bfloat16 those of a product of float32 matrices; in 8 bits those of a tile alone.
    """
    return {kind: _MEASURED[kind]() for kind in PRODUCTS if multiplies(kind) or kind == "float32"}


def _of_maps(kind: str) -> float:
    """Measure a product as the linear maps of a model have it."""
    use_one_thread()
    rows, columns, depth = _SIZE
    x, out = np.ones((rows, depth), np.float32), np.empty((rows, columns), np.float32)
    weight, bias = np.ones((columns, depth), np.float32), np.zeros(columns, np.float32)
    linear = Linear(weight, bias, KINDS[kind].for_weight(weight))
    return _rate(lambda: linear.products.forward(x, linear, out), 2 * rows * columns * depth)


def _int8() -> float:
    steps, times = 128, 1000
    left, right = np.ones((ROWS, 4 * steps), np.uint8), np.ones((steps, COLUMNS, 4), np.int8)
    out = np.zeros((ROWS, COLUMNS), np.int32)
    operations = 2 * ROWS * COLUMNS * 4 * steps * times
    return _rate(lambda: add_int8_tiles(left, right, times, out), operations)


_MEASURED: dict[str, Callable[[], float]] = {
    "float32": partial(_of_maps, "float32"),
    "bfloat16": partial(_of_maps, "bfloat16"),
    "int8": _int8,
}


def _rate(product: Callable[[], None], operations: int) -> float:
    """Return operations a second of the fastest of some products; the first may be compiled."""
    product()
    begin, fastest = time.perf_counter(), np.inf
    while time.perf_counter() - begin < _SECONDS:
        start = time.perf_counter()
        product()
        fastest = min(fastest, time.perf_counter() - start)
    return operations / fastest
