"""bfloat16 as AVX512_BF16 has it, in NumPy: what the twins of products reckon with.

The upper half of a float32: 8 bits of exponent, 7 of fraction.
"""

import numpy as np
from numpy.typing import NDArray


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round float32 to bfloat16, to the nearest, of two as near to the even one.

    Infinities stay; NaN becomes a quiet one; numbers below the normal ones become zero. (Intel 64
    and IA-32 Architectures Software Developer's Manual, VCVTNEPS2BF16.)

    Examples
    --------
    >>> [hex(bits) for bits in to_bfloat16(np.array([1.0, 1.00390625, -np.inf], np.float32))]
    ['0x3f80', '0x3f80', '0xff80']
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    exponent = bits >> 23 & 0xFF
    rounded = (bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1)) >> 16
    rounded = np.where(exponent == 0, bits >> 16 & 0x8000, rounded)
    special = bits >> 16 | np.where(bits & 0x7FFFFF, 0x40, 0)
    return np.where(exponent == 0xFF, special, rounded).astype(np.uint16)


def to_float32(values: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return bfloat16 as float32, exactly."""
    return (values.astype(np.uint32) << 16).view(np.float32)


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return float32 that are what bfloat16 keeps of others."""
    return to_float32(to_bfloat16(np.asarray(values, np.float32)))
