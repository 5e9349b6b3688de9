"""One pass over one batch: what its layers work on and with, cut to the size of the batch.

The heads look at masked tokens and at the first of each sequence, a sixth of all. So the last layer
is worked out at those alone, from its attention on: what nobody looks at has no share in losses or
gradients. Three quarters of that layer's operations are left out so, a seventh of a step at four
layers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation, activation_named
from tokpipe.bert.attention import Places, SavedAttention
from tokpipe.bert.config import BertConfig
from tokpipe.bert.embeddings import SavedEmbeddings, Tokens
from tokpipe.bert.feed_forward import SavedFeedForward
from tokpipe.bert.residual import SavedNorm
from tokpipe.bert.weights import Weights
from tokpipe.bert.workspace import Inputs, Picked, Spare, Workspace, front

Array = NDArray[np.floating]


class Pass(NamedTuple):
    """One pass over one batch: the workspace, cut to its size.

    Attributes
    ----------
    config, weights, activation
        Of the model.
    gradients
        Added to; None in a pass without any.
    inputs
        The batch.
    tokens, places
        The parts of it that embeddings and attention want.
    embeddings, layers, final_norm
        What is kept for backward.
    spare, d_embedded
        For results of a moment.
    picked
        For the tokens that are asked for, where they are not all.
    buckets : int32[2S - 1]
        Bucket of each distance, where positions are relative.
    dropout_key
        Of this pass; None: nothing is dropped.
    asked : int32[R] or None
        The tokens whose last hidden states are asked for, ascending; None: all.
    end : Pass or None
        The same pass at those tokens alone; None: at all.
    """

    config: BertConfig
    weights: Weights
    activation: Activation
    gradients: Weights | None
    inputs: Inputs
    tokens: Tokens
    places: Places
    embeddings: SavedEmbeddings
    layers: list[tuple[SavedAttention, SavedFeedForward]]
    final_norm: SavedNorm | None
    spare: Spare
    d_embedded: tuple[Array, Array]
    picked: Picked
    buckets: NDArray[np.int32]
    dropout_key: int | None
    asked: NDArray[np.int32] | None = None
    end: "Pass | None" = None


def begin_pass(
    weights: Weights,
    gradients: Weights | None,
    workspace: Workspace,
    inputs: Inputs,
    dropout_key: int | None,
    asked: NDArray[np.int32] | None,
) -> Pass:
    """Return a pass over a batch that lies in the workspace.

    Parameters
    ----------
    weights, gradients
        Of the model; gradients None: forward only.
    workspace, inputs
        The memory, and the batch in it.
    dropout_key
        None: nothing is dropped.
    asked : int32[R] or None
        The tokens whose last hidden states are asked for, ascending; None: all.
    """
    config, count = workspace.config, len(inputs.ids)
    if weights.relative is not None:
        workspace.biases[:] = weights.relative[workspace.buckets].T
        workspace.d_biases.fill(0)
    heads = config.num_attention_heads
    places = Places(
        *(inputs.offsets, inputs.positions, heads),
        *(workspace.rotations, workspace.biases, workspace.d_biases),
    )
    whole = Pass(
        config=config,
        weights=weights,
        activation=activation_named(config.hidden_act),
        gradients=gradients,
        inputs=inputs,
        tokens=Tokens(inputs.ids, inputs.positions, inputs.segments, workspace.sines),
        places=places,
        embeddings=front(workspace.embeddings, count),
        layers=[front(layer, count) for layer in workspace.layers],
        final_norm=front(workspace.final_norm, count),
        spare=front(workspace.spare, count),
        d_embedded=front(workspace.d_embedded, count),
        picked=workspace.picked,
        buckets=workspace.buckets,
        dropout_key=dropout_key,
    )
    return whole if asked is None else whole._replace(asked=asked, end=_cut(whole, len(asked)))


def behind_attention(now: Pass, number: int) -> Pass:
    """Return the pass at the tokens that a layer works on behind its attention."""
    is_last = number == now.config.num_hidden_layers - 1
    return now.end if is_last and now.end is not None else now


def rows_of(now: Pass, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return in which rows of the last hidden states some tokens are."""
    return tokens if now.asked is None else np.searchsorted(now.asked, tokens).astype(np.int32)


def _cut(whole: Pass, count: int) -> Pass:
    *before, last = whole.layers
    return whole._replace(
        layers=[*before, front(last, count)],
        final_norm=front(whole.final_norm, count),
        spare=front(whole.spare, count),
        picked=front(whole.picked, count),
    )
