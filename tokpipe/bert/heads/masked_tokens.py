"""Which token is masked.

The head works at masked places only, and on a few hundred of them at a time, so that logits never
take masks x vocabulary in memory at once. Its decoder is the token table (Press and Wolf 2017,
"Using the Output Embedding to Improve Language Models").
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import activation_named
from tokpipe.bert.config import BertConfig
from tokpipe.bert.distillation import with_teacher
from tokpipe.bert.head import (
    Array,
    Capacity,
    Frequencies,
    Head,
    HeadContext,
    Index,
    New,
    Views,
    entropy,
)
from tokpipe.bert.kernels.losses import cross_entropy
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.losses import Tally, added
from tokpipe.bert.parameters import linear_shapes, norm_shapes
from tokpipe.bert.products.maps import Rows
from tokpipe.bert.residual import (
    SavedNorm,
    gather_rows,
    norm_backward,
    norm_forward,
    scatter_rows,
)
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear, Norm, Weights, linear_of, norm_of
from tokpipe.foundation.batch import Batch

LOGITS = 10 << 20  # values of logits at once: 40 MiB, 343 places of a vocabulary of 30,522

NAME, TRANSFORM, NORM, BIAS = "mlm", "mlm.transform", "mlm.norm", "mlm.bias"

_cross_entropy = by_precision(cross_entropy)


class MaskHeadWeights(NamedTuple):
    """The map in front of the decoder [E, H], its norm, and the decoder [V, E]: the token table."""

    transform: Linear
    norm: Norm
    decoder: Linear


class MaskHeadScratch(NamedTuple):
    """What the head keeps, and its spare arrays."""

    # `picked`, `d_picked`: float32[M, H]: hidden states at the masked places, and their gradient
    picked: Array
    d_picked: Array
    # `before`, `made`, `d_made`: float32[M, E]: around the activation
    before: Array
    made: Array
    d_made: Array
    norm: SavedNorm  # what the norm keeps
    d_out: Array  # float32[M, E]: gradient of the norm's result
    logits: Array  # float32[C, V]: of C places at a time
    d_bias: Array  # float32[V]: spare, where nothing is learned

    def front(self, count: int) -> "MaskHeadScratch":
        """Return the rows of so many places."""
        rows = {name: getattr(self, name)[:count] for name in self._fields[:5]}
        norm = SavedNorm(*(array[:count] for array in self.norm))
        return self._replace(**rows, norm=norm, d_out=self.d_out[:count])


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from linear_shapes(TRANSFORM, config.embedding_width, config.hidden_size)
    yield from norm_shapes(NORM, config.embedding_width)
    yield BIAS, (config.vocab_size,)


def _weights(views: Views) -> MaskHeadWeights:
    decoder = Linear(views["embeddings.token"], views[BIAS])
    return MaskHeadWeights(linear_of(views, TRANSFORM), norm_of(views, NORM), decoder)


def _scratch(config: BertConfig, capacity: Capacity, new: New) -> MaskHeadScratch:
    hidden, width, vocab = config.hidden_size, config.embedding_width, config.vocab_size
    m = capacity.masks
    return MaskHeadScratch(
        picked=new(m, hidden),
        d_picked=new(m, hidden),
        before=new(m, width),
        made=new(m, width),
        d_made=new(m, width),
        norm=SavedNorm(new(m, width), new(m), new(m, width)),
        d_out=new(m, width),
        logits=new(min(m, max(1, LOGITS // vocab)), vocab),
        d_bias=new(vocab),
    )


def _output_rows(batch: Batch) -> Index:
    assert batch.masked_positions is not None, "a batch without masked places"
    return batch.masked_positions


def _forward(ctx: HeadContext, scratch: MaskHeadScratch) -> Array:
    """Return what the decoder takes, float32[M, E], for the places asked for."""
    gather_rows(ctx.hidden, ctx.rows, scratch.picked, False)
    return _transformed(ctx.config, ctx.weights, scratch.picked, scratch[2:4], scratch.norm)


def _transformed(
    config: BertConfig, weights: Weights, picked: Array, around: tuple[Array, ...], norm: SavedNorm
) -> Array:
    head: MaskHeadWeights = weights.heads[NAME]
    linear_forward(picked, head.transform, around[0])
    activation_named(config.hidden_act).forward(*around)
    norm_forward(around[1], *head.norm, config.layer_norm_eps, *norm)
    return norm.out


def _decode(weights: Weights, made: Array, logits: Array) -> Array:
    """Write the logits of some places: float32[C, V] from float32[C, E]."""
    linear_forward(made, weights.heads[NAME].decoder, logits)
    return logits


def _logits(ctx: HeadContext) -> Array:
    made = _forward(ctx, ctx.scratch.front(len(ctx.rows)))
    return _decode(ctx.weights, made, np.empty((len(made), ctx.config.vocab_size), made.dtype))


def decoder_of(config: BertConfig, weights: Weights) -> Callable[[Array], Array]:
    """Return what makes a model's logits, float32[N, V], of its last hidden states."""
    dtype, width = weights.embeddings.token.dtype, config.embedding_width

    def decoded(states: Array) -> Array:
        count = len(states)
        before, made, normalised, out = (np.empty((count, width), dtype) for _ in range(4))
        norm = SavedNorm(normalised, np.empty(count, dtype), out)
        _transformed(config, weights, states.astype(dtype, copy=False), (before, made), norm)
        return _decode(weights, out, np.empty((count, config.vocab_size), dtype))

    return decoded


def _losses(ctx: HeadContext) -> Tally:
    scratch: MaskHeadScratch = ctx.scratch.front(len(ctx.rows))
    _forward(ctx, scratch)
    tally = _decoded_losses(ctx, scratch)
    if ctx.gradients is not None:
        _backward(ctx, scratch)
    return tally


def _decoded_losses(ctx: HeadContext, scratch: MaskHeadScratch) -> Tally:
    """Take the losses, a few places at a time; with gradients, write `scratch.d_out`."""
    assert ctx.targets is not None
    found, gradients, count = Tally(0.0, 0, 0), ctx.gradients, len(ctx.targets)
    pieces = max(1, -(-count // len(scratch.logits)))
    step = max(1, -(-count // pieces))  # as many in each: each takes the whole table of tokens
    d_bias = scratch.d_bias if gradients is None else gradients.heads[NAME].decoder.bias
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        made = scratch.norm.out[rows]
        logits = _decode(ctx.weights, made, scratch.logits[: len(made)])
        piece = _piece(ctx, rows)
        found = added(found, with_teacher(piece, logits, d_bias, _gold))
        if gradients is not None:
            d_logits = _gradient_in(piece, logits)
            weight_backward(made, d_logits, gradients.heads[NAME].decoder)
            input_backward(d_logits, ctx.weights.heads[NAME].decoder, scratch.d_out[rows])
    return found


def _piece(ctx: HeadContext, rows: slice) -> HeadContext:
    """Return the context at a few places, with the teacher's logits there if there is one."""
    assert ctx.targets is not None
    how, soft = ctx.objective.distillation, None
    if how is not None and how.decoder is not None and ctx.states is not None:
        soft = how.decoder(ctx.states[rows])
    return ctx._replace(targets=ctx.targets[rows], soft=soft)


def _gold(ctx: HeadContext, logits: Array, d_bias: Array) -> Tally:
    assert ctx.targets is not None
    gradient = _gradient_in(ctx, logits)
    loss, correct = _cross_entropy(logits, ctx.targets, ctx.factor, d_bias, gradient)
    return Tally(loss, len(ctx.targets), correct)


def _gradient_in(ctx: HeadContext, logits: Array) -> Rows:
    """Return logits as their gradient is written over them: a teacher's is added, as float32."""
    decoder: Linear = ctx.weights.heads[NAME].decoder
    return logits if ctx.soft is not None else decoder.products.gradient_in(logits)


def _backward(ctx: HeadContext, scratch: MaskHeadScratch) -> None:
    """Add the gradients of all in front of the decoder."""
    weights, gradients = ctx.weights.heads[NAME], ctx.gradients.heads[NAME]
    normalised, scales, _ = scratch.norm
    scratch.d_made.fill(0)
    norm_backward(
        *(scratch.d_out, normalised, scales, weights.norm.weight, scratch.d_made, *gradients.norm)
    )
    activation_named(ctx.config.hidden_act).backward(
        scratch.before, scratch.d_made, scratch.made, gradients.transform.bias
    )
    weight_backward(scratch.picked, scratch.d_made, gradients.transform)
    input_backward(scratch.d_made, weights.transform, scratch.d_picked)
    scatter_rows(scratch.d_picked, ctx.rows, ctx.d_hidden)


def _prime(views: Views, frequencies: Frequencies) -> None:
    counts = np.full(len(views[BIAS]), 0.5)  # a token that never stood there may still come
    counts[: len(frequencies.tokens)] += frequencies.tokens  # the table may have rows without one
    views[BIAS][:] = np.log(counts / counts.sum())


def _targets(batch: Batch) -> NDArray | None:
    return batch.masked_ids


HEAD = Head(
    shapes=_shapes,
    weights=_weights,
    scratch=_scratch,
    targets=_targets,
    output_rows=_output_rows,
    logits=_logits,
    losses=_losses,
    prime=_prime,
    guessing=lambda frequencies: entropy(frequencies.tokens),
)
