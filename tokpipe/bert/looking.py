"""What the layers of a model do with a batch, for those who look on.

The pass is that of `encode`, stopped behind each layer. What its kernels keep is copied; what they
never hold as a whole (scores, weights) or overwrite (what a part adds) is made from that once more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import Activation
from tokpipe.bert.context import ForwardContext
from tokpipe.bert.encoder import encode
from tokpipe.bert.kernels.attention import attention_scores, attention_weights, split_heads
from tokpipe.bert.linear import linear_forward
from tokpipe.bert.weights import AttentionWeights, FeedForwardWeights, Linear

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class LayerSeen:
    """One layer in one pass, with all that it was given and made.

    T tokens of all sequences end to end, H the hidden size, A heads of D values, n tokens of one
    sequence. What a method returns is made when it is asked for.
    """

    number: int  # from 1
    entered: Array  # float32[T, H]: the hidden states before
    # float32[T, H]: what queries, keys and values are made of; in pre-norm `entered`, normalised
    attention_input: Array
    qkv: Array  # float32[T, 3H]: queries, keys and values, turned if positions are rotations
    attended: Array  # float32[T, H]: values weighted, the heads side by side
    # float32[T, H]: what the feed-forward part works on; in pre-norm `middle`, normalised
    ffn_input: Array
    # float32[T, F]: inside the feed-forward part, before the activation; with a gate
    # float32[T, 2F], the gate first
    inner: Array
    left: Array  # float32[T, H]: the hidden states behind, those of `Model.hidden_states`
    offsets: NDArray[np.int32]  # int32[B + 1]: borders of the sequences
    heads: int  # A
    # float32[A, 2S - 1] or float32[A, 0]: what is added to scores by distance
    biases: Array
    is_pre: bool  # whether norms stand before the parts
    # `attention`, `ffn`, `activation`: what the layer computes with
    attention: AttentionWeights
    ffn: FeedForwardWeights
    activation: Activation

    def attention_added(self) -> Array:
        """Return what attention adds to the hidden states: float32[T, H]."""
        return _mapped(self.attended, self.attention.output)

    def middle(self) -> Array:
        """Return the hidden states between the two parts: float32[T, H]."""
        return self.entered + self.attention_added() if self.is_pre else self.ffn_input

    def gate(self) -> Array:
        """Return what the activation is applied to: float32[T, F]."""
        return self.inner[:, : self.ffn.output.weight.shape[1]]

    def activated(self) -> Array:
        """Return the inside of the feed-forward part behind the activation: float32[T, F]."""
        out = np.empty((len(self.inner), self.ffn.output.weight.shape[1]), self.inner.dtype)
        self.activation.forward(self.inner, out)
        return out

    def ffn_added(self) -> Array:
        """Return what the feed-forward part adds to the hidden states: float32[T, H]."""
        return _mapped(self.activated(), self.ffn.output)

    def parts(self, sequence: int = 0) -> tuple[Array, Array, Array]:
        """Return queries, keys and values of one sequence by heads: float32[A, n, D] each."""
        query, key, value = np.split(split_heads(self._rows(sequence), 3 * self.heads), 3)
        return query, key, value

    def scores(self, sequence: int = 0) -> Array:
        """Return the scores of one sequence, before the softmax: float32[A, n, n]."""
        return attention_scores(self._rows(sequence), self.heads, self.biases)

    def weights(self, sequence: int = 0) -> Array:
        """Return to which tokens (columns) each one (rows) looks: float32[A, n, n]."""
        return attention_weights(self._rows(sequence), self.heads, self.biases)[0]

    def _rows(self, sequence: int) -> Array:
        return self.qkv[slice(*self.offsets[sequence : sequence + 2])]


def look(ctx: ForwardContext) -> Iterator[LayerSeen]:
    """Go forward, at all tokens; yield the layers from the first to the last.

    What is yielded is a copy and stays as it is.
    """
    is_pre, biases = ctx.config.norm_position == "pre", ctx.layout.biases.copy()
    entered = np.empty(0)
    for number, stream in encode(ctx):
        left = stream.copy()
        if number:
            weights, layer = ctx.weights.layers[number - 1], ctx.layers[number - 1]
            attention, ffn = layer.attention, layer.ffn
            yield LayerSeen(
                number=number,
                entered=entered,
                attention_input=attention.norm.out.copy() if is_pre else entered,
                qkv=attention.qkv.copy(),
                attended=attention.attended.copy(),
                ffn_input=(ffn if is_pre else attention).norm.out.copy(),
                inner=ffn.before.copy(),
                left=left,
                offsets=ctx.layout.offsets,
                heads=ctx.layout.heads,
                biases=biases,
                is_pre=is_pre,
                attention=weights[0],
                ffn=weights[1],
                activation=ctx.activation,
            )
        entered = left


def _mapped(x: Array, weights: Linear) -> Array:
    out = np.empty((len(x), len(weights.weight)), x.dtype)
    linear_forward(x, weights, out)
    return out
