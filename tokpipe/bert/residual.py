"""How a part of a layer joins the stream: dropout, sum and LayerNorm, behind the part or before.

Post-norm (BERT): ``stream = norm(stream + drop(part(stream)))``.
Pre-norm: ``stream = stream + drop(part(norm(stream)))``.

Each way is two pairs of functions: `before` makes what the part works on, `after` what the stream
becomes. The gradient of the stream lies in one of two buffers that swap, see `StreamGradient`.

References
----------
R. Xiong et al., "On Layer Normalization in the Transformer Architecture" (2020).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.dropout import Dropout
from tokpipe.bert.kernels import dropout, norms, rows
from tokpipe.bert.linear import add_column_sums
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Norm

Array = NDArray[np.floating]

norm_forward = by_precision(norms.norm_forward)
norm_backward = by_precision(norms.norm_backward)
sum_norm_forward = by_precision(norms.sum_norm_forward)
sum_norm_backward = by_precision(norms.sum_norm_backward)
drop = by_precision(dropout.drop)
gather_rows = by_precision(rows.gather_rows)
scatter_rows = by_precision(rows.scatter_rows)


class SavedNorm(NamedTuple):
    """What a norm keeps for its backward pass, and its result."""

    normalised: Array  # float32[T, H]: rows of mean 0 and variance 1
    scales: Array  # float32[T]: what each row was multiplied by
    out: Array  # float32[T, H]: the result


class Residual(NamedTuple):
    """The sum around one part of one layer, in one pass."""

    is_pre: bool  # whether the norm stands before the part
    eps: float  # added to a variance
    # `norm`, `d_norm`: its weights, and their gradients (None in a pass without any)
    norm: Norm
    d_norm: Norm | None
    saved: SavedNorm  # what it keeps
    drop: Dropout  # the dropout behind the part


class StreamGradient:
    """The gradient of the residual stream: one of two buffers holds it, the other is spare.

    Parameters
    ----------
    buffers : (float32[T, H], float32[T, H])
        The first holds it.
    rows
        Of how many tokens it is, fewer than T where not all are asked for.
    """

    def __init__(self, buffers: tuple[Array, Array], rows: int) -> None:
        self._buffers, self._rows = buffers, rows

    @property
    def values(self) -> Array:
        """The gradient, float32[rows, H]."""
        return self._buffers[0][: self._rows]

    @property
    def spare(self) -> Array:
        """The other buffer, float32[rows, H]."""
        return self._buffers[1][: self._rows]

    def swap(self) -> None:
        """Take what was written into the spare buffer for the gradient."""
        self._buffers = self._buffers[::-1]

    def spread(self, tokens: NDArray[np.int32], count: int) -> None:
        """Make the gradient at some tokens that at all, `count` of them: the others have none."""
        some, self._rows = self.values, count
        self.spare.fill(0)
        scatter_rows(some, tokens, self.spare)
        self.swap()


def before_forward(residual: Residual, stream: Array) -> Array:
    """Return what the part works on: float32[T, H]."""
    if not residual.is_pre:
        return stream
    norm_forward(stream, *residual.norm, residual.eps, *residual.saved)
    return residual.saved.out


def after_forward(residual: Residual, made: Array, stream: Array) -> Array:
    """Return the stream with what the part made; in pre-norm it is the same array, added to."""
    if residual.is_pre:
        drop(made, *residual.drop)
        stream += made
        return stream
    sum_norm_forward(*(made, stream, *residual.norm, residual.eps, *residual.drop, *residual.saved))
    return residual.saved.out


def after_backward(
    residual: Residual, stream: StreamGradient, d_made: Array, d_bias: Array
) -> None:
    """Take the gradients of `after_forward`; that of the stream lacks the part's share then.

    Parameters
    ----------
    residual
        As before, with gradients.
    stream
        Gradient of the stream behind; becomes that in front.
    d_made : float32[T, H]
        Gradient of what the part made, written.
    d_bias : float32[H]
        Gradient of the part's last bias, added to.
    """
    if residual.is_pre:
        d_made[:] = stream.values
        drop(d_made, *residual.drop)
        add_column_sums(d_made, d_bias)
        return
    assert residual.d_norm is not None
    normalised, scales, _ = residual.saved
    sum_norm_backward(
        *(stream.values, normalised, scales, residual.norm.weight, *residual.drop),
        *(stream.spare, d_made, *residual.d_norm, d_bias),
    )
    stream.swap()


def before_backward(residual: Residual, d_part: Array, stream: StreamGradient) -> None:
    """Add the part's share to the gradient of the stream; in post-norm it is there already."""
    if residual.is_pre:
        assert residual.d_norm is not None
        normalised, scales, _ = residual.saved
        norm_backward(
            *(d_part, normalised, scales, residual.norm.weight),
            *(stream.values, *residual.d_norm),
        )
