"""Attention by products of our own: the kernels of `attention`, copied around each kind of them.

One kernel that asked for the kind at each product took all of them along: 16.4 s to compile what
pretraining takes, 11.6 s with one kind.
"""

from typing import Any

import numpy as np

from tokpipe.bert.kernels import attention
from tokpipe.bert.kernels.bfloat16 import multiply_pairs, multiply_singles, rounded
from tokpipe.bert.kernels.float32 import multiply_single
from tokpipe.foundation.jit import FUSED_SUMS, copied_around, inlined_helper, kernel

BY_SGEMM, IN_FLOAT32, BY_PAIRS, BY_SINGLES = "sgemm", "float32", "pairs", "singles"

multiply: Any = None  # of the helper below; each copy of it has its own


def _product(
    scratch, transposed, rows, columns, depth, factor, left, left_stride, right, right_stride, add,
    out, out_stride,
):  # fmt: skip
    """Multiply as `product_at`, without the factor, which goes into rows before or after.

    Arguments have one type each, so that products are compiled once and not for each of them.
    """
    none = np.int64(0)
    multiply(
        scratch, np.int64(transposed), none, np.int64(rows), np.int64(columns), np.int64(depth),
        np.int64(left), np.int64(left_stride), np.int64(right), np.int64(right_stride), none,
        np.int64(add), np.int64(out), np.int64(out_stride),
    )  # fmt: skip


def _kernels_of(way: str, multiply: Any, taken: attention.Taken) -> tuple[Any, Any]:
    """Make the two kernels of attention, forward and backward, with products of one kind."""
    product = inlined_helper(copied_around(_product, f"product_{way}", multiply=multiply))
    made = []
    for one in (attention.attention_forward, attention.attention_backward):
        name = f"{one.__name__}_{way}"
        twin = copied_around(one.reference, f"{name}_reference", taken=taken)
        plain = getattr(one, "py_func", one)  # itself, where nothing is compiled
        names = {"product": product, "leaves_factor": True, "__name__": __name__}
        loop = copied_around(plain, name, **names)
        made.append(kernel(reference=twin, rounding=FUSED_SUMS)(loop))
    return made[0], made[1]


# By what makes their products: forward and backward.
WAYS = {
    BY_SGEMM: (attention.attention_forward, attention.attention_backward),
    IN_FLOAT32: _kernels_of(IN_FLOAT32, multiply_single, np.asarray),
    BY_PAIRS: _kernels_of(BY_PAIRS, multiply_pairs, rounded),
    BY_SINGLES: _kernels_of(BY_SINGLES, multiply_singles, rounded),
}
