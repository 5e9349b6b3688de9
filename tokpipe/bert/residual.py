"""How a part of a layer joins the stream: dropout, sum and LayerNorm, behind the part or before.

Post-norm (BERT): ``stream = norm(stream + drop(part(stream)))``.
Pre-norm: ``stream = stream + drop(part(norm(stream)))``.

Each way is two pairs of functions: `enter` makes what the part works on, `leave` what the stream
becomes. Gradients of the stream are kept in one array, to which all ways add.

References
----------
R. Xiong et al., "On Layer Normalization in the Transformer Architecture" (2020).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.dropout import Dropout
from tokpipe.bert.kernels import dropout, norms
from tokpipe.bert.linear import add_column_sums
from tokpipe.bert.precision import by_precision
from tokpipe.bert.weights import Linear

Array = NDArray[np.floating]

norm_forward = by_precision(norms.norm_forward)
norm_backward = by_precision(norms.norm_backward)
sum_norm_forward = by_precision(norms.sum_norm_forward)
sum_norm_backward = by_precision(norms.sum_norm_backward)
drop = by_precision(dropout.drop)


class SavedNorm(NamedTuple):
    """What a norm keeps for its backward pass, and its result.

    Attributes
    ----------
    normalised : float32[T, H]
        Rows of mean 0 and variance 1.
    scales : float32[T]
        What each row was multiplied by.
    out : float32[T, H]
        The result.
    """

    normalised: Array
    scales: Array
    out: Array


class Join(NamedTuple):
    """The norm of one part of one layer, in one pass.

    Attributes
    ----------
    is_pre
        Whether the norm stands before the part.
    eps
        Added to a variance.
    norm, d_norm
        Its weights, and their gradients (None in a pass without any).
    saved
        What it keeps.
    drop
        The dropout behind the part.
    """

    is_pre: bool
    eps: float
    norm: Linear
    d_norm: Linear | None
    saved: SavedNorm
    drop: Dropout


def enter_forward(join: Join, stream: Array) -> Array:
    """Return what the part works on: float32[T, H]."""
    if not join.is_pre:
        return stream
    norm_forward(stream, *join.norm, join.eps, *join.saved)
    return join.saved.out


def leave_forward(join: Join, made: Array, stream: Array) -> Array:
    """Return the stream with what the part made; in pre-norm it is the same array, added to."""
    if join.is_pre:
        drop(made, *join.drop)
        stream += made
        return stream
    sum_norm_forward(made, stream, *join.norm, join.eps, *join.drop, *join.saved)
    return join.saved.out


def leave_backward(
    join: Join, d_stream: Array, spare: Array, d_made: Array, d_bias: Array
) -> Array:
    """Take the gradients of `leave_forward`.

    Parameters
    ----------
    join
        As before, with gradients.
    d_stream : float32[T, H]
        Gradient of the stream behind.
    spare : float32[T, H]
        Another array of its shape.
    d_made : float32[T, H]
        Gradient of what the part made, written.
    d_bias : float32[H]
        Gradient of the part's last bias, added to.

    Returns
    -------
    float32[T, H]
        Gradient of the stream in front, the part's share still missing: `spare` or `d_stream`.
    """
    if join.is_pre:
        d_made[:] = d_stream
        drop(d_made, *join.drop)
        add_column_sums(d_made, d_bias)
        return d_stream
    assert join.d_norm is not None
    saved = join.saved
    sum_norm_backward(
        *(d_stream, saved.normalised, saved.scales, join.norm.weight, *join.drop),
        *(spare, d_made, *join.d_norm, d_bias),
    )
    return spare


def enter_backward(join: Join, d_entered: Array, d_stream: Array) -> None:
    """Add the part's share to the gradient of the stream; in post-norm it is there already."""
    if join.is_pre:
        assert join.d_norm is not None
        saved = join.saved
        norm_backward(
            *(d_entered, saved.normalised, saved.scales, join.norm.weight),
            *(d_stream, *join.d_norm),
        )
