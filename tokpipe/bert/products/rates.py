"""How fast this processor multiplies, one thread: measured in a few hundredths of a second."""

import time
from collections.abc import Callable

import numpy as np

from tokpipe.bert.blas import gemm, use_one_thread
from tokpipe.bert.kernels.panels import multiply_in_bfloat16, new_scratch, scratch_address
from tokpipe.bert.kernels.products import NOT
from tokpipe.bert.kernels.tiles import add_int8_tiles
from tokpipe.foundation.processors import PRODUCTS, multiplies
from tokpipe.foundation.product_intrinsics import COLUMNS, ROWS

_SECONDS = 0.03  # for each kind, after the first product
_SIZE = 448, 512, 512  # rows, columns and depth: some of a small model's


def rates() -> dict[str, float]:
    """Return the operations a second of each kind that the processor has: sums and products.

    In float32 and bfloat16 those of a product of float32 matrices; in 8 bits those of a tile alone.
    """
    return {kind: _MEASURED[kind]() for kind in PRODUCTS if multiplies(kind) or kind == "float32"}


def _float32() -> float:
    use_one_thread()
    rows, columns, depth = _SIZE
    left, right = np.ones((rows, depth), np.float32), np.ones((depth, columns), np.float32)
    out = np.empty((rows, columns), np.float32)
    return _rate(lambda: gemm(left, right, out), 2 * rows * columns * depth)


def _bfloat16() -> float:
    rows, columns, depth = _SIZE
    left, right = np.ones((rows, depth), np.float32), np.ones((depth, columns), np.float32)
    out, bias = np.empty((rows, columns), np.float32), np.zeros(columns, np.float32)
    scratch = new_scratch()

    def product() -> None:
        address = scratch_address(scratch)
        multiply_in_bfloat16(left, right, bias, NOT, False, out, address)

    return _rate(product, 2 * rows * columns * depth)


def _int8() -> float:
    steps, times = 128, 1000
    left, right = np.ones((ROWS, 4 * steps), np.uint8), np.ones((steps, COLUMNS, 4), np.int8)
    out = np.zeros((ROWS, COLUMNS), np.int32)
    operations = 2 * ROWS * COLUMNS * 4 * steps * times
    return _rate(lambda: add_int8_tiles(left, right, times, out), operations)


_MEASURED: dict[str, Callable[[], float]] = {
    "float32": _float32,
    "bfloat16": _bfloat16,
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
