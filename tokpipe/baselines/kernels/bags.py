"""Vectors of words as sums over what a word consists of, and of texts as what their words come to.

A word is a bag of rows of a table: itself, and its n-grams of characters. A text is pooled from the
states of its words, which stand packed by steps as in `tokpipe.baselines.kernels.lstm`.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.kernels.vectors import Bags
from tokpipe.bert.kernels.formulas import ONE, ZERO
from tokpipe.foundation.jit import kernel

Array = NDArray[np.floating]


def gather_bags_reference(table: Array, bags: Bags, index: NDArray[np.int64], out: Array) -> None:
    """Sum the rows of a bag by their weights.

    Parameters
    ----------
    table : float32[F, D]
        The rows.
    bags
        Of all words.
    index : int64[T]
        Which word's bag each row of the result is of.
    out : float32[T, D]
        The sums, written.
    """
    for t, word in enumerate(index.tolist()):
        place = slice(*bags.borders[word : word + 2].tolist())
        weights = bags.weights[place, None].astype(table.dtype)
        out[t] = (weights * table[bags.features[place]]).sum(0)


@kernel(reference=gather_bags_reference)
def gather_bags(table, bags, index, out):
    for t in range(len(index)):
        target = out[t]
        target[:] = ZERO
        for m in range(bags.borders[index[t]], bags.borders[index[t] + 1]):
            source, weight = table[bags.features[m]], bags.weights[m]
            for j in range(len(target)):
                target[j] += weight * source[j]


def scatter_bags_reference(rows: Array, bags: Bags, index: NDArray[np.int64], table: Array) -> None:
    """Add each row to all rows of its bag, by their weights: the gradient of `gather_bags`.

    Parameters
    ----------
    rows : float32[T, D]
        What to add.
    bags, index
        As there.
    table : float32[F, D]
        The sums.
    """
    for t, word in enumerate(index.tolist()):
        place = slice(*bags.borders[word : word + 2].tolist())
        weights = bags.weights[place, None].astype(table.dtype)
        np.add.at(table, bags.features[place], weights * rows[t])


@kernel(reference=scatter_bags_reference)
def scatter_bags(rows, bags, index, table):
    for t in range(len(index)):
        source = rows[t]
        for m in range(bags.borders[index[t]], bags.borders[index[t] + 1]):
            target, weight = table[bags.features[m]], bags.weights[m]
            for j in range(len(source)):
                target[j] += weight * source[j]


def pool_rows_reference(
    states: Array, sizes: NDArray[np.int64], out: Array, most: NDArray[np.int64]
) -> None:
    """Take the greatest and the mean of each number over the words of a text.

    Parameters
    ----------
    states : float32[T, W]
        Of the words, packed.
    sizes : int64[L]
        Texts in each step.
    out : float32[B, 2W]
        The greatest, then the means, written; zeros of a text without words.
    most : int64[B, W]
        In which row the greatest stands, the first of several, written; -1 without words.
    """
    first = np.concatenate([[0], np.cumsum(sizes)])
    width = states.shape[1]
    out[:], most[:] = 0, -1
    for i in range(len(out)):
        rows = first[:-1][sizes > i] + i
        if len(rows):
            most[i] = rows[states[rows].argmax(0)]
            out[i, :width] = states[rows].max(0)
            out[i, width:] = states[rows].sum(0) / states.dtype.type(len(rows))


@kernel(reference=pool_rows_reference)
def pool_rows(states, sizes, out, most):
    width = states.shape[1]
    out[:] = ZERO
    most[:] = -1
    row = 0
    for t in range(len(sizes)):
        for i in range(sizes[t]):
            source, target, place = states[row], out[i], most[i]
            for j in range(width):
                if place[j] < 0 or source[j] > target[j]:
                    target[j] = source[j]
                    place[j] = row
                target[width + j] += source[j]
            row += 1
    for t in range(len(sizes)):
        after = sizes[t + 1] if t + 1 < len(sizes) else 0
        share = ONE / np.float32(t + 1)
        for i in range(after, sizes[t]):  # those that have t + 1 words
            for j in range(width, 2 * width):
                out[i, j] *= share


def unpool_rows_reference(
    gradient: Array, sizes: NDArray[np.int64], most: NDArray[np.int64], into: Array
) -> None:
    """Take the gradient of `pool_rows`.

    Parameters
    ----------
    gradient : float32[B, 2W]
        Of what was pooled.
    sizes, most
        As there.
    into : float32[T, W]
        Gradient of the states, written.
    """
    first = np.concatenate([[0], np.cumsum(sizes)])
    width = into.shape[1]
    columns = np.arange(width)
    into[:] = 0
    for i in range(len(gradient)):
        rows = first[:-1][sizes > i] + i
        if len(rows):
            into[rows] += gradient[i, width:] / into.dtype.type(len(rows))
            into[most[i], columns] += gradient[i, :width]


@kernel(reference=unpool_rows_reference)
def unpool_rows(gradient, sizes, most, into):
    width = into.shape[1]
    lengths = np.zeros(len(gradient), np.int64)
    for t in range(len(sizes)):
        lengths[: sizes[t]] += 1
    row = 0
    for t in range(len(sizes)):
        for i in range(sizes[t]):
            share, source, target = ONE / np.float32(lengths[i]), gradient[i], into[row]
            for j in range(width):
                target[j] = share * source[width + j]
                if most[i, j] == row:
                    target[j] += source[j]
            row += 1
