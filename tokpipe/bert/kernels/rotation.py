"""Rotary positions: pairs of values turned by an angle that grows with the token's place.

References
----------
J. Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021).
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import FUSED, kernel

Array = NDArray[np.floating]


def rotate_reference(
    qkv: Array, positions: NDArray[np.int32], heads: int, cosines: Array, sines: Array
) -> None:
    """Turn queries and keys in place; with the sines' sign changed, turn them back.

    Parameters
    ----------
    qkv : float32[T, 3H]
        Queries, keys and values; the values stay.
    positions : int32[T]
        Place of each token in its sequence.
    heads
        A, how many heads there are; value ``i`` of a head is turned with value ``i + D / 2``.
    cosines, sines : float32[P, D / 2]
        Of the angles, by place.
    """
    turned = qkv.shape[1] // 3 * 2
    pairs = qkv[:, :turned].reshape(len(qkv), 2 * heads, 2, cosines.shape[1])
    cosine, sine = cosines[positions, None], sines[positions, None]
    first, second = pairs[:, :, 0], pairs[:, :, 1]
    both = np.stack([first * cosine - second * sine, second * cosine + first * sine], 2)
    qkv[:, :turned] = both.reshape(len(qkv), turned)


@kernel(reference=rotate_reference, rounding=FUSED)
def rotate(qkv, positions, heads, cosines, sines):
    half = cosines.shape[1]
    for t in range(len(qkv)):
        row, cosine, sine = qkv[t], cosines[positions[t]], sines[positions[t]]
        for h in range(2 * heads):
            first = row[2 * h * half : (2 * h + 1) * half]
            second = row[(2 * h + 1) * half : 2 * (h + 1) * half]
            for j in range(half):
                x, y = first[j], second[j]
                first[j] = x * cosine[j] - y * sine[j]
                second[j] = y * cosine[j] + x * sine[j]
