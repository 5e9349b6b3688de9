"""Rows picked from a table and given back to it; positions; sums down the columns."""

import itertools

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import kernel


def gather_rows_reference(
    table: NDArray[np.floating], index: NDArray[np.int32], out: NDArray[np.floating], add: bool
) -> None:
    """Copy row ``index[t]`` of a table to row ``t``, or add it there.

    Parameters
    ----------
    table : float32[V, H]
        The rows to pick from.
    index : int32[T]
        Which ones.
    out : float32[T, H]
        Where they go.
    add
        Whether to add to what is there.
    """
    out[:] = out + table[index] if add else table[index]


@kernel(reference=gather_rows_reference)
def gather_rows(table, index, out, add):
    for t in range(len(index)):
        source, target = table[index[t]], out[t]
        if add:
            for j in range(len(target)):
                target[j] += source[j]
        else:
            for j in range(len(target)):
                target[j] = source[j]


def scatter_rows_reference(
    rows: NDArray[np.floating], index: NDArray[np.int32], table: NDArray[np.floating]
) -> None:
    """Add row ``t`` to row ``index[t]`` of a table, in the order of ``t``.

    Parameters
    ----------
    rows : float32[T, H]
        What to add.
    index : int32[T]
        Where to.
    table : float32[V, H]
        The sums.
    """
    np.add.at(table, index, rows)


@kernel(reference=scatter_rows_reference)
def scatter_rows(rows, index, table):
    for t in range(len(index)):
        source, target = rows[t], table[index[t]]
        for j in range(len(source)):
            target[j] += source[j]


def add_column_sums_reference(values: NDArray[np.floating], sums: NDArray[np.floating]) -> None:
    """Add the rows of a matrix to a vector: the gradient of a bias.

    Parameters
    ----------
    values : float32[T, N]
        The rows.
    sums : float32[N]
        What they are added to.
    """
    sums += values.sum(0)


@kernel(reference=add_column_sums_reference)
def add_column_sums(values, sums):
    for t in range(len(values)):
        row = values[t]
        for j in range(len(row)):
            sums[j] += row[j]


def fill_rows_reference(row: NDArray[np.floating], out: NDArray[np.floating]) -> None:
    """Write one row into every row: a bias, to which a product is then added.

    Parameters
    ----------
    row : float32[N]
        What to write.
    out : float32[T, N]
        Where.
    """
    out[:] = row


@kernel(reference=fill_rows_reference)
def fill_rows(row, out):
    for t in range(len(out)):
        target = out[t]
        for j in range(len(target)):
            target[j] = row[j]


def count_positions_reference(
    offsets: NDArray[np.int32], first: int, out: NDArray[np.int32]
) -> None:
    """Write each token's number in its sequence.

    Parameters
    ----------
    offsets : int32[B + 1]
        Borders of the sequences.
    first
        Number of the first token.
    out : int32[T]
        The numbers.
    """
    for start, end in itertools.pairwise(offsets):
        out[start:end] = np.arange(first, first + end - start)


@kernel(reference=count_positions_reference)
def count_positions(offsets, first, out):
    for b in range(len(offsets) - 1):
        for t in range(offsets[b], offsets[b + 1]):
            out[t] = first + t - offsets[b]
