"""Vectors of words and n-grams learned on a task, one text after the other.

One thread does all: the weights are the same on every machine, and an epoch of 25,000 reviews takes
about a second.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper, kernel

SOFTMAX, SIGMOID, SQUARED = range(3)


class Bags(NamedTuple):
    """What texts hold, each a bag of features.

    Attributes
    ----------
    borders : int64[N + 1]
        Text t has features ``borders[t]:borders[t + 1]``.
    features : int32[M]
        Rows of the table of vectors.
    weights : float32[M]
        How much each counts; the vectors of a text are summed up by them.
    """

    borders: NDArray[np.int64]
    features: NDArray[np.int32]
    weights: NDArray[np.float32]


class VectorModel(NamedTuple):
    """Parameters of the model.

    Attributes
    ----------
    vectors : float32[F, D]
        Of the features.
    output : float32[C, D]
        Of the classes.
    bias : float32[C]
    """

    vectors: NDArray[np.float32]
    output: NDArray[np.float32]
    bias: NDArray[np.float32]


def train_vectors_reference(
    bags: Bags,
    targets: NDArray[np.float32],
    order: NDArray[np.int64],
    rates: NDArray[np.float32],
    loss: int,
    model: VectorModel,
) -> float:
    """Go down the gradient of the loss of one text after the other.

    Parameters
    ----------
    bags
        The texts.
    targets : float32[N, C]
        What the outputs should be.
    order : int64[n]
        Which texts, in which order.
    rates : float32[n]
        Learning rate of each.
    loss
        `SOFTMAX` or `SIGMOID` cross entropy, or half the `SQUARED` error.
    model
        Changed in place.

    Returns
    -------
    float
        The sum of the losses, each before its step.
    """
    total = 0.0
    for text, rate in zip(order.tolist(), rates, strict=True):
        place = slice(*bags.borders[text : text + 2].tolist())
        rows, weights = bags.features[place], bags.weights[place, None]
        hidden = (weights * model.vectors[rows]).sum(0)
        logits = (model.output @ hidden + model.bias).astype(np.float64)
        target = targets[text]
        if loss == SOFTMAX:
            shifted = logits - logits.max()
            chance = np.exp(shifted) / np.exp(shifted).sum()
            total -= (target * (shifted - np.log(np.exp(shifted).sum()))).sum()
        elif loss == SIGMOID:
            chance = 1 / (1 + np.exp(-logits))
            total += (np.maximum(logits, 0) - target * logits).sum()
            total += np.log1p(np.exp(-np.abs(logits))).sum()
        else:
            chance = logits
            total += 0.5 * ((logits - target) ** 2).sum()
        slope = (chance - target).astype(np.float32)
        back = slope @ model.output
        model.output[:] -= rate * slope[:, None] * hidden
        model.bias[:] -= rate * slope
        np.subtract.at(model.vectors, rows, rate * weights * back)
    return float(total)


@kernel(reference=train_vectors_reference)
def train_vectors(bags, targets, order, rates, loss, model):
    """Go down the gradient of the loss of one text after the other; return the sum of losses."""
    classes, width = model.output.shape
    hidden, back = np.empty(width, np.float32), np.empty(width, np.float32)
    logits, slope = np.empty(classes, np.float64), np.empty(classes, np.float32)
    total = 0.0
    for i in range(order.size):
        text = order[i]
        hidden[:] = 0.0
        for m in range(bags.borders[text], bags.borders[text + 1]):
            row, weight = bags.features[m], bags.weights[m]
            for d in range(width):
                hidden[d] += weight * model.vectors[row, d]
        for c in range(classes):
            value = model.bias[c]
            for d in range(width):
                value += model.output[c, d] * hidden[d]
            logits[c] = value
        total += _slope(logits, targets[text], loss, slope)
        back[:] = 0.0
        for c in range(classes):
            step = rates[i] * slope[c]
            for d in range(width):
                back[d] += slope[c] * model.output[c, d]
                model.output[c, d] -= step * hidden[d]
            model.bias[c] -= step
        for m in range(bags.borders[text], bags.borders[text + 1]):
            row, step = bags.features[m], rates[i] * bags.weights[m]
            for d in range(width):
                model.vectors[row, d] -= step * back[d]
    return total


@inlined_helper
def _slope(logits, target, loss, slope):
    # the loss of one text; its derivatives by the logits go into `slope`
    total = 0.0
    if loss == SOFTMAX:
        highest, whole = logits.max(), 0.0
        for c in range(logits.size):
            whole += np.exp(logits[c] - highest)
        for c in range(logits.size):
            shifted = logits[c] - highest
            total -= target[c] * (shifted - np.log(whole))
            slope[c] = np.exp(shifted) / whole - target[c]
    elif loss == SIGMOID:
        for c in range(logits.size):
            value = logits[c]
            total += max(value, 0.0) - target[c] * value + np.log1p(np.exp(-abs(value)))
            slope[c] = 1.0 / (1.0 + np.exp(-value)) - target[c]
    else:
        for c in range(logits.size):
            slope[c] = logits[c] - target[c]
            total += 0.5 * (logits[c] - target[c]) ** 2
    return total
