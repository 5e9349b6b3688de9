"""A linear model of vectors that lie in a mapped file: read in blocks, learned by L-BFGS.

Each number of a vector is brought to mean 0 and deviation 1 first, which is folded into the
weights: the file is read as it is. The sum and the mean of the same layers are then the same
features. Blocks are computed by several threads and added up in their order, so that the weights do
not depend on the threads.

Numbers of a vector go together, and those of neighbouring layers more so, which L-BFGS is slow at.
It is therefore given other variables, in which the objective is about as steep in all directions:
those of a Cholesky factor of the second derivative, classes taken alike. Rows count in it by how
unsure the model is of them: at first by how frequent classes are, then by what it came to for the
strength before. The least value is the same; 62,730 words of 13 tags take 48 passes, where they
took 163.

References
----------
M. Peters et al.: Deep Contextualized Word Representations, NAACL 2018, eq. 1: a weighted sum of
layers, with weights that are learned and sum to 1. The factor in front of it is a scale of the
linear model's weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.linear import softmax
from tokpipe.bert.kernels.losses import cross_entropy
from tokpipe.foundation.threads import map_ordered

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # of the loss against the penalty, that are tried
_MOST_STEPS = 100  # for each strength, from where the last ended
_TOLERANCE = 1e-5  # of the objective, relative
_ROUGH = 3e-4  # the loss held out stops moving before
_BLOCK = 4096  # rows
_SAMPLE = 8192  # rows at most that tell how numbers go together
_LEAST_DEVIATION = 1e-6  # of a number that tells rows apart


class Moments(NamedTuple):
    """Of each number of the vectors in each plane."""

    mean: NDArray[np.float64]  # float64[S, H]
    inverse: NDArray[np.float64]  # float64[S, H]: one by the deviation; 0 for a constant


class Weights(NamedTuple):
    """A linear model of K planes of vectors."""

    each: NDArray[np.float64]  # float64[K, H, C]: of the numbers of each plane
    bias: NDArray[np.float64]  # float64[C]
    mix: NDArray[np.float64] | None  # float64[K]: the shares of the planes, where they are learned


class Told(NamedTuple):
    """What is told of N vectors."""

    targets: NDArray[np.int32]  # int32[N]: the class of each
    classes: int  # how many there are
    learned: NDArray[np.bool_]  # bool[N]: which are learned from; the others are held out


@dataclass(frozen=True, eq=False)
class Planes:
    """Those planes of a file of vectors that one model reads.

    Attributes
    ----------
    values : float32[S, N, H] or float16[S, N, H]
    which
        K of the S planes.
    moments
        Of all planes, in the part that is learned from.
    mixed
        Whether one weighted sum of the planes is read; else they stand side by side.
    threads
        How many compute, None for one a processor.
    """

    values: NDArray[np.floating]
    which: tuple[int, ...]
    moments: Moments
    mixed: bool
    threads: int | None = None

    def outputs(self, weights: Weights) -> NDArray[np.float32]:
        """Return the outputs for all rows: float32[N, C]."""
        folded, bias = self._folded(weights)

        def of_block(rows: slice) -> NDArray[np.float32]:
            return _outputs(self._block(rows), folded, bias)

        return np.concatenate([*map_ordered(of_block, self._blocks(), self.threads)])

    def loss(
        self, weights: Weights, told: Told
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Return the cross entropy over the rows learned from, and its derivatives.

        Returns
        -------
        loss
        by_weight : float64[K, H, C]
        by_bias : float64[C]
        """
        folded, bias = self._folded(weights)

        def of_block(rows: slice) -> tuple[float, NDArray[np.float32], NDArray[np.float64]]:
            block, kept = self._block(rows), told.learned[rows]
            slope = _outputs(block, folded, bias)
            own = slope[kept]
            value, _ = cross_entropy(own, told.targets[rows][kept], 1.0, np.zeros_like(bias), own)
            slope[:] = 0
            slope[kept] = own
            return value, np.stack([plane.T @ slope for plane in block]), own.sum(0, np.float64)

        loss, by_weight, by_bias = 0.0, np.zeros(folded.shape), np.zeros(len(bias))
        for value, products, sums in map_ordered(of_block, self._blocks(), self.threads):
            loss, by_bias = loss + value, by_bias + sums
            by_weight += products
        mean, inverse = self._moments()
        by_weight = inverse[:, :, None] * (by_weight - mean[:, :, None] * by_bias)
        return loss, by_weight, by_bias

    @property
    def sampled(self) -> slice:
        """Some rows, evenly taken."""
        return slice(None, None, -(-self.values.shape[1] // _SAMPLE))

    def sample(self) -> NDArray[np.float32]:
        """Return those rows as the model reads them: float32[n, P]."""
        mean, inverse = (each.astype(np.float32) for each in self._moments())
        planes = [
            (np.asarray(self.values[plane, self.sampled], np.float32) - mean[k]) * inverse[k]
            for k, plane in enumerate(self.which)
        ]
        return np.mean(planes, axis=0) if self.mixed else np.concatenate(planes, axis=1)

    def _blocks(self) -> list[slice]:
        return [slice(at, at + _BLOCK) for at in range(0, self.values.shape[1], _BLOCK)]

    def _block(self, rows: slice) -> list[NDArray[np.float32]]:
        return [np.asarray(self.values[plane, rows], np.float32) for plane in self.which]

    def _moments(self) -> Moments:
        return Moments(*(each[list(self.which)] for each in self.moments))

    def _folded(self, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weights and bias for vectors that are not brought to one scale."""
        mean, inverse = self._moments()
        folded = weights.each * inverse[:, :, None]
        bias = weights.bias - np.einsum("kh,khc->c", mean, folded)
        return folded.astype(np.float32), bias.astype(np.float32)


def _outputs(
    block: Sequence[NDArray[np.float32]],
    folded: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    found = bias + block[0] @ folded[0]
    for plane, weights in zip(block[1:], folded[1:], strict=True):
        found += plane @ weights
    return found


def moments_of(values: NDArray[np.floating]) -> Moments:
    """Return mean and deviation of each number over the rows of float[S, N, H]."""
    mean, inverse = np.empty(values.shape[::2]), np.empty(values.shape[::2])
    for plane, own in enumerate(values):
        rows = [own[at : at + _BLOCK].astype(np.float64) for at in range(0, len(own), _BLOCK)]
        mean[plane] = np.add.reduce([block.sum(0) for block in rows]) / len(own)
        spread = np.add.reduce([((block - mean[plane]) ** 2).sum(0) for block in rows])
        deviation = np.sqrt(spread / len(own))
        inverse[plane] = np.where(
            deviation > _LEAST_DEVIATION, 1 / np.maximum(deviation, _LEAST_DEVIATION), 0.0
        )
    return Moments(mean, inverse)


class Variables(NamedTuple):
    """The variables that L-BFGS is given, and the parameters that they mean."""

    factor: NDArray[np.float64]  # float64[P, P]: lower; weights are its transposed inverse of them
    scale: float  # of the bias, and of the shares of planes
    classes: int

    def parameters(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all parameters, for `unpacked`."""
        return self._solved(free, 1)

    def derivative(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative by the variables, from that by the parameters."""
        return self._solved(gradient, 0)

    def of(self, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the variables that mean some parameters."""
        rows = len(self.factor)
        own = self.factor.T @ flat[: rows * self.classes].reshape(rows, -1)
        return np.concatenate([own.ravel(), flat[own.size :] / self.scale])

    def _solved(self, flat: NDArray[np.float64], transposed: int) -> NDArray[np.float64]:
        from scipy.linalg import solve_triangular

        rows = len(self.factor)
        own = flat[: rows * self.classes].reshape(rows, -1)
        solved = solve_triangular(
            self.factor, own, trans=transposed, lower=True, check_finite=False
        )
        return np.concatenate([solved.ravel(), flat[own.size :] * self.scale])


def variables_of(
    sample: NDArray[np.float32], chances: NDArray[np.floating], told: Told, strength: float
) -> Variables:
    """Return variables in which the objective is about as steep in all directions.

    Parameters
    ----------
    sample : float32[n, P]
        See `Planes.sample`.
    chances : float[n, C] or float[1, C]
        Of the classes in each of these rows, as far as they are known.
    told
        How many rows are learned from.
    strength
        What the loss counts against the penalty.
    """
    unsure = (chances * (1 - chances)).mean(axis=1, keepdims=True)
    products = (sample * unsure.astype(np.float32)).T @ sample
    weight = strength * int(told.learned.sum())
    factor = np.eye(len(products)) + products.astype(np.float64) * (weight / len(sample))
    scale = float(1 / np.sqrt(1 + weight * unsure.mean()))
    return Variables(np.asarray(np.linalg.cholesky(factor), np.float64), scale, told.classes)


def frequencies(told: Told) -> NDArray[np.float64]:
    """Return the shares of the classes among the rows learned from: float64[1, C]."""
    counts = np.bincount(told.targets[told.learned], minlength=told.classes)
    return counts[None] / max(int(counts.sum()), 1)


def fit(
    planes: Planes,
    told: Told,
    strength: float,
    variables: Variables,
    start: NDArray[np.float64] | None = None,
    tolerance: float = _TOLERANCE,
) -> NDArray[np.float64]:
    """Minimise ``strength * loss + |weights|^2 / 2`` over the rows learned from.

    Parameters
    ----------
    told
        Which rows are learned from, and their classes.
    strength
        What the loss counts against the penalty.
    variables
        In which the least value is looked for.
    start
        What was found for another strength.
    tolerance
        Of the objective, relative, where steps end.

    Returns
    -------
    float64[P]
        All parameters, for `unpacked`.
    """
    from scipy.optimize import minimize

    classes = told.classes

    def objective(free: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        flat = variables.parameters(free)
        weights = unpacked(planes, flat, classes)
        loss, by_weight, by_bias = planes.loss(weights, told)
        gradient = strength * _packed(planes, flat, weights, by_weight, by_bias)
        penalised = flat.copy()
        penalised[_bias_at(planes, classes)] = 0.0
        value = strength * loss + 0.5 * float(penalised @ penalised)
        return value, variables.derivative(gradient + penalised)

    first = np.zeros(_count(planes, classes)) if start is None else variables.of(start)
    how = {"maxiter": _MOST_STEPS, "ftol": tolerance, "gtol": 1e-8, "maxcor": 10}
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options=how).x
    return variables.parameters(found)


def choose(planes: Planes, told: Told) -> tuple[float, Weights]:
    """Return the strength with the least loss over the rows held out, and its weights.

    Strengths rise, each begins where the last ended, and the first that is worse ends the search.
    """
    from threadpoolctl import threadpool_limits

    best, flat = (np.inf, STRENGTHS[0], np.empty(0)), None
    held, unused = ~told.learned, np.zeros(told.classes, np.float32)
    with threadpool_limits(1, user_api="blas"):  # the order of its sums follows its threads
        sample, likely = planes.sample(), frequencies(told)
        for strength in STRENGTHS:
            variables = variables_of(sample, likely, told, strength)
            flat = fit(planes, told, strength, variables, flat, _ROUGH)
            outputs = planes.outputs(unpacked(planes, flat, told.classes))
            likely = softmax(outputs[planes.sampled].astype(np.float64))
            judged = outputs[held]
            loss, _ = cross_entropy(judged, told.targets[held], 1.0, unused, judged)
            if loss >= best[0]:
                break
            best = loss, strength, flat
    return best[1], unpacked(planes, best[2], told.classes)


def unpacked(planes: Planes, flat: NDArray[np.float64], classes: int) -> Weights:
    """Return the weights that parameters mean."""
    width, count = planes.values.shape[2], len(planes.which)
    bias = _bias_at(planes, classes)
    own = flat[: bias.start].reshape(-1, width, classes)
    if not planes.mixed:
        return Weights(own, flat[bias], None)
    shares = softmax(flat[None, -count:])[0]
    return Weights(shares[:, None, None] * own, flat[bias], shares)


def _packed(
    planes: Planes,
    flat: NDArray[np.float64],
    weights: Weights,
    by_weight: NDArray[np.float64],
    by_bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the derivative by the parameters, from those by weights and bias."""
    if weights.mix is None:
        return np.concatenate([by_weight.ravel(), by_bias])
    own = flat[: by_weight[0].size].reshape(by_weight[0].shape)
    by_share = np.einsum("khc,hc->k", by_weight, own)
    by_score = weights.mix * (by_share - weights.mix @ by_share)
    by_own = np.einsum("k,khc->hc", weights.mix, by_weight)
    return np.concatenate([by_own.ravel(), by_bias, by_score])


def _bias_at(planes: Planes, classes: int) -> slice:
    own = planes.values.shape[2] * classes * (1 if planes.mixed else len(planes.which))
    return slice(own, own + classes)


def _count(planes: Planes, classes: int) -> int:
    return _bias_at(planes, classes).stop + (len(planes.which) if planes.mixed else 0)
