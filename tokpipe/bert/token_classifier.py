"""A map to classes on hidden states of tokens: of the first pieces of words, or of all of them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.classifier import Classifier, classifier_backward, classifier_forward, without_job
from tokpipe.bert.config import BertConfig
from tokpipe.bert.distillation import Gold, with_teacher
from tokpipe.bert.head import Head, HeadContext, New
from tokpipe.bert.losses import Tally
from tokpipe.bert.parameters import linear_shapes
from tokpipe.bert.residual import gather_rows, scatter_rows
from tokpipe.bert.weights import linear_of

Array = NDArray[np.floating]


class TokenScratch(NamedTuple):
    """What the map keeps, and its spare arrays."""

    # `taken`, `d_taken`: float32[N, H]: hidden states of the tokens, and their gradient
    taken: Array
    d_taken: Array
    logits: Array  # float32[N, C]: one row a token
    d_bias: Array  # float32[C]: spare, where nothing is learned

    def front(self, count: int) -> "TokenScratch":
        """Return the rows of so many tokens."""
        rows = self.taken[:count], self.d_taken[:count], self.logits[:count]
        return TokenScratch(*rows, self.d_bias)


def token_head(name: str, places: str, gold: Gold, **parts: Any) -> Head:
    """Return the head of a name that maps tokens to classes.

    Parameters
    ----------
    name
        Of the head.
    places
        What it works at, of a `Capacity`: "masks" for some tokens, "tokens" for all.
    gold
        Takes its losses against labels.
    parts
        What is its own: ``targets``, ``output_rows`` and ``total`` of a `Head`.
    """
    output = f"{name}.output"
    return Head(
        fitted=without_job,
        shapes=lambda config: linear_shapes(output, config.outputs, config.hidden_size),
        weights=lambda views: linear_of(views, output),
        scratch=lambda config, capacity, new: _scratch(getattr(capacity, places), config, new),
        logits=partial(_logits, name=name),
        losses=partial(_losses, name=name, gold=gold),
        **parts,
    )


def _scratch(count: int, config: BertConfig, new: New) -> TokenScratch:
    hidden, classes = config.hidden_size, config.outputs
    return TokenScratch(new(count, hidden), new(count, hidden), new(count, classes), new(classes))


def _logits(ctx: HeadContext, name: str) -> Array:
    return _forward(ctx, name, ctx.scratch.front(len(ctx.rows))).logits.copy()


def _losses(ctx: HeadContext, name: str, gold: Gold) -> Tally:
    scratch: TokenScratch = ctx.scratch.front(len(ctx.rows))
    classifier = _forward(ctx, name, scratch)
    d_bias = scratch.d_bias if classifier.gradients is None else classifier.gradients.bias
    tally = with_teacher(ctx, classifier.logits, d_bias, gold)
    if classifier.gradients is not None:
        classifier_backward(classifier, scratch.d_taken)
        scatter_rows(scratch.d_taken, ctx.rows, ctx.d_hidden)
    return tally


def _forward(ctx: HeadContext, name: str, scratch: TokenScratch) -> Classifier:
    gather_rows(ctx.hidden, ctx.rows, scratch.taken, False)
    gradients = ctx.gradients and ctx.gradients.heads[name]
    classifier = Classifier(
        *(ctx.weights.heads[name], gradients, ctx.dropout(0), scratch.taken, scratch.logits)
    )
    classifier_forward(classifier)
    return classifier
