"""The heads: which token is masked, which pair of segments belongs together.

The MLM head works at masked places only, and on a few hundred of them at a time, so that logits
never take masks x vocabulary in memory at once. Its decoder is the token table (Press and Wolf
2017, "Using the Output Embedding to Improve Language Models").
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation, activation_named
from tokpipe.bert.blas import LEFT, RIGHT, gemm
from tokpipe.bert.embeddings import gather_rows, scatter_rows
from tokpipe.bert.kernels import losses
from tokpipe.bert.linear import fill_rows, input_backward, linear_forward, weight_backward
from tokpipe.bert.precision import by_precision
from tokpipe.bert.residual import SavedNorm, norm_backward, norm_forward
from tokpipe.bert.weights import Linear, MaskHeadWeights

Array = NDArray[np.floating]
Index = NDArray[np.int32]

_cross_entropy = by_precision(losses.cross_entropy)
_tanh = activation_named("tanh")


class MaskHead(NamedTuple):
    """The MLM head in one pass.

    Attributes
    ----------
    weights
        Map, norm and bias.
    table : float32[V, E]
        The token table.
    activation
        Behind the map.
    eps
        Added to a variance.
    """

    weights: MaskHeadWeights
    table: Array
    activation: Activation
    eps: float


class SavedMaskHead(NamedTuple):
    """What the MLM head keeps, and its spare arrays.

    Attributes
    ----------
    picked, d_picked : float32[M, H]
        Hidden states at the masked places, and their gradient.
    before, made, d_made : float32[M, E]
        Around the activation.
    norm
        What the norm keeps.
    d_out : float32[M, E]
        Gradient of the norm's result.
    logits : float32[C, V]
        Of C places at a time.
    d_bias : float32[V]
        Spare, where nothing is learned.
    """

    picked: Array
    d_picked: Array
    before: Array
    made: Array
    d_made: Array
    norm: SavedNorm
    d_out: Array
    logits: Array
    d_bias: Array


def mask_head_forward(head: MaskHead, hidden: Array, places: Index, saved: SavedMaskHead) -> Array:
    """Return what the decoder takes, float32[M, E], for the places asked for.

    Parameters
    ----------
    head
        The head.
    hidden : float32[T, H]
        Last hidden states.
    places : int32[M]
        Which of them.
    saved
        Where to keep what backward needs.
    """
    weights = head.weights
    gather_rows(hidden, places, saved.picked, False)
    linear_forward(saved.picked, weights.transform, saved.before)
    head.activation.forward(saved.before, saved.made)
    norm_forward(saved.made, *weights.norm, head.eps, *saved.norm)
    return saved.norm.out


def decode(head: MaskHead, made: Array, logits: Array) -> Array:
    """Write the logits of some places: float32[C, V] from float32[C, E]."""
    fill_rows(head.weights.bias, logits)
    gemm(made, head.table, logits, transposed=RIGHT, add=True)
    return logits


def mask_losses(
    head: MaskHead,
    targets: Index,
    factor: float,
    gradients: tuple[MaskHeadWeights, Array] | None,
    saved: SavedMaskHead,
) -> tuple[float, int]:
    """Return the sum of the losses, and how many targets have the greatest logit.

    Parameters
    ----------
    head
        The head, after `mask_head_forward`.
    targets : int32[M]
        The tokens that were masked.
    factor
        What a loss counts in the gradient.
    gradients
        Of the head and the token table, added to (and `saved.d_out` is written); None: no
        gradients.
    saved
        As forward left it.
    """
    loss, correct = 0.0, 0
    step = len(saved.logits)
    d_bias = saved.d_bias if gradients is None else gradients[0].bias
    for start in range(0, len(targets), step):
        rows = slice(start, min(start + step, len(targets)))
        made = saved.norm.out[rows]
        logits = decode(head, made, saved.logits[: len(made)])
        piece, right = _cross_entropy(logits, targets[rows], factor, d_bias)
        loss, correct = loss + piece, correct + right
        if gradients is not None:
            gemm(logits, made, gradients[1], transposed=LEFT, add=True)
            gemm(logits, head.table, saved.d_out[rows])
    return loss, correct


def mask_head_backward(
    head: MaskHead, gradients: MaskHeadWeights, places: Index, saved: SavedMaskHead, into: Array
) -> None:
    """Add the gradients of all in front of the decoder.

    Parameters
    ----------
    head
        The head, after `mask_losses`.
    gradients
        Of its weights, added to.
    places : int32[M]
        As before.
    saved
        As left before.
    into : float32[T, H]
        Gradient of the last hidden states, added to.
    """
    normalised, scales, _ = saved.norm
    weights = head.weights
    saved.d_made.fill(0)
    norm_backward(
        *(saved.d_out, normalised, scales, weights.norm.weight, saved.d_made, *gradients.norm)
    )
    head.activation.backward(saved.before, saved.d_made, saved.made, gradients.transform.bias)
    weight_backward(saved.picked, saved.d_made, gradients.transform.weight)
    input_backward(saved.d_made, weights.transform.weight, saved.d_picked)
    scatter_rows(saved.d_picked, places, into)


class SavedPairHead(NamedTuple):
    """What the pooler and the NSP head keep, and their spare arrays.

    Attributes
    ----------
    first, d_first : float32[B, H]
        Hidden states of the first tokens, and their gradient.
    before, pooled, d_pooled : float32[B, H]
        Around the activation of the pooler.
    logits : float32[B, 2]
        Of the NSP head.
    d_bias : float32[2]
        Spare, where nothing is learned.
    """

    first: Array
    d_first: Array
    before: Array
    pooled: Array
    d_pooled: Array
    logits: Array
    d_bias: Array


def pooler_forward(pooler: Linear, hidden: Array, first: Index, saved: SavedPairHead) -> Array:
    """Return one vector a sequence, float32[B, H], from its first token.

    Parameters
    ----------
    pooler
        The map.
    hidden : float32[T, H]
        Last hidden states.
    first : int32[B]
        Places of the first tokens.
    saved
        Where to keep what backward needs.
    """
    gather_rows(hidden, first, saved.first, False)
    linear_forward(saved.first, pooler, saved.before)
    _tanh.forward(saved.before, saved.pooled)
    return saved.pooled


def pair_losses(
    nsp: Linear, targets: Index, factor: float, d_nsp: Linear | None, saved: SavedPairHead
) -> tuple[float, int]:
    """Return the sum of the losses over pairs of segments, and how many are right.

    Parameters
    ----------
    nsp
        The head, after `pooler_forward`.
    targets : int32[B]
        0: the second segment follows the first, 1: it is a random one.
    factor
        What a loss counts in the gradient.
    d_nsp
        Gradients of the head, added to (and `saved.d_pooled` is written); None: no gradients.
    saved
        As left before.
    """
    linear_forward(saved.pooled, nsp, saved.logits)
    d_bias = saved.d_bias if d_nsp is None else d_nsp.bias
    result = _cross_entropy(saved.logits, targets, factor, d_bias)
    if d_nsp is not None:
        weight_backward(saved.pooled, saved.logits, d_nsp.weight)
        input_backward(saved.logits, nsp.weight, saved.d_pooled)
    return result


def pooler_backward(
    pooler: Linear, gradients: Linear, first: Index, saved: SavedPairHead, into: Array
) -> None:
    """Add the gradients of the pooler, from that of its result in `saved.d_pooled`.

    Parameters
    ----------
    pooler, gradients
        The map, and its gradients, added to.
    first : int32[B]
        Places of the first tokens.
    saved
        As left before.
    into : float32[T, H]
        Gradient of the last hidden states, added to.
    """
    _tanh.backward(saved.before, saved.d_pooled, saved.pooled, gradients.bias)
    weight_backward(saved.first, saved.d_pooled, gradients.weight)
    input_backward(saved.d_pooled, pooler.weight, saved.d_first)
    scatter_rows(saved.d_first, first, into)
