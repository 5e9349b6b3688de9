"""What a teacher adds to the loss of a job: its softened answers, and its last hidden states.

References
----------
G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network" (2015), 2.
V. Sanh et al., "DistilBERT, a distilled version of BERT" (2019), 2.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.head import HeadContext
from tokpipe.bert.kernels import losses
from tokpipe.bert.losses import Tally
from tokpipe.bert.residual import scatter_rows
from tokpipe.bert.twins import by_precision
from tokpipe.foundation.errors import InputError

Array = NDArray[np.floating]
Gold = Callable[[HeadContext, Array, Array], Tally]

_soft_cross_entropy = by_precision(losses.soft_cross_entropy)
_squared_error = by_precision(losses.squared_error)
_binary_cross_entropy = by_precision(losses.binary_cross_entropy)


def with_teacher(ctx: HeadContext, logits: Array, d_bias: Array, gold: Gold) -> Tally:
    """Take a head's losses against gold labels and, where there is one, against a teacher.

    Parameters
    ----------
    ctx
        Of the head.
    logits : float32[N, C]
        Becomes the gradient.
    d_bias : float32[C]
        Gradient of the bias inside the logits, added to.
    gold
        Takes the losses against the labels, with the same arguments.

    Raises
    ------
    InputError
        If the teacher answered something else.
    """
    how = ctx.objective.distillation
    if ctx.soft is None or how is None:
        return gold(ctx, logits, d_bias)
    _check_shape("soft_targets", ctx.soft, logits)
    right = logits.copy()
    tally = gold(ctx._replace(factor=ctx.factor * (1 - how.alpha)), right, d_bias)
    soft = _soft(ctx._replace(factor=ctx.factor * how.alpha), logits, d_bias, how.temperature)
    logits += right
    return tally._replace(sum=(1 - how.alpha) * tally.sum + how.alpha * soft)


def with_states(ctx: HeadContext, tally: Tally) -> Tally:
    """Add the squared distance to a teacher's hidden states, where there are some.

    The mean over the width and, of answers, over the tokens of a sequence.

    Raises
    ------
    InputError
        If the teacher's are not as wide.
    """
    how = ctx.objective.distillation
    if ctx.states is None or how is None:
        return tally
    taken = ctx.hidden[ctx.rows]
    _check_shape("hidden_targets", ctx.states, taken)
    scale = np.ones((len(taken), 1), taken.dtype)
    if ctx.config.task == "span":
        lengths = np.diff(ctx.offsets)
        scale[:, 0] = np.repeat(lengths**-0.5, lengths)
    taken *= scale
    wanted = (ctx.states * scale).astype(taken.dtype)
    spare = np.zeros(taken.shape[1], taken.dtype)
    loss = _squared_error(taken, wanted, ctx.factor * how.hidden_weight, spare)
    if ctx.gradients is not None:
        taken *= scale
        scatter_rows(taken, ctx.rows, ctx.d_hidden)
    return tally._replace(sum=tally.sum + how.hidden_weight * loss)


def _soft(ctx: HeadContext, logits: Array, d_bias: Array, temperature: float) -> float:
    assert ctx.soft is not None
    soft = ctx.soft.astype(logits.dtype, copy=False)
    if ctx.config.task == "span":
        return _of_spans(ctx, logits, soft, d_bias, temperature)
    if ctx.config.problem == "classification":
        return _soft_cross_entropy(logits, soft, temperature, ctx.factor, d_bias)
    if ctx.config.problem == "regression":
        return _squared_error(logits, soft, ctx.factor, d_bias)
    logits /= temperature
    shares = np.exp(-np.logaddexp(0, -soft / temperature)).astype(logits.dtype)
    found = _binary_cross_entropy(logits, shares, ctx.factor * temperature, d_bias)
    return temperature**2 * found


def _of_spans(
    ctx: HeadContext, logits: Array, soft: Array, d_bias: Array, temperature: float
) -> float:
    """Take each end of an answer as one of the tokens of its sequence; the mean of both ends."""
    loss = 0.0
    for start, end in itertools.pairwise(ctx.offsets):
        ends, wanted = (np.ascontiguousarray(array[start:end].T) for array in (logits, soft))
        spare = np.zeros(end - start, logits.dtype)
        loss += _soft_cross_entropy(ends, wanted, temperature, ctx.factor / 2, spare) / 2
        logits[start:end] = ends.T
        d_bias += ends.sum(1)
    return loss


def _check_shape(name: str, given: Array, needed: Array) -> None:
    if given.shape != needed.shape:
        raise InputError(f"{name} has the shape {given.shape}, not {needed.shape}")
