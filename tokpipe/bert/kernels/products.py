"""Matrix products from inside kernels, by the BLAS at an address."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.float_intrinsics import call_sgemm
from tokpipe.foundation.jit import inlined_helper, kernel

NOT, LEFT, RIGHT = 0, 1, 2  # which operand is transposed


@inlined_helper
def product_at(
    address, transposed, rows, columns, depth, factor, left, left_stride, right, right_stride, add,
    out, out_stride,
):  # fmt: skip
    """Multiply row-major float32 matrices at int64 addresses; strides in values.

    BLAS has them by columns: it is handed the transposed product, right operand first.
    """
    flags = np.int64(((transposed & 1) << 1) | (transposed >> 1))
    before = np.float32(1.0) if add else np.float32(0.0)
    call_sgemm(
        address, flags, columns, rows, depth, factor, right, right_stride, left, left_stride,
        before, out, out_stride,
    )  # fmt: skip


def multiply_reference(
    address: int,
    left: NDArray[np.floating],
    right: NDArray[np.floating],
    out: NDArray[np.floating],
    transposed: int,
    add: bool,
) -> None:
    """Multiply two matrices.

    Parameters
    ----------
    address
        Of SGEMM.
    left : float32[M, K], or [K, M] if transposed is LEFT
        First operand.
    right : float32[K, N], or [N, K] if transposed is RIGHT
        Second operand.
    out : float32[M, N]
        The product.
    transposed
        NOT, LEFT or RIGHT.
    add
        Whether the product is added to what is there.
    """
    product = (left.T if transposed == LEFT else left) @ (right.T if transposed == RIGHT else right)
    out[:] = out + product if add else product


@kernel(reference=multiply_reference)
def multiply(address, left, right, out, transposed, add):
    rows, columns = out.shape
    depth = left.shape[0] if transposed == LEFT else left.shape[1]
    product_at(
        address, transposed, rows, columns, depth, np.float32(1.0),
        left.ctypes.data, left.shape[1], right.ctypes.data, right.shape[1],
        add, out.ctypes.data, columns,
    )  # fmt: skip
    _ = left.size + right.size + out.size  # still in use
