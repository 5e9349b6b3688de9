"""Strings to numbers of 64 bits, which stand for them in vocabularies of words and n-grams."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper, kernel

_ALL_BITS = (1 << 64) - 1
_BASIS, _PRIME, _SPREAD = 0xCBF29CE484222325, 0x100000001B3, 0xFF51AFD7ED558CCD
HASH_BASIS, _U_PRIME, _U_SPREAD = np.uint64(_BASIS), np.uint64(_PRIME), np.uint64(_SPREAD)
_33 = np.uint64(33)


def hash_strings_reference(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray:
    """Return a hash of each string: FNV-1a over its bytes, its bits spread.

    Parameters
    ----------
    data : uint8[N]
        The bytes.
    offsets : int64[n + 1]
        Borders of the strings.

    Returns
    -------
    uint64[n]

    References
    ----------
    G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake: The FNV Non-Cryptographic Hash Algorithm, 2012.
    A. Appleby: MurmurHash3 (its last step), 2011.
    """
    out = []
    for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        state = _BASIS
        for byte in data[a:b].tolist():
            state = ((state ^ byte) * _PRIME) & _ALL_BITS
        state = ((state ^ (state >> 33)) * _SPREAD) & _ALL_BITS
        out.append(state ^ (state >> 33))
    return np.array(out, np.uint64)


@kernel(reference=hash_strings_reference)
def hash_strings(data, offsets):
    """Return a hash (uint64[n]) of each string."""
    out = np.empty(offsets.size - 1, np.uint64)
    for i in range(out.size):
        state = HASH_BASIS
        for place in range(offsets[i], offsets[i + 1]):
            state = hash_byte(state, data[place])
        out[i] = spread_hash(state)
    return out


@inlined_helper
def hash_byte(state, byte):
    """Return the state (uint64) after one more byte."""
    return (state ^ np.uint64(byte)) * _U_PRIME


@inlined_helper
def spread_hash(state):
    """Return the hash (uint64) that a state stands for."""
    state = (state ^ (state >> _33)) * _U_SPREAD
    return state ^ (state >> _33)
