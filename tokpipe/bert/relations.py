"""What tokens are to one another in a teacher's last attention, and how far a student is from it.

The relation of two tokens is the scaled product of their queries, of their keys, or of their
values, and a softmax makes a distribution of a token's relations. It has no width: a narrower
student can learn it as it is, if both widths fall into as many heads.

References
----------
W. Wang et al., "MiniLMv2: Multi-Head Self-Attention Relation Distillation" (2021), 3.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.attention import split_heads

Array = NDArray[np.floating]


def relation_distances(
    qkv: Array, wanted: Array, offsets: NDArray[np.int32], heads: int
) -> tuple[Array, Array]:
    """Compare relations: the mean divergence over queries, keys, values, heads and tokens.

    Parameters
    ----------
    qkv : float32[T, 3H]
        Queries, keys and values of the student.
    wanted : float32[T, 3G]
        Those of the teacher.
    offsets : int32[B + 1]
        Borders of the sequences.
    heads
        Into how many heads both widths are cut.

    Returns
    -------
    float32[B]
        The Kullback-Leibler divergence of each sequence.
    float32[T, 3H]
        Its slopes.
    """
    distances, slopes = np.zeros(len(offsets) - 1, qkv.dtype), np.empty_like(qkv)
    for number, (start, end) in enumerate(itertools.pairwise(offsets.tolist())):
        ours, theirs = (split_heads(array[start:end], 3 * heads) for array in (qkv, wanted))
        said, aim = _log_relations(ours), _log_relations(theirs)
        shares, count = np.exp(aim), 3 * heads * (end - start)
        distances[number] = (shares * (aim - said)).sum() / count
        missed = (np.exp(said) - shares) / (count * np.sqrt(ours.shape[2], dtype=qkv.dtype))
        found = (missed + missed.transpose(0, 2, 1)) @ ours
        slopes[start:end] = found.transpose(1, 0, 2).reshape(end - start, -1)
    return distances, slopes


def _log_relations(rows: Array) -> Array:
    """Return the logarithms of relations, [3 heads, n, n], of rows [3 heads, n, D]."""
    scores = rows @ rows.transpose(0, 2, 1) / np.sqrt(rows.shape[2], dtype=rows.dtype)
    scores -= scores.max(2, keepdims=True)
    return scores - np.log(np.exp(scores).sum(2, keepdims=True))
