"""Gradients as they travel: as they are, or rounded to the upper half of their bits."""

import numpy as np
from numpy.typing import NDArray


def packed(values: NDArray[np.float32], dtype: str) -> NDArray:
    """Return values as they are sent, uint16 for bfloat16: rounded to the nearest, ties to even.

    Examples
    --------
    >>> packed(np.float32([1, -2.5, np.inf]), "bfloat16").tolist()
    [16256, 49184, 32640]
    """
    if dtype == "float32":
        return values
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(values), np.uint32(0x7FC0), rounded).astype(np.uint16)


def unpacked(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the values of bfloat16.

    Examples
    --------
    >>> unpacked(np.uint16([16256, 49184])).tolist()
    [1.0, -2.5]
    """
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
