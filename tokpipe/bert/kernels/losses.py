"""Losses of logits, which are turned into their gradient in place: softmax and all in one.

All take, and return, the same:

=======  ===========================================================================================
logits   float32[M, C], one row a prediction; they become the gradient (`cross_entropy` is told how)
factor   what each loss (or the mean over a row) counts in the gradient: one over their number, for
         a mean
d_bias   float32[C], gradient of the bias inside the logits, added to
returns  the sum of the losses, without the factor; where one class of several is right, also how
         many rows have their greatest logit there
=======  ===========================================================================================
"""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.bfloat16 import write_values
from tokpipe.bert.kernels.formulas import ZERO, exponential
from tokpipe.foundation.float_intrinsics import from_order_key, order_key, stored
from tokpipe.foundation.jit import FUSED_SUMS, inlined_helper, inlined_sums, kernel

_LOWEST = np.int32(-(1 << 31))  # below the order key of every float32


@inlined_sums
def greatest(row, count):
    """Return the greatest of the first values."""
    found = _LOWEST
    for j in range(count):
        value = order_key(row[j])
        found = value if value > found else found
    return from_order_key(found)


@inlined_sums
def exponentials_below(row, most, count):
    """Turn the first values into exponentials of what they are below `most`; return the sum."""
    total = ZERO
    for j in range(count):
        value = exponential(row[j] - most)
        row[j] = value
        total += value
    return total


@inlined_helper
def exponentials(row):
    """Turn a row into exponentials of what it is below its greatest; return that, and the sum."""
    most = greatest(row, len(row))
    return most, exponentials_below(row, most, len(row))


@inlined_helper
def shifted_exponentials(values):
    """Return the greatest of some logits, and the sum of exponentials of what they are below it."""
    most = np.float64(values[0])
    for i in range(1, len(values)):
        most = max(most, np.float64(values[i]))
    total = 0.0
    for i in range(len(values)):
        total += math.exp(np.float64(values[i]) - most)
    return most, total


def cross_entropy_reference(
    logits: NDArray[np.floating],
    targets: NDArray[np.int32],
    factor: float,
    d_bias: NDArray[np.floating],
    gradient: NDArray[np.floating] | NDArray[np.uint16],
) -> tuple[float, int]:
    """Sum the losses of rows of logits, and write their gradient.

    Parameters
    ----------
    targets : int32[M]
        What is right.
    gradient : float32[M, C] or uint16[M, C or more]
        The memory of the logits: the same array, or seen as bfloat16, with which each row begins.
    """
    rows = np.arange(len(logits))
    most = logits.max(1, keepdims=True, initial=-np.inf)
    exponents = np.exp(logits - most)
    totals = exponents.sum(1, keepdims=True)
    right = logits[rows, targets]
    loss = (np.log(totals.astype(np.float64)) + most - right[:, None]).sum()
    correct = int((right == most[:, 0]).sum())
    exponents *= factor / totals
    exponents[rows, targets] -= logits.dtype.type(factor)
    d_bias += exponents.sum(0)
    write_values(exponents, gradient)
    return float(loss), correct


@kernel(reference=cross_entropy_reference, rounding=FUSED_SUMS)
def cross_entropy(logits, targets, factor, d_bias, gradient):
    loss, correct, classes = 0.0, 0, logits.shape[1]
    # Of a row: what is read where it is written, in another type, does not become vectors. Copied,
    # and then changed in place: a sum of what is read here and written there takes another order
    # where both lie near one another.
    exponents = np.empty(classes, np.float32)
    for t in range(len(logits)):
        row, target, changes = logits[t], targets[t], gradient[t]
        exponents[:] = row
        most, total = exponentials(exponents)
        right = row[target]
        loss += math.log(np.float64(total)) + np.float64(most) - np.float64(right)
        correct += right == most
        share = np.float32(factor) / total
        exponents[target] -= total  # share times total is the factor
        for j in range(classes):
            value = exponents[j] * share
            changes[j] = stored(changes, value)
            d_bias[j] += value
    return loss, correct


def weighted_cross_entropy_reference(
    logits: NDArray[np.floating],
    targets: NDArray[np.int32],
    weights: NDArray[np.floating],
    smoothing: float,
    factor: float,
    d_bias: NDArray[np.floating],
) -> tuple[float, int]:
    """Sum weighted losses against smoothed targets, and turn the logits into their gradient.

    A row's loss is ``sum_c a_c (-log p_c)``, where ``a`` is the weight of the target times one
    minus the smoothing, and everywhere the class's weight times the smoothing over C.

    Parameters
    ----------
    targets : int32[M]
        What is right.
    weights : float32[C]
        What each class counts.
    smoothing
        Share of a target that all classes have alike.

    References
    ----------
    C. Szegedy et al., "Rethinking the Inception Architecture" (2016), 7.
    """
    rows, classes = np.arange(len(logits)), logits.shape[1]
    shares = np.tile(weights.astype(np.float64) * (smoothing / classes), (len(logits), 1))
    shares[rows, targets] += (1 - smoothing) * weights[targets]
    values = logits.astype(np.float64)
    most = values.max(1, keepdims=True, initial=-np.inf)
    exponents = np.exp(values - most)
    totals = exponents.sum(1, keepdims=True)
    loss = (shares * (np.log(totals) + most - values)).sum()
    correct = int((values[rows, targets] == most[:, 0]).sum())
    logits[:] = factor * (shares.sum(1, keepdims=True) * exponents / totals - shares)
    d_bias += logits.sum(0)
    return float(loss), correct


@kernel(reference=weighted_cross_entropy_reference)
def weighted_cross_entropy(logits, targets, weights, smoothing, factor, d_bias):
    loss, correct, classes = 0.0, 0, logits.shape[1]
    even = smoothing / classes
    common = 0.0
    for j in range(classes):
        common += even * np.float64(weights[j])
    for t in range(len(logits)):
        row, target = logits[t], targets[t]
        most, total = shifted_exponentials(row)
        own = (1 - smoothing) * np.float64(weights[target])
        correct += np.float64(row[target]) == most
        below = most + math.log(total)
        loss += own * (below - np.float64(row[target]))
        for j in range(classes):
            value = np.float64(row[j])
            share = even * np.float64(weights[j])
            loss += share * (below - value)
            share += own if j == target else 0.0
            slope = factor * ((own + common) * math.exp(value - below) - share)
            row[j] = slope
            d_bias[j] += row[j]
    return loss, correct


def squared_error_reference(
    logits: NDArray[np.floating],
    targets: NDArray[np.floating],
    factor: float,
    d_bias: NDArray[np.floating],
) -> float:
    """Sum the squared errors of rows, the mean over a row, and turn them into their gradient.

    Parameters
    ----------
    targets : float32[M, C]
        What is right.
    """
    missed = logits.astype(np.float64) - targets
    logits[:] = missed * (2 * factor / logits.shape[1])
    d_bias += logits.sum(0)
    return float((missed**2).sum() / logits.shape[1])


@kernel(reference=squared_error_reference)
def squared_error(logits, targets, factor, d_bias):
    loss, classes = 0.0, logits.shape[1]
    for t in range(len(logits)):
        for j in range(classes):
            missed = np.float64(logits[t, j]) - np.float64(targets[t, j])
            loss += missed * missed / classes
            logits[t, j] = missed * (2 * factor / classes)
            d_bias[j] += logits[t, j]
    return loss


def binary_cross_entropy_reference(
    logits: NDArray[np.floating],
    targets: NDArray[np.floating],
    factor: float,
    d_bias: NDArray[np.floating],
) -> float:
    """Sum the losses of independent classes, the mean over a row; make their gradient.

    Parameters
    ----------
    targets : float32[M, C]
        0 or 1, or between.
    """
    values, classes = logits.astype(np.float64), logits.shape[1]
    loss = (np.logaddexp(0, values) - values * targets).sum() / classes
    logits[:] = (np.exp(-np.logaddexp(0, -values)) - targets) * (factor / classes)
    d_bias += logits.sum(0)
    return float(loss)


@kernel(reference=binary_cross_entropy_reference)
def binary_cross_entropy(logits, targets, factor, d_bias):
    loss, classes = 0.0, logits.shape[1]
    for t in range(len(logits)):
        for j in range(classes):
            value, wanted = np.float64(logits[t, j]), np.float64(targets[t, j])
            small = math.exp(-abs(value))  # so that nothing overflows
            loss += (max(value, 0.0) - value * wanted + math.log1p(small)) / classes
            share = (1.0 if value >= 0 else small) / (1.0 + small)
            logits[t, j] = (share - wanted) * (factor / classes)
            d_bias[j] += logits[t, j]
    return loss


def span_cross_entropy_reference(
    logits: NDArray[np.floating],
    offsets: NDArray[np.int32],
    spans: NDArray[np.int32],
    factor: float,
    d_bias: NDArray[np.floating],
) -> tuple[float, int]:
    """Sum the losses of answers, the mean of both ends', and turn the logits into their gradient.

    Parameters
    ----------
    logits : float32[T, 2]
        Of each token whether the answer begins or ends there; becomes the gradient.
    offsets : int32[B + 1]
        Borders of the sequences: an end is sought among the tokens of its own.
    spans : int32[B, 2]
        First and last token in the sequence; -1, -1: nothing is to be learned.
    factor, d_bias
        Of each answer; float32[2].

    Returns
    -------
    float
        The sum, without the factor.
    int
        At how many both ends have the greatest logit of their sequence.
    """
    loss, correct = 0.0, 0
    for (start, end), span in zip(itertools.pairwise(offsets), spans, strict=True):
        if span[0] < 0:
            logits[start:end] = 0
            continue
        values = logits[start:end].astype(np.float64)
        most = values.max(0)
        below = most + np.log(np.exp(values - most).sum(0))
        right = values[span, [0, 1]]
        loss += (below - right).sum() / 2
        correct += bool((right == most).all())
        slopes = np.exp(values - below)
        slopes[span, [0, 1]] -= 1
        logits[start:end] = slopes * (factor / 2)
        d_bias += logits[start:end].sum(0)
    return float(loss), correct


@kernel(reference=span_cross_entropy_reference)
def span_cross_entropy(logits, offsets, spans, factor, d_bias):
    loss, correct = 0.0, 0
    for b in range(len(spans)):
        start, end = offsets[b], offsets[b + 1]
        if spans[b, 0] < 0:
            logits[start:end] = 0
            continue
        hits = 0
        for side in range(2):
            most, total = shifted_exponentials(logits[start:end, side])
            below, target = most + math.log(total), start + spans[b, side]
            right = np.float64(logits[target, side])
            loss += (below - right) / 2
            hits += right == most
            for t in range(start, end):
                slope = math.exp(np.float64(logits[t, side]) - below) - (t == target)
                logits[t, side] = slope * (factor / 2)
                d_bias[side] += logits[t, side]
        correct += hits == 2
    return loss, correct


def soft_cross_entropy_reference(
    logits: NDArray[np.floating],
    teacher: NDArray[np.floating],
    temperature: float,
    factor: float,
    d_bias: NDArray[np.floating],
) -> float:
    """Sum the losses of rows against a teacher's softened answers, and make their gradient.

    A row's loss is ``T^2 sum_c q_c (-log p_c)``: ``q`` and ``p`` are the softmax of the teacher's
    logits and of these over the temperature T, whose square keeps gradients as long at any.

    Parameters
    ----------
    teacher : float32[M, C]
        What the teacher makes of the same.
    temperature
        What both are divided by, above 0.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network" (2015), 2.
    """
    if not logits.size:
        return 0.0
    values, wanted = (array.astype(np.float64) / temperature for array in (logits, teacher))
    wanted = np.exp(wanted - wanted.max(1, keepdims=True))
    wanted /= wanted.sum(1, keepdims=True)
    most = values.max(1, keepdims=True)
    below = most + np.log(np.exp(values - most).sum(1, keepdims=True))
    loss = temperature**2 * (wanted * (below - values)).sum()
    logits[:] = (factor * temperature) * (np.exp(values - below) - wanted)
    d_bias += logits.sum(0)
    return float(loss)


@kernel(reference=soft_cross_entropy_reference, rounding=FUSED_SUMS)
def soft_cross_entropy(logits, teacher, temperature, factor, d_bias):
    loss, classes = 0.0, logits.shape[1]
    coldness, slope = np.float32(1 / temperature), np.float32(factor * temperature)
    wanted = np.empty(classes, np.float32)
    for t in range(len(logits)):
        row, asked = logits[t], teacher[t]
        for j in range(classes):
            row[j] *= coldness
            wanted[j] = asked[j] * coldness
        _, whole = exponentials(wanted)
        share, shares, mean = np.float32(1) / whole, 0.0, 0.0
        for j in range(classes):
            wanted[j] *= share
        for j in range(classes):  # by itself: see `cross_entropy`
            shares += np.float64(wanted[j])
            mean += np.float64(wanted[j]) * np.float64(row[j])
        most, total = exponentials(row)
        below = np.float64(most) + math.log(np.float64(total))
        loss += temperature * temperature * (below - mean / shares)
        part = np.float32(1) / total
        for j in range(classes):
            value = slope * (row[j] * part - wanted[j])
            row[j] = value
            d_bias[j] += value
    return loss
