"""Vectors of words and n-grams learned on a task, one text after the other.

One thread does all: the weights are the same on every machine, and an epoch of 25,000 reviews takes
about a second.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.seeds import short_random_bits, short_random_bits_reference

SOFTMAX, SIGMOID, HUBER = range(3)
_ALL = 2.0**32  # values that a draw has


class Bags(NamedTuple):
    """What texts hold, each a bag of features."""

    borders: NDArray[np.int64]  # int64[N + 1]: text t has features ``borders[t]:borders[t + 1]``
    features: NDArray[np.int32]  # int32[M]: rows of the table of vectors
    # float32[M]: how much each counts; the vectors of a text are summed up by them
    weights: NDArray[np.float32]


class Steps(NamedTuple):
    """Which texts are learned from, and how."""

    order: NDArray[np.int64]  # int64[n]: the texts, one after the other
    rates: NDArray[np.float32]  # float32[n]: learning rate of each
    keys: NDArray[np.uint64]  # uint64[n]: of the draws which of its features are left out
    dropped: int  # how many of 2^32 features are left out; the others count so much more


class VectorModel(NamedTuple):
    """Parameters of the model."""

    vectors: NDArray[np.float32]  # float32[F, D]: of the features
    output: NDArray[np.float32]  # float32[C, D]: of the classes
    bias: NDArray[np.float32]  # float32[C]


def train_vectors_reference(
    bags: Bags, targets: NDArray[np.float32], steps: Steps, loss: int, model: VectorModel
) -> float:
    """Go down the gradient of the loss of one text after the other.

    Parameters
    ----------
    bags
        The texts.
    targets : float32[N, C]
        What the outputs should be.
    steps
        Which texts, in which order, and how.
    loss
        `SOFTMAX` or `SIGMOID` cross entropy, or `HUBER`: half the squared error up to an error of
        1, and beyond it the error, so that no step is longer than those of the others.
    model
        Changed in place.

    Returns
    -------
    float
        The sum of the losses, each before its step.
    """
    total = 0.0
    for text, rate, key in zip(steps.order.tolist(), *steps[1:3], strict=True):
        place = slice(*bags.borders[text : text + 2].tolist())
        drawn = [
            short_random_bits_reference(int(key), number)
            for number in range(place.stop - place.start)
        ]
        kept = np.array(drawn, np.int64) >= steps.dropped
        rows = bags.features[place][kept]
        weights = (bags.weights[place][kept] * _growth(steps.dropped))[:, None]
        hidden = (weights * model.vectors[rows]).sum(0)
        logits = (model.output @ hidden + model.bias).astype(np.float64)
        target = targets[text]
        if loss == SOFTMAX:
            shifted = logits - logits.max()
            chance = np.exp(shifted) / np.exp(shifted).sum()
            total -= (target * (shifted - np.log(np.exp(shifted).sum()))).sum()
        elif loss == SIGMOID:
            chance = np.exp(-np.logaddexp(0, -logits))  # without an overflow far below zero
            total += (np.maximum(logits, 0) - target * logits).sum()
            total += np.log1p(np.exp(-np.abs(logits))).sum()
        else:
            error = logits - target
            chance = target + np.clip(error, -1, 1)
            total += np.where(abs(error) < 1, 0.5 * error**2, abs(error) - 0.5).sum()
        slope = (chance - target).astype(np.float32)
        back = slope @ model.output
        model.output[:] -= rate * slope[:, None] * hidden
        model.bias[:] -= rate * slope
        np.subtract.at(model.vectors, rows, rate * weights * back)
    return float(total)


@kernel(reference=train_vectors_reference)
def train_vectors(bags, targets, steps, loss, model):
    """Go down the gradient of the loss of one text after the other; return the sum of losses."""
    classes, width = model.output.shape
    hidden, back = np.empty(width, np.float32), np.empty(width, np.float32)
    logits, slope = np.empty(classes, np.float64), np.empty(classes, np.float32)
    growth = np.float32(1.0 / (1.0 - steps.dropped / _ALL))
    total = 0.0
    for i in range(steps.order.size):
        text, rate, key = steps.order[i], steps.rates[i], steps.keys[i]
        first, last = bags.borders[text], bags.borders[text + 1]
        hidden[:] = 0.0
        for m in range(first, last):
            if np.int64(short_random_bits(key, m - first)) >= steps.dropped:
                row, weight = bags.features[m], bags.weights[m] * growth
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
            step = rate * slope[c]
            for d in range(width):
                back[d] += slope[c] * model.output[c, d]
                model.output[c, d] -= step * hidden[d]
            model.bias[c] -= step
        for m in range(first, last):
            if np.int64(short_random_bits(key, m - first)) >= steps.dropped:
                row, step = bags.features[m], rate * (bags.weights[m] * growth)
                for d in range(width):
                    model.vectors[row, d] -= step * back[d]
    return total


def _growth(dropped: int) -> np.float32:
    return np.float32(1.0 / (1.0 - dropped / _ALL))


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
            error = logits[c] - target[c]
            slope[c] = min(max(error, -1.0), 1.0)
            total += 0.5 * error * error if abs(error) < 1.0 else abs(error) - 0.5
    return total
