"""Self-attention over packed sequences: each token sees its own sequence, no padding exists.

One sequence, one head and at most `BLOCK` queries at a time have their scores in a small piece of
memory; no score outlives its block. Forward keeps the logarithm of each row's sum, and backward
makes the weights from it once more (Dao et al. 2022, "FlashAttention").

Queries, keys and values of a token lie in one row: ``qkv[t] = q (H), k (H), v (H)``, each with the
heads side by side.

Products are made by SGEMM at an address, and in copies of these kernels by micro-kernels of our
own (`own_attention`). Softmax and all sums are float32.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.dropout import dropout_factors, kept
from tokpipe.bert.kernels.formulas import ONE, ZERO, exponential, logarithm
from tokpipe.bert.kernels.losses import exponentials_below, greatest
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT, product_at
from tokpipe.foundation.jit import FUSED_SUMS, inlined_helper, inlined_sums, kernel
from tokpipe.foundation.seeds import child_key

BLOCK = 128  # queries at a time: 64 KiB of scores at 128 keys
_LOWEST = np.float32(np.finfo(np.float32).min)  # a score that has no weight

Array = NDArray[np.floating]
Taken = Callable[[Array], Array]

# Of the loops and twins below; each copy of them has its own.
product = product_at
leaves_factor = False  # whether products do without the factor that they are handed
taken: Taken = np.asarray  # what products make of their operands


def split_heads(rows: Array, heads: int) -> Array:
    """Return a view of rows [n, heads * D] as [heads, n, D]."""
    return rows.reshape(len(rows), heads, -1).transpose(1, 0, 2)


def attention_scores(qkv: Array, heads: int, biases: Array, taken: Taken = np.asarray) -> Array:
    """Return the scores of one sequence: [A, n, n], a row for each query."""
    query, key, _ = np.split(split_heads(qkv, 3 * heads), 3)
    scores = taken(query) @ taken(key).transpose(0, 2, 1) * qkv.dtype.type(query.shape[2] ** -0.5)
    if biases.size:
        places = np.arange(len(qkv))
        scores = scores + biases[:, biases.shape[1] // 2 + places - places[:, None]]
    return scores


def attention_weights(
    qkv: Array, heads: int, biases: Array, taken: Taken = np.asarray
) -> tuple[Array, Array]:
    """Return the weights of one sequence [A, n, n], and the logarithms of their sums [A, n]."""
    scores = attention_scores(qkv, heads, biases, taken)
    most = scores.max(2, keepdims=True)
    logsums = np.log(np.exp(scores - most).sum(2, keepdims=True)) + most
    return np.exp(scores - logsums), logsums[:, :, 0]


def attention_forward_reference(
    qkv: Array,
    address: int,
    offsets: NDArray[np.int32],
    heads: int,
    biases: Array,
    key: np.uint64,
    threshold: np.uint32,
    scale: float,
    logsums: Array,
    out: Array,
) -> None:
    """Attend.

    Parameters
    ----------
    qkv : float32[T, 3H]
        Queries, keys and values.
    address
        Of SGEMM; or of scratch memory, for products of our own.
    offsets : int32[B + 1]
        Borders of the sequences.
    heads
        A, how many heads there are.
    biases : float32[A, 2S - 1] or float32[A, 0]
        What is added to a score, by key's place less query's place, from ``1 - S``.
    key, threshold, scale
        Of the dropout of weights; a row is ``token * A + head``, a column a key's place.
    logsums : float32[T, A]
        Logarithm of the sum of each row's exponentials, for `attention_backward`.
    out : float32[T, H]
        The values, weighted.
    """
    for start, end in itertools.pairwise(offsets):
        rows = qkv[start:end]
        weights, sums = attention_weights(rows, heads, biases, taken)
        weights = weights * _factors(qkv, start, end, heads, (key, threshold, scale))
        attended = taken(weights) @ taken(split_heads(rows, 3 * heads)[2 * heads :])
        out[start:end] = attended.transpose(1, 0, 2).reshape(end - start, -1)
        logsums[start:end] = sums.T


def _factors(
    like: Array, start: int, end: int, heads: int, drop: tuple[np.uint64, np.uint32, float]
) -> Array:
    key, threshold, scale = drop
    count = int(end - start)
    factors = dropout_factors(key, (count * heads, count), threshold, scale, int(start) * heads)
    return factors.reshape(count, heads, count).transpose(1, 0, 2).astype(like.dtype)


@kernel(reference=attention_forward_reference, rounding=FUSED_SUMS)
def attention_forward(qkv, address, offsets, heads, biases, key, threshold, scale, logsums, out):
    hidden = out.shape[1]
    width, stride = hidden // heads, 3 * hidden
    root, factor = np.float32(1.0 / math.sqrt(width)), np.float32(scale)
    after = root if leaves_factor else ONE  # what products leave to do
    memory = np.empty(BLOCK * _wide(_longest(offsets)), np.float32)
    most, total = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for b in range(len(offsets) - 1):
        start, count = np.int64(offsets[b]), np.int64(offsets[b + 1] - offsets[b])
        wide = _wide(count)
        scores = memory[: BLOCK * wide].reshape(BLOCK, wide)
        for h in range(heads):
            keys = qkv.ctypes.data + 4 * (start * stride + hidden + h * width)
            for first in range(start, start + count, BLOCK):
                rows = min(np.int64(BLOCK), start + count - first)
                queries = qkv.ctypes.data + 4 * (first * stride + h * width)
                product(
                    address, RIGHT, rows, count, width, root, queries, stride, keys, stride,
                    False, scores.ctypes.data, wide,
                )  # fmt: skip
                # one loop after the other: in one, a row would wait for its own results
                for i in range(rows):
                    _finish_scores(scores[i], count, wide, after)
                    if biases.shape[1] > 0:
                        _add_biases(scores[i], count, biases[h], first + i - start)
                    most[i] = greatest(scores[i], wide)
                for i in range(rows):
                    total[i] = exponentials_below(scores[i], most[i], wide)
                for i in range(rows):
                    t = first + i
                    logsums[t, h] = most[i] + logarithm(total[i])
                    if threshold != np.uint32(0):
                        row_key = child_key(key, t * heads + h)
                        _drop(scores[i], wide, ONE, row_key, threshold)
                product(
                    address, NOT, rows, width, count, ONE, scores.ctypes.data, wide,
                    keys + 4 * hidden, stride, False,
                    out.ctypes.data + 4 * (first * hidden + h * width), hidden,
                )  # fmt: skip
                for i in range(rows):
                    _share_out(out[first + i, h * width : (h + 1) * width], factor, total[i])
    _ = qkv.size + memory.size + out.size  # still in use


@inlined_helper
def _wide(count):
    """Return the width of rows of scores: whole vectors, as the compiler can see.

    What is left over would be taken one by one: 50 keys took as long as 64.
    """
    return (np.int64(count) + np.int64(31)) & np.int64(-32)


@inlined_sums
def _finish_scores(row, count, wide, factor):
    """Multiply a row of scores; beyond the keys, let none have a weight."""
    for j in range(wide):
        value = row[j] * factor
        row[j] = value if np.int32(j) < np.int32(count) else _LOWEST


@inlined_sums
def _longest(offsets):
    most = np.int64(0)
    for b in range(len(offsets) - 1):
        most = max(most, np.int64(offsets[b + 1] - offsets[b]))
    return most


@inlined_sums
def _add_biases(row, count, biases, place):
    shift = len(biases) // 2 - place
    beside = biases[shift : shift + count]
    for j in range(count):
        row[j] += beside[j]


@inlined_sums
def _drop(row, wide, factor, row_key, threshold):
    for j in range(wide):
        row[j] *= kept(row_key, j, threshold, factor)


@inlined_sums
def _share_out(row, factor, total):
    for j in range(len(row)):
        row[j] = row[j] * factor / total  # one rounding where nothing is dropped


def attention_backward_reference(
    qkv: Array,
    address: int,
    offsets: NDArray[np.int32],
    heads: int,
    biases: Array,
    key: np.uint64,
    threshold: np.uint32,
    scale: float,
    logsums: Array,
    out: Array,
    gradient: Array,
    d_qkv: Array,
    d_biases: Array,
) -> None:
    """Take the gradients of `attention_forward`.

    Parameters
    ----------
    qkv, address, offsets, heads, biases, key, threshold, scale
        As before.
    logsums, out
        As forward left them.
    gradient : float32[T, H]
        Of the result.
    d_qkv : float32[T, 3H]
        Gradient of queries, keys and values, written.
    d_biases : float32[A, 2S - 1] or float32[A, 0]
        Gradient of the biases, added to.
    """
    for start, end in itertools.pairwise(offsets):
        count = end - start
        query, keys, value = np.split(taken(split_heads(qkv[start:end], 3 * heads)), 3)
        weights, _ = attention_weights(qkv[start:end], heads, biases, taken)
        factors = _factors(qkv, start, end, heads, (key, threshold, scale))
        above = taken(split_heads(gradient[start:end], heads))
        # of a row's weights times their slopes, from D products: forward has added up the rest
        total = split_heads(gradient[start:end] * out[start:end], heads).sum(2, keepdims=True)
        d_value = taken(weights * factors).transpose(0, 2, 1) @ above
        d_weights = above @ value.transpose(0, 2, 1) * factors
        d_scores = weights * (d_weights - total)
        if biases.size:
            places = np.arange(count)
            columns = biases.shape[1] // 2 + places - places[:, None]
            for h in range(heads):
                np.add.at(d_biases[h], columns, d_scores[h])
        d_scores = taken(d_scores * qkv.dtype.type(query.shape[2] ** -0.5))
        parts = np.concatenate([d_scores @ keys, d_scores.transpose(0, 2, 1) @ query, d_value])
        d_qkv[start:end] = parts.transpose(1, 0, 2).reshape(count, -1)


@kernel(reference=attention_backward_reference, rounding=FUSED_SUMS)
def attention_backward(
    qkv, address, offsets, heads, biases, key, threshold, scale, logsums, out, gradient, d_qkv,
    d_biases,
):  # fmt: skip
    hidden = out.shape[1]
    width, stride = hidden // heads, 3 * hidden
    root, factor = np.float32(1.0 / math.sqrt(width)), np.float32(scale)
    after = root if leaves_factor else ONE  # what products leave to do
    size = BLOCK * _wide(_longest(offsets))
    memory, total = np.empty((3, size), np.float32), np.empty(BLOCK, np.float32)
    at_weights, at_dropped, at_slopes = (
        memory[0].ctypes.data, memory[1].ctypes.data, memory[2].ctypes.data,
    )  # fmt: skip
    for b in range(len(offsets) - 1):
        start, count = np.int64(offsets[b]), np.int64(offsets[b + 1] - offsets[b])
        wide = _wide(count)
        weights = memory[0, : BLOCK * wide].reshape(BLOCK, wide)
        dropped = memory[1, : BLOCK * wide].reshape(BLOCK, wide)
        slopes = memory[2, : BLOCK * wide].reshape(BLOCK, wide)
        for h in range(heads):
            place = 4 * (start * stride + hidden + h * width)
            keys, d_keys = qkv.ctypes.data + place, d_qkv.ctypes.data + place
            for first in range(start, start + count, BLOCK):
                rows = min(np.int64(BLOCK), start + count - first)
                place = 4 * (first * stride + h * width)
                queries, d_queries = qkv.ctypes.data + place, d_qkv.ctypes.data + place
                above = gradient.ctypes.data + 4 * (first * hidden + h * width)
                later = first > start
                product(
                    address, RIGHT, rows, count, width, root, queries, stride, keys, stride,
                    False, at_weights, wide,
                )  # fmt: skip
                for i in range(rows):
                    t = first + i
                    _finish_scores(weights[i], count, wide, after)
                    if biases.shape[1] > 0:
                        _add_biases(weights[i], count, biases[h], t - start)
                    _weights_again(
                        weights[i], dropped[i], count, wide, logsums[t, h],
                        child_key(key, t * heads + h), threshold, factor,
                    )  # fmt: skip
                product(
                    address, LEFT, count, width, rows, ONE, at_dropped, wide, above, hidden,
                    later, d_keys + 4 * hidden, stride,
                )  # fmt: skip
                product(
                    address, RIGHT, rows, count, width, ONE, above, hidden, keys + 4 * hidden,
                    stride, False, at_slopes, wide,
                )  # fmt: skip
                for i in range(rows):
                    t, place = first + i, h * width
                    total[i] = _dot(
                        gradient[t, place : place + width], out[t, place : place + width]
                    )
                for i in range(rows):
                    _score_slopes(slopes[i], weights[i], dropped[i], wide, total[i], after)
                    if biases.shape[1] > 0:
                        shift = d_biases.shape[1] // 2 - (first + i - start)
                        _add_to(d_biases[h, shift : shift + count], slopes[i], ONE / after)
                product(
                    address, NOT, rows, width, count, root, at_slopes, wide, keys, stride,
                    False, d_queries, stride,
                )  # fmt: skip
                product(
                    address, LEFT, count, width, rows, root, at_slopes, wide, queries, stride,
                    later, d_keys, stride,
                )  # fmt: skip
    _ = qkv.size + d_qkv.size + gradient.size + memory.size  # still in use


@inlined_sums
def _weights_again(row, dropped, count, wide, logsum, row_key, threshold, factor):
    for j in range(wide):
        weight = exponential(row[j] - logsum)
        # behind the keys none at all: products of the least are below all normal numbers, and slow
        weight = weight if np.int32(j) < np.int32(count) else ZERO
        row[j] = weight
        dropped[j] = weight * kept(row_key, j, threshold, factor)


@inlined_sums
def _dot(left, right):
    # the row's sum of weights times their slopes, from D products instead of n
    total = ZERO
    for j in range(len(left)):
        total += left[j] * right[j]
    return total


@inlined_sums
def _score_slopes(row, weights, dropped, wide, total, factor):
    for j in range(wide):
        row[j] = (row[j] * dropped[j] - weights[j] * total) * factor


@inlined_sums
def _add_to(target, row, factor):
    for j in range(len(target)):
        target[j] += row[j] * factor
