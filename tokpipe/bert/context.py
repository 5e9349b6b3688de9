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
from tokpipe.bert.attention import SavedAttention, SequenceLayout
from tokpipe.bert.config import BertConfig
from tokpipe.bert.dropout import Dropout, dropout_at
from tokpipe.bert.embeddings import SavedEmbeddings, Tokens
from tokpipe.bert.feed_forward import SavedFeedForward
from tokpipe.bert.kernels.rows import count_positions
from tokpipe.bert.residual import Residual, SavedNorm
from tokpipe.bert.weights import Norm, Weights
from tokpipe.bert.workspace import Scratch, Selected, Workspace, front
from tokpipe.foundation.batch import Batch

Array = NDArray[np.floating]


class LayerContext(NamedTuple):
    """One layer in one pass."""

    # `attention`, `ffn`: what its two parts keep for backward
    attention: SavedAttention
    ffn: SavedFeedForward
    weights_drop: Dropout  # the dropout of attention's weights
    # `around_attention`, `around_ffn`: the sums around them
    around_attention: Residual
    around_ffn: Residual


class ForwardContext(NamedTuple):
    """One pass over one batch: the workspace, cut to its size."""

    # `config`, `weights`, `activation`: of the model
    config: BertConfig
    weights: Weights
    activation: Activation
    gradients: Weights | None  # added to; None in a pass without any
    batch: Batch  # what goes in
    # `tokens`, `layout`: the parts of it that embeddings and attention want
    tokens: Tokens
    layout: SequenceLayout
    # `embeddings`, `layers`, `final_norm`: what is kept for backward
    embeddings: SavedEmbeddings
    layers: list[LayerContext]
    final_norm: SavedNorm | None
    # `scratch`, `d_embedded`: for results of a moment
    scratch: Scratch
    d_embedded: tuple[Array, Array]
    selected: Selected  # for the output rows, where they are not all
    # int32[2S - 1]: bucket of each distance, where positions are relative
    buckets: NDArray[np.int32]
    embeddings_drop: Dropout  # the dropout behind the embeddings
    dropout_key: int | None = None  # of all draws of the pass; None: nothing is dropped
    # int32[R]: the tokens whose last hidden states are asked for, ascending; None: all
    output_rows: NDArray[np.int32] | None = None
    end: "ForwardContext | None" = None  # the same pass at those tokens alone; None: at all

    @property
    def last(self) -> "ForwardContext":
        """The pass at the tokens whose last hidden states are asked for."""
        return self.end or self


def begin_pass(
    model: tuple[Weights, Weights | None],
    workspace: Workspace,
    batch: Batch,
    dropout_key: int | None,
    output_rows: NDArray[np.int32] | None,
) -> ForwardContext:
    """Return a pass over a batch.

    Parameters
    ----------
    model
        Weights, and gradients; gradients None: forward only.
    workspace
        The memory, large enough.
    batch
        As `tokpipe.bert.inputs.prepared` returns it.
    dropout_key
        None: nothing is dropped.
    output_rows : int32[R] or None
        The tokens whose last hidden states are asked for, ascending; None: all.
    """
    weights, gradients = model
    config, count = workspace.config, len(batch.input_ids)
    if weights.relative is not None:
        workspace.biases[:] = weights.relative[workspace.buckets].T
        workspace.d_biases.fill(0)
    tokens = _tokens(workspace, batch)
    whole = ForwardContext(
        config=config,
        weights=weights,
        activation=activation_named(config.hidden_act, is_gated=config.ffn == "glu"),
        gradients=gradients,
        batch=batch,
        tokens=tokens,
        layout=SequenceLayout(
            *(batch.offsets, tokens.positions, config.num_attention_heads),
            *(workspace.rotations, workspace.biases, workspace.d_biases),
        ),
        embeddings=front(workspace.embeddings, count),
        layers=[
            _layer(config, model, number, front(saved, count), dropout_key)
            for number, saved in enumerate(workspace.layers)
        ],
        final_norm=front(workspace.final_norm, count),
        scratch=front(workspace.scratch, count),
        d_embedded=front(workspace.d_embedded, count),
        selected=workspace.selected,
        buckets=workspace.buckets,
        embeddings_drop=dropout_at(dropout_key, config.hidden_dropout_prob, 0),
        dropout_key=dropout_key,
    )
    if output_rows is None:
        return whole
    return whole._replace(output_rows=output_rows, end=_cut(whole, len(output_rows)))


def behind_attention(ctx: ForwardContext, number: int) -> ForwardContext:
    """Return the pass at the tokens that a layer works on behind its attention."""
    return ctx.last if number == ctx.config.num_hidden_layers - 1 else ctx


def rows_of(ctx: ForwardContext, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return in which rows of the last hidden states some tokens are."""
    rows = ctx.output_rows
    return tokens if rows is None else np.searchsorted(rows, tokens).astype(np.int32)


def _tokens(workspace: Workspace, batch: Batch) -> Tokens:
    """Count the positions, and take zeros for segments that are not there."""
    config, count = workspace.config, len(batch.input_ids)
    first = config.position_offset if config.has_places else 0
    positions = workspace.positions[:count]
    count_positions(batch.offsets, first, positions)
    segments = batch.token_type_ids
    if segments is None:
        segments = workspace.no_segments[:count]
    return Tokens(batch.input_ids, positions, segments, workspace.sines)


def _layer(
    config: BertConfig,
    model: tuple[Weights, Weights | None],
    number: int,
    saved: tuple[SavedAttention, SavedFeedForward],
    key: int | None,
) -> LayerContext:
    weights, gradients = model[0].layers[number], model[1] and model[1].layers[number]

    def around(part: int) -> Residual:
        norm: Norm = weights[part].norm
        d_norm = gradients and gradients[part].norm
        drop = dropout_at(key, config.hidden_dropout_prob, 3 * number + 2 + part)
        is_pre, eps = config.norm_position == "pre", config.layer_norm_eps
        return Residual(is_pre, eps, norm, d_norm, saved[part].norm, drop)

    drop = dropout_at(key, config.attention_probs_dropout_prob, 3 * number + 1)
    return LayerContext(*saved, drop, around(0), around(1))


def _cut(whole: ForwardContext, count: int) -> ForwardContext:
    *before, last = whole.layers
    attention, ffn = front((last.attention, last.ffn), count)
    last = last._replace(
        attention=attention,
        ffn=ffn,
        around_attention=last.around_attention._replace(saved=attention.norm),
        around_ffn=last.around_ffn._replace(saved=ffn.norm),
    )
    return whole._replace(
        layers=[*before, last],
        final_norm=front(whole.final_norm, count),
        scratch=front(whole.scratch, count),
        selected=front(whole.selected, count),
    )
