"""One step of the optimizer over the block of all weights, in two passes through memory.

The first adds the gradients of the shards of a batch up, in the order of `tokpipe.training.tree`,
and their squares with it; the second moves the weights. Both work on pieces: rows of
``int64[P, 4]`` with the first and the last value (excluded), the number of the tensor, and whether
its weights decay. A piece lies in one tensor and is worked on by one thread, so that no sum depends
on how many threads there are.

References
----------
I. Loshchilov, F. Hutter: Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2.
Y. You et al.: Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, ICLR 2020,
algorithm 2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper, kernel

Block = NDArray[np.float32]

_LANES = 16  # sums kept apart, so that they vectorise without leave to reorder: a line of float32
_ZERO, _ONE = np.float32(0), np.float32(1)


class Factors(NamedTuple):
    """The numbers of one step, as kernels take them: float32 each."""

    scale: np.float32  # what the gradient is multiplied by: below one where it is clipped
    # `beta1`, `beta2`: what is kept of the moments
    beta1: np.float32
    beta2: np.float32
    rate: np.float32  # what the first moment is multiplied by
    root: np.float32  # root of the second bias correction
    epsilon: np.float32  # added to the root of the second moment
    decay: np.float32  # share of a weight that goes


def sum_gradients_reference(
    shards: tuple[Block, ...],
    sums: NDArray[np.int64],
    pieces: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> None:
    """Add gradients up; those that were added to others become zero.

    Parameters
    ----------
    shards : tuple of float32[N]
        The gradients.
    sums : int64[M, 2]
        Which is added to which, the second to the first, in order.
    pieces : int64[P, 4]
        Which values.
    squares : float64[P]
        The sum of the squares of the first gradient in each piece.
    """
    for i, (start, end, _, _) in enumerate(pieces):
        for first, second in sums:
            shards[first][start:end] += shards[second][start:end]
            shards[second][start:end] = 0
        squares[i] = (shards[0][start:end].astype(np.float64) ** 2).sum()


@kernel(reference=sum_gradients_reference)
def sum_gradients(shards, sums, pieces, squares):
    for i in range(len(pieces)):
        start, end = pieces[i, 0], pieces[i, 1]
        for m in range(len(sums)):
            target, source = shards[sums[m, 0]][start:end], shards[sums[m, 1]][start:end]
            for j in range(len(target)):
                target[j] += source[j]
                source[j] = _ZERO
        squares[i] = _sum_of_squares(shards[0][start:end])


@inlined_helper
def _sum_of_squares(values):
    lanes = np.zeros(_LANES)
    whole = len(values) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        row = values[first : first + _LANES]
        for lane in range(_LANES):
            value = np.float64(row[lane])
            lanes[lane] += value * value
    total = lanes.sum()
    for j in range(whole, len(values)):
        total += np.float64(values[j]) ** 2
    return total


def adamw_reference(
    state: tuple[Block, Block, Block, Block], pieces: NDArray[np.int64], factors: Factors
) -> None:
    """Move weights by AdamW, and leave the gradient zero.

    Parameters
    ----------
    state : tuple of float32[N]
        Weights, gradient, first and second moment.
    pieces : int64[P, 4]
        Which values.
    factors
        Of this step; `rate` is the learning rate over the first bias correction, `decay` the
        learning rate times the weight decay.
    """
    scale, beta1, beta2, rate, root, epsilon, decay = factors
    one = np.float32(1)
    for start, end, _, decays in pieces:
        weights, gradient, first, second = (array[start:end] for array in state)
        g = gradient * scale
        first[:] = beta1 * first + (one - beta1) * g
        second[:] = beta2 * second + (one - beta2) * g * g
        if decays:
            weights *= one - decay
        weights -= rate * first / (np.sqrt(second) / root + epsilon)
        gradient[:] = 0


@kernel(reference=adamw_reference)
def adamw(state, pieces, factors):
    scale, beta1, beta2, rate, root, epsilon, decay = factors
    rest1, rest2, per_root = _ONE - beta1, _ONE - beta2, _ONE / root
    for i in range(len(pieces)):
        start, end = pieces[i, 0], pieces[i, 1]
        weights, gradient = state[0][start:end], state[1][start:end]
        first, second = state[2][start:end], state[3][start:end]
        keep = _ONE - decay if pieces[i, 3] else _ONE
        for j in range(len(weights)):  # slices, not offsets: 1.03 ns a value against 1.94
            g = gradient[j] * scale
            m = beta1 * first[j] + rest1 * g
            v = beta2 * second[j] + rest2 * g * g
            first[j], second[j], gradient[j] = m, v, _ZERO
            weights[j] = weights[j] * keep - rate * m / (np.sqrt(v) * per_root + epsilon)


def lamb_directions_reference(
    state: tuple[Block, Block, Block, Block],
    pieces: NDArray[np.int64],
    factors: Factors,
    squares: NDArray[np.float64],
) -> None:
    """Put LAMB's direction in the place of the gradient, and sum squares for the trust ratios.

    Parameters
    ----------
    state : tuple of float32[N]
        Weights, gradient, first and second moment.
    pieces : int64[P, 4]
        Which values.
    factors
        Of this step; `rate` is one over the first bias correction, `decay` the weight decay alone.
    squares : float64[P, 2]
        The sums of the squares of weights and directions in each piece.
    """
    scale, beta1, beta2, rate, root, epsilon, decay = factors
    one = np.float32(1)
    for i, (start, end, _, decays) in enumerate(pieces):
        weights, gradient, first, second = (array[start:end] for array in state)
        g = gradient * scale
        first[:] = beta1 * first + (one - beta1) * g
        second[:] = beta2 * second + (one - beta2) * g * g
        gradient[:] = rate * first / (np.sqrt(second) / root + epsilon)
        if decays:
            gradient += decay * weights
        squares[i] = [(a.astype(np.float64) ** 2).sum() for a in (weights, gradient)]


@kernel(reference=lamb_directions_reference)
def lamb_directions(state, pieces, factors, squares):
    scale, beta1, beta2, rate, root, epsilon, decay = factors
    rest1, rest2, per_root = _ONE - beta1, _ONE - beta2, _ONE / root
    for i in range(len(pieces)):
        start, end = pieces[i, 0], pieces[i, 1]
        weights, gradient = state[0][start:end], state[1][start:end]
        first, second = state[2][start:end], state[3][start:end]
        pull = decay if pieces[i, 3] else _ZERO
        for j in range(len(weights)):
            g = gradient[j] * scale
            m = beta1 * first[j] + rest1 * g
            v = beta2 * second[j] + rest2 * g * g
            first[j], second[j] = m, v
            step = rate * m / (np.sqrt(v) * per_root + epsilon)
            gradient[j] = step + pull * weights[j]
        squares[i, 0] = _sum_of_squares(weights)
        squares[i, 1] = _sum_of_squares(gradient)


def move_by_tensor_reference(
    weights: Block, directions: Block, pieces: NDArray[np.int64], rates: Block
) -> None:
    """Move the weights of each tensor by its own rate, and leave the directions zero.

    Parameters
    ----------
    weights, directions : float32[N]
        All values.
    pieces : int64[P, 4]
        Which of them.
    rates : float32[tensors]
        The learning rate of each tensor.
    """
    for start, end, tensor, _ in pieces:
        weights[start:end] -= rates[tensor] * directions[start:end]
        directions[start:end] = 0


@kernel(reference=move_by_tensor_reference)
def move_by_tensor(weights, directions, pieces, rates):
    for i in range(len(pieces)):
        start, end, rate = pieces[i, 0], pieces[i, 1], rates[pieces[i, 2]]
        target, direction = weights[start:end], directions[start:end]
        for j in range(len(target)):
            target[j] -= rate * direction[j]
            direction[j] = _ZERO
