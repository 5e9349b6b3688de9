"""Logits of windows to a prediction a text: the mean over its windows."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.predictions import TextPredictions, softmax
from tokpipe.labelled.records import LabelledTexts


def decode_texts(
    data: LabelledTexts, examples: Examples, logits: NDArray, problem: str = "classification"
) -> TextPredictions:
    """Return what the model says of each text.

    Parameters
    ----------
    data
        N texts.
    examples
        Of them, E windows.
    logits : float32[E, C]
        C is 1 in a regression.
    problem
        "classification", "multilabel" or "regression".

    Returns
    -------
    TextPredictions
        Probabilities are taken of each window, then their mean: every window has one vote.
    """
    borders = np.searchsorted(examples.row, np.arange(len(data) + 1))
    if problem == "regression":
        return TextPredictions(values=_means(logits[:, 0].astype(np.float64), borders))
    found = softmax(logits) if problem == "classification" else _sigmoid(logits)
    return TextPredictions(_means(found, borders).astype(np.float32))


def _sigmoid(logits: NDArray) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))  # exp would overflow


def _means(values: NDArray[np.float64], borders: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean over the windows of each row; all have one at least."""
    if len(borders) == len(values) + 1:
        return values
    counts = np.diff(borders).reshape(-1, *[1] * (values.ndim - 1))
    return np.add.reduceat(values, borders[:-1], axis=0) / counts
