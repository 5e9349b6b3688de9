"""A map to classes on hidden states of tokens: of the first pieces of words, or of all of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.classifier import Classifier, classifier_backward, classifier_forward
from tokpipe.bert.config import BertConfig
from tokpipe.bert.distillation import Gold, with_teacher
from tokpipe.bert.head import HeadContext, New
from tokpipe.bert.losses import Tally
from tokpipe.bert.residual import gather_rows, scatter_rows

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


def token_scratch(count: int, config: BertConfig, new: New) -> TokenScratch:
    """Return the arrays for so many tokens."""
    hidden, classes = config.hidden_size, config.outputs
    return TokenScratch(new(count, hidden), new(count, hidden), new(count, classes), new(classes))


def token_logits(ctx: HeadContext, name: str) -> Array:
    """Return what the head of a name makes of the tokens that it asked for: float32[N, C]."""
    return _forward(ctx, name, ctx.scratch.front(len(ctx.rows))).logits.copy()


def token_losses(ctx: HeadContext, name: str, gold: Gold) -> Tally:
    """Take the losses of a head, against labels by `gold`; add gradients where there are some."""
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
