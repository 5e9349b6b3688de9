"""Linear models of sparse features: the loss, its gradient, and L-BFGS down to its least value.

References
----------
D. Liu, J. Nocedal: On the Limited Memory BFGS Method for Large Scale Optimization, 1989.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.features import Sparse

_MOST_STEPS = 300
_TOLERANCE = 1e-6  # of the objective, relative: held-out scores stop moving long before

Loss = Callable[[NDArray, NDArray], tuple[float, NDArray]]


class Linear(NamedTuple):
    """A linear map from features to outputs.

    Attributes
    ----------
    weights : float64[F, C]
    bias : float64[C]
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def outputs(self, features: Sparse) -> NDArray[np.float64]:
        """Return the outputs (float64[N, C]) of rows of features."""
        return features @ self.weights + self.bias


def fit_linear(
    features: Sparse,
    targets: NDArray[np.float64],
    loss: str,
    strength: float,
    *,
    scale: NDArray[np.float64] | None = None,
    start: Linear | None = None,
) -> Linear:
    """Minimise ``strength * loss + |weights|^2 / 2``.

    Parameters
    ----------
    features : [N, F]
        Sparse rows.
    targets : float64[N, C]
        What the outputs should be: chances, or numbers.
    loss
        "softmax", "sigmoid" or "squared"; summed over the rows.
    strength
        What the loss counts against the penalty on weights.
    scale : float64[F, C]
        What each feature is multiplied by for each output; None: 1.
    start
        Where to begin.

    Returns
    -------
    Linear
        For features that are not scaled.
    """
    if loss == "softmax" and targets.shape[1] == 2:
        return _fit_two(features, targets, strength, scale, start)
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    rows = features.astype(np.float64)
    columns = rows.T.tocsr()
    shape = (features.shape[1], targets.shape[1])
    lossy = LOSSES[loss]

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = flat[: -shape[1]].reshape(shape), flat[-shape[1] :]
        scaled = weights if scale is None else weights * scale
        value, slope = lossy(rows @ scaled + bias, targets)
        back = columns @ slope
        gradient = strength * (back if scale is None else back * scale) + weights
        whole = np.concatenate([gradient.ravel(), strength * slope.sum(0)])
        return strength * value + 0.5 * float((weights**2).sum()), whole

    first = np.zeros(shape[0] * shape[1] + shape[1])
    if start is not None:
        begun = start.weights if scale is None else start.weights / scale
        first = np.concatenate([begun.ravel(), start.bias])
    with threadpool_limits(1, user_api="blas"):  # the order of its sums follows its threads
        found = minimize(
            objective,
            first,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _MOST_STEPS, "ftol": _TOLERANCE, "gtol": 1e-8, "maxcor": 10},
        ).x
    weights = found[: -shape[1]].reshape(shape)
    return Linear(weights if scale is None else weights * scale, found[-shape[1] :])


def _fit_two(
    features: Sparse,
    targets: NDArray[np.float64],
    strength: float,
    scale: NDArray[np.float64] | None,
    start: Linear | None,
) -> Linear:
    """Fit two classes by one output, their difference: the same least value in half the time.

    Of two classes the weights are each other's opposite, so that the penalty on both is a half of
    that on their difference. A scale must be the same for both but for its sign.
    """
    own = None if scale is None else scale[:, 1:]
    begun = None if start is None else Linear(2 * start.weights[:, 1:], 2 * start.bias[1:])
    one = fit_linear(features, targets[:, 1:], "sigmoid", 2 * strength, scale=own, start=begun)
    weights, bias = one.weights / 2, one.bias / 2
    return Linear(np.hstack([-weights, weights]), np.concatenate([-bias, bias]))


def chances(outputs: NDArray[np.float64], loss: str) -> NDArray[np.float64]:
    """Return what outputs mean under a loss: chances, or themselves where it is "squared"."""
    if loss == "squared":
        return outputs
    return softmax(outputs) if loss == "softmax" else sigmoid(outputs)


def softmax(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances (float64[N, C]) of the classes."""
    raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def sigmoid(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance of each label by itself."""
    return 0.5 * (1.0 + np.tanh(0.5 * outputs))


def softmax_loss(
    outputs: NDArray[np.float64], targets: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the cross entropy of classes, and its derivative."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -float((targets * (shifted - log_sum)).sum()), np.exp(shifted - log_sum) - targets


def sigmoid_loss(
    outputs: NDArray[np.float64], targets: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the cross entropy of labels, each by itself, and its derivative."""
    value = np.logaddexp(0.0, outputs) - targets * outputs
    return float(value.sum()), sigmoid(outputs) - targets


def squared_loss(
    outputs: NDArray[np.float64], targets: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return half the squared error, and its derivative."""
    error = outputs - targets
    return 0.5 * float((error**2).sum()), error


LOSSES: dict[str, Loss] = {
    "softmax": softmax_loss,
    "sigmoid": sigmoid_loss,
    "squared": squared_loss,
}
