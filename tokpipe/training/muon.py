"""Muon: a map moves by the nearest orthogonal matrix to the mean of its gradients.

All its directions move by the same length then, those in which gradients are small, too. It moves
maps from hidden states to hidden states; what is none (tables, classes, biases, norms) is AdamW's.

References
----------
K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): the iteration,
and Nesterov's momentum.
N. Amsel et al., "The Polar Express" (2025), theorem 3.1: the best polynomials, one after the other.
J. Liu et al., "Muon is Scalable for LLM Training" (2025), 2.2: steps as long as AdamW's.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import LEFT, RIGHT, gemm
from tokpipe.bert.parameters import Slot

Array = NDArray[np.float32]

# With the MLM head's among them tiny has 3.57 nats, without 3.61 (three minutes, one seed).
_MAP = re.compile(
    r"(?:layers\.\d+\.(?:attention\.(?:qkv|output)|ffn\.(?:input|output))"
    r"|embeddings\.projection|pooler|mlm\.transform)\.weight"
)
# Odd polynomials that bring singular values from 0.01 to 1 as near to 1 as three can: 0.73 to 1.27.
# The same loss as five steps by Jordan's (0.68 to 1.13) with 0.6 of their products.
COEFFICIENTS = (
    (8.0934, -23.6204, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
_LENGTH = 0.2  # root mean square of AdamW's steps over the learning rate, about
_SMALL = 1e-7  # added to a norm


class Map(NamedTuple):
    """A map, as the optimizer's blocks have it."""

    start: int
    end: int
    columns: int  # values from one row to the next
    tensor: int  # number of the tensor that it lies in
    decays: bool

    def rows(self, block: Array) -> Array:
        """Return its values, float32[out, in]."""
        return block[self.start : self.end].reshape(-1, self.columns)


class MuonFactors(NamedTuple):
    """The numbers of one step."""

    scale: float  # what the gradient is multiplied by: below one where it is clipped
    momentum: float  # what is kept of the mean of gradients
    rate: float  # the learning rate
    decay: float  # share of a weight that goes


def maps_in(table: Mapping[str, Slot]) -> dict[str, int]:
    """Return which tensors Muon moves, and how many maps lie in each, one below the other.

    Queries, keys and values are three; values and gate of a gated feed-forward part two.

    Examples
    --------
    >>> shapes = {"attention.qkv": (24, 8), "ffn.input": (32, 8), "ffn.output": (8, 16)}
    >>> table = {f"layers.0.{name}.weight": Slot(0, shape) for name, shape in shapes.items()}
    >>> list(maps_in(table).values())
    [3, 2, 1]
    """
    return {name: _count(name, table) for name in table if _MAP.fullmatch(name)}


def _count(name: str, table: Mapping[str, Slot]) -> int:
    if ".qkv." in name:
        return 3
    if ".input." in name:  # the map behind takes what is left of it
        return table[name].shape[0] // table[name.replace(".input.", ".output.")].shape[1]
    return 1


def scratch_bytes(table: Mapping[str, Slot]) -> int:
    """Return the most that a thread takes while it moves a map: four times the largest."""
    sizes = [table[name].size // count for name, count in maps_in(table).items()]
    return 4 * 4 * max(sizes, default=0)


def orthogonalised(
    matrix: Array, coefficients: Sequence[tuple[float, float, float]] = COEFFICIENTS
) -> Array:
    """Return about the nearest orthogonal matrix.

    What is below a hundredth of all together (the root of the sum of squares) stays shorter.

    Parameters
    ----------
    matrix : float32[M, N]
        Changed.
    coefficients
        Of x, its third and its fifth power, a step of the iteration each.

    Returns
    -------
    float32[M, N]
        With orthogonal rows, or columns where there are fewer of them.

    Examples
    --------
    >>> tall = np.random.default_rng(0).standard_normal((40, 20), np.float32)
    >>> values = np.linalg.svd(orthogonalised(tall), compute_uv=False)
    >>> bool(values.min() > 0.7), bool(values.max() < 1.3)
    (True, True)
    """
    is_tall, side = matrix.shape[0] > matrix.shape[1], min(matrix.shape)
    matrix /= np.float32(np.linalg.norm(matrix) + _SMALL)
    other = np.empty_like(matrix)
    gram, square = (np.empty((side, side), matrix.dtype) for _ in range(2))
    for first, second, third in np.array(coefficients, matrix.dtype):
        gemm(matrix, matrix, gram, transposed=LEFT if is_tall else RIGHT)
        gemm(gram, gram, square)
        square *= third
        gram *= second
        square += gram
        square.reshape(-1)[:: side + 1] += first
        gemm(*((matrix, square) if is_tall else (square, matrix)), other)
        matrix, other = other, matrix
    return matrix


def move_map(state: Sequence[Array], moved: Map, factors: MuonFactors) -> None:
    """Move a map, and leave its gradient zero.

    Parameters
    ----------
    state : float32[N], three times
        Weights, gradient, and mean of gradients.
    moved
        Where it is.
    factors
        Of this step.
    """
    weights, gradient, mean = (moved.rows(block) for block in state)
    scale, momentum, rate, decay = map(np.float32, factors)
    rest = np.float32(1) - momentum
    gradient *= rest * scale
    mean *= momentum
    mean += gradient
    gradient += momentum * mean  # Nesterov's: one step ahead
    direction = orthogonalised(gradient.copy())
    if moved.decays:
        weights *= np.float32(1) - decay
    weights -= rate * np.float32(_LENGTH * max(weights.shape) ** 0.5) * direction
    gradient.fill(0)
