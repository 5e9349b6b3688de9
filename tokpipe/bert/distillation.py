"""What a teacher adds to the loss of a head: softened answers, hidden states, relations.

References
----------
G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network" (2015), 2.
V. Sanh et al., "DistilBERT, a distilled version of BERT" (2019), 2.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import HeadContext
from tokpipe.bert.inputs import is_labelled
from tokpipe.bert.kernels import losses
from tokpipe.bert.losses import Tally
from tokpipe.bert.relations import relation_distances
from tokpipe.bert.residual import scatter_rows
from tokpipe.bert.state_distances import DISTANCES
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
    tally = _of_labelled(ctx._replace(factor=ctx.factor * (1 - how.alpha)), right, d_bias, gold)
    soft = _soft(ctx._replace(factor=ctx.factor * how.alpha), logits, d_bias, how.temperature)
    logits += right
    return tally._replace(sum=(1 - how.alpha) * tally.sum + how.alpha * soft)


def _of_labelled(ctx: HeadContext, logits: Array, d_bias: Array, gold: Gold) -> Tally:
    """Take the losses of the texts that have a label; of others the teacher alone is heard."""
    if ctx.config.task != "text":
        return gold(ctx, logits, d_bias)
    assert ctx.targets is not None
    known = is_labelled(ctx.targets)
    some = logits[known]
    tally = gold(ctx._replace(targets=ctx.targets[known]), some, d_bias)
    logits[:] = 0
    logits[known] = some
    return tally._replace(weight=float(len(logits)))


def with_states(ctx: HeadContext, tally: Tally) -> Tally:
    """Add the distances to a teacher's hidden states, where there are some.

    Of answers the mean over the tokens of a sequence.

    Raises
    ------
    InputError
        If the teacher's are not as wide.
    """
    how = ctx.objective.distillation
    weights = {name: getattr(how, name) for name in DISTANCES} if how else {}
    if ctx.states is None or how is None or not any(weights.values()):
        return tally
    taken = ctx.hidden[ctx.rows]
    wanted = ctx.states if how.projection is None else ctx.states @ how.projection
    _check_shape("hidden_targets", wanted, taken)
    shares, loss = _shares(ctx), 0.0
    for name, weight in weights.items():
        if not weight:
            continue
        distances, slopes = DISTANCES[name](taken, wanted.astype(taken.dtype, copy=False))
        loss += weight * float((shares * distances).sum(dtype=np.float64))
        if ctx.gradients is not None:
            slopes *= (ctx.factor * weight * shares)[:, None].astype(slopes.dtype)
            scatter_rows(slopes, ctx.rows, ctx.d_hidden)
    return tally._replace(sum=tally.sum + loss)


def with_relations(
    ctx: HeadContext, tally: Tally, qkv: Array, wanted: Array
) -> tuple[Tally, Array]:
    """Add the distance to a teacher's relations; each sequence counts as what is asked of it.

    Parameters
    ----------
    qkv : float32[T, 3H]
        Queries, keys and values in the last layer.
    wanted : float32[T, 3G]
        The teacher's.

    Returns
    -------
    Tally
    float32[T, 3H]
        Gradient of `qkv`.

    Raises
    ------
    InputError
        If the widths do not fall into the heads of the relations.
    """
    how = ctx.objective.distillation
    assert how is not None
    if len(wanted) != len(qkv) or wanted.shape[1] % (3 * how.relation_heads):
        raise InputError(
            f"relation_targets has the shape {wanted.shape}: needed are {len(qkv)} rows of three "
            f"times {how.relation_heads} heads"
        )
    wanted = wanted.astype(qkv.dtype, copy=False)
    distances, slopes = relation_distances(qkv, wanted, ctx.offsets, how.relation_heads)
    owner = np.searchsorted(ctx.offsets, ctx.places, side="right") - 1
    counts = np.bincount(owner, _shares(ctx), len(distances))
    loss = how.relation_weight * float((counts * distances).sum())
    scale = np.repeat(ctx.factor * how.relation_weight * counts, np.diff(ctx.offsets))
    slopes *= scale[:, None].astype(slopes.dtype)
    return tally._replace(sum=tally.sum + loss), slopes


def taught_head(config: BertConfig) -> str:
    """Return the name of the head that a teacher speaks of: that of the job, or of masked tokens.

    Examples
    --------
    >>> taught_head(BertConfig()), taught_head(BertConfig(task="span"))
    ('mlm', 'span')
    """
    return "mlm" if config.task == "none" else config.task


def _shares(ctx: HeadContext) -> Array:
    """Return what each place counts: one, or of answers one over the tokens of its sequence."""
    if ctx.config.task != "span":
        return np.ones(len(ctx.rows))
    lengths = np.diff(ctx.offsets)
    return np.repeat(1 / lengths, lengths)


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
