"""The last map of a job's head: vectors, some of them dropped, to one logit a class."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import NO_JOB, BertConfig
from tokpipe.bert.dropout import Dropout
from tokpipe.bert.head import HeadContext, Objective
from tokpipe.bert.kernels import losses
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.losses import Tally
from tokpipe.bert.residual import drop
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear

Array = NDArray[np.floating]

_weighted_cross_entropy = by_precision(losses.weighted_cross_entropy)


class Classifier(NamedTuple):
    """The map in one pass."""

    weights: Linear  # weight [C, H] and bias [C]
    gradients: Linear | None  # their gradients, added to; None in a pass without any
    drop: Dropout  # the dropout in front
    x: Array  # float32[N, H]: the vectors; some values are dropped, in place
    logits: Array  # float32[N, C]: what it makes of them


def without_job(config: BertConfig, pairs: bool) -> BertConfig:
    """Return a model's settings for shards, which hold nothing to learn a job from."""
    return replace(config, **NO_JOB)


def classifier_forward(classifier: Classifier) -> Array:
    """Return the logits: float32[N, C]."""
    drop(classifier.x, *classifier.drop)
    linear_forward(classifier.x, classifier.weights, classifier.logits)
    return classifier.logits


def classifier_backward(classifier: Classifier, into: Array) -> None:
    """Add the gradient of the weight, that of the bias being known; take that of the vectors.

    Parameters
    ----------
    classifier
        After `classifier_forward`, the logits turned into their gradient.
    into : float32[N, H]
        Gradient of the vectors, written.
    """
    assert classifier.gradients is not None
    weight_backward(classifier.x, classifier.logits, classifier.gradients)
    input_backward(classifier.logits, classifier.weights, into)
    drop(into, *classifier.drop)


def class_losses(ctx: HeadContext, logits: Array, d_bias: Array) -> Tally:
    """Take the losses of one class of several at each of some places.

    Parameters
    ----------
    ctx
        With targets int32[N].
    logits : float32[N, C]
        Becomes the gradient.
    d_bias : float32[C]
        Gradient of the bias inside the logits, added to.
    """
    objective, targets = ctx.objective, ctx.targets
    assert targets is not None
    weights = objective.weights(ctx.config, logits.dtype)
    loss, correct = _weighted_cross_entropy(
        logits, targets, weights, objective.label_smoothing, ctx.factor, d_bias
    )
    return Tally(loss, len(targets), correct, weight_of(targets, objective, ctx.config))


def weight_of(targets: NDArray, objective: Objective, config: BertConfig) -> float:
    """Return what targets weigh together; all of them one where no weights are given."""
    if objective.class_weights is None:
        return float(len(targets))
    return float(objective.weights(config, np.float64)[targets].sum())
