"""Softmax and cross-entropy in one, the logits turned into their gradient in place."""

import math

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ZERO, exponential
from tokpipe.foundation.float_intrinsics import from_order_key, order_key
from tokpipe.foundation.jit import FUSED_SUMS, inlined_sums, kernel

_LOWEST = np.int32(-(1 << 31))  # below the order key of every float32


@inlined_sums
def exponentials(row):
    """Turn a row into exponentials of what it is below its greatest; return that, and the sum."""
    greatest = _LOWEST
    for j in range(len(row)):
        value = order_key(row[j])
        greatest = value if value > greatest else greatest
    most = from_order_key(greatest)
    total = ZERO
    for j in range(len(row)):
        value = exponential(row[j] - most)
        row[j] = value
        total += value
    return most, total


def cross_entropy_reference(
    logits: NDArray[np.floating],
    targets: NDArray[np.int32],
    factor: float,
    d_bias: NDArray[np.floating],
) -> tuple[float, int]:
    """Sum the losses of rows of logits, and turn the logits into their gradient.

    Parameters
    ----------
    logits : float32[M, V]
        One row a prediction; becomes the gradient.
    targets : int32[M]
        What is right.
    factor
        What each loss counts in the gradient: one over their number, for a mean.
    d_bias : float32[V]
        Gradient of the bias inside the logits, added to.

    Returns
    -------
    float
        The sum of the losses, without the factor.
    int
        How many rows have their greatest logit at the target.
    """
    rows = np.arange(len(logits))
    most = logits.max(1, keepdims=True, initial=-np.inf)
    exponents = np.exp(logits - most)
    totals = exponents.sum(1, keepdims=True)
    right = logits[rows, targets]
    loss = (np.log(totals.astype(np.float64)) + most - right[:, None]).sum()
    correct = int((right == most[:, 0]).sum())
    logits[:] = exponents * (factor / totals)
    logits[rows, targets] -= logits.dtype.type(factor)
    d_bias += logits.sum(0)
    return float(loss), correct


@kernel(reference=cross_entropy_reference, rounding=FUSED_SUMS)
def cross_entropy(logits, targets, factor, d_bias):
    loss, correct = 0.0, 0
    for t in range(len(logits)):
        row, target = logits[t], targets[t]
        right = row[target]
        most, total = exponentials(row)
        loss += math.log(np.float64(total)) + np.float64(most) - np.float64(right)
        correct += right == most
        share = np.float32(factor) / total
        row[target] -= total  # share times total is the factor
        for j in range(len(row)):
            value = row[j] * share
            row[j] = value
            d_bias[j] += value
    return loss, correct
