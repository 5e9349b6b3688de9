"""Counter-based random numbers: each draw a pure function of (seed, stream, indices, counter).

A generator with a state gives other numbers when work is cut or ordered in another way. Here a key
stands for a stream of draws (the masks of one example, the order of one epoch), and draw number
``counter`` of it is computed from the two alone, so that threads, chunks and resumed runs agree.

The function is SplitMix64 with its state written as ``key + counter * GAMMA``: it passes BigCrush,
takes some 1 ns, and may be entered anywhere.

References
----------
G. Steele, D. Lea, C. Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, sec. 3.
J. Salmon et al.: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011 (counters, not states).
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.jit import inlined_helper, kernel

_GAMMA, _CHILD = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03  # odd: every counter gives another state
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # SplitMix64's multipliers
_ALL_BITS = (1 << 64) - 1  # what uint64 keeps of a Python int

_U_GAMMA, _U_CHILD = np.uint64(_GAMMA), np.uint64(_CHILD)
_U_FIRST, _U_SECOND = np.uint64(_FIRST), np.uint64(_SECOND)
_27, _30, _31, _32, _11 = (np.uint64(bits) for bits in (27, 30, 31, 32, 11))
_LOW_HALF, _ONE = np.uint64(0xFFFFFFFF), np.uint64(1)  # 32 of 64 bits
_UNIT = 2.0**-53  # float64 holds 53 bits exactly
_SHORT_FIRST, _SHORT_SECOND = 0x7FEB352D, 0x846CA68B  # of `lowbias32`, found by search (C. Wellons)
_U_SHORT_FIRST, _U_SHORT_SECOND = np.uint32(_SHORT_FIRST), np.uint32(_SHORT_SECOND)
_15, _16 = np.uint32(15), np.uint32(16)


def stream_key(seed: int, stream: str, *indices: int) -> int:
    """Return the key of a stream of draws, 64 bits: wrap it in `numpy.uint64` for a kernel.

    The seed is what the user gave, any integer of 64 bits; streams of other names ("mask", "order")
    are independent. The indices say which one of its kind: an epoch, a document, an example;
    ``stream_key(s, name, i, j)`` is ``child_key(child_key(stream_key(s, name), i), j)``.

    Examples
    --------
    >>> stream_key(1, "mask", 7) == child_key_reference(stream_key(1, "mask"), 7)
    True
    """
    text = f"{seed & _ALL_BITS}:{stream}".encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    for index in indices:
        key = child_key_reference(key, index)
    return key


def child_key_reference(key: int, index: int) -> int:
    """Return the key of child number `index` of a key."""
    return _mix((key + _CHILD * (index + 1)) & _ALL_BITS)


@inlined_helper
def child_key(key, index):
    """Return the key (uint64) of child number `index` (int64) of a key (uint64)."""
    return _mixed(key + _U_CHILD * (np.uint64(index) + _ONE))


def random_bits_reference(key: int, counter: int) -> int:
    """Return draw number `counter` of a stream, 64 bits."""
    return _mix((key + _GAMMA * (counter + 1)) & _ALL_BITS)


@inlined_helper
def random_bits(key, counter):
    """Return draw number `counter` (int64) of the stream `key` (uint64), 64 bits (uint64)."""
    return _mixed(key + _U_GAMMA * (np.uint64(counter) + _ONE))


def random_below_reference(key: int, counter: int, limit: int) -> int:
    """Return a draw from ``range(limit)``."""
    return ((random_bits_reference(key, counter) >> 32) * limit) >> 32


@inlined_helper
def random_below(key, counter, limit):
    """Return a draw (int64) from ``range(limit)``; `limit` from 1 to 2^32.

    By multiplication and not by remainder; the shares differ by at most ``limit / 2**32``.
    """
    return np.int64(((random_bits(key, counter) >> _32) * np.uint64(limit)) >> _32)


def random_unit_reference(key: int, counter: int) -> float:
    """Return a draw from [0, 1), a multiple of 2^-53."""
    return (random_bits_reference(key, counter) >> 11) * _UNIT


@inlined_helper
def random_unit(key, counter):
    """Return a draw (float64) from [0, 1), a multiple of 2^-53."""
    return np.float64(random_bits(key, counter) >> _11) * _UNIT


def short_random_bits_reference(key: int, counter: int) -> int:
    """Return a draw of 32 bits, the upper half of which is the better."""
    low, high = key & 0xFFFFFFFF, key >> 32
    bits = (counter & 0xFFFFFFFF) ^ low
    bits = ((bits ^ (bits >> 16)) * _SHORT_FIRST) & 0xFFFFFFFF
    bits ^= high
    return ((bits ^ (bits >> 15)) * _SHORT_SECOND) & 0xFFFFFFFF


@inlined_helper
def short_random_bits(key, counter):
    """Return a draw (uint32) of the stream `key` (uint64), the upper half of which is the better.

    For shares of many values, as in dropout: it takes 32-bit products, of which a vector holds
    twice as many (and which AVX2 has at all). A key is good for some thousands of draws.

    References
    ----------
    C. Wellons, "Prospecting for Hash Functions" (2018): the multipliers.
    """
    bits = np.uint32(counter) ^ np.uint32(key)
    bits = np.uint32((bits ^ (bits >> _16)) * _U_SHORT_FIRST)
    bits = np.uint32(bits ^ np.uint32(key >> _32))
    return np.uint32((bits ^ (bits >> _15)) * _U_SHORT_SECOND)


def fill_random_bits_reference(key: np.uint64, first: int, out: NDArray[np.uint64]) -> None:
    """Write the draws ``first``, ``first + 1``, … of the stream `key` into `out`, uint64[n]."""
    for i in range(len(out)):
        out[i] = random_bits_reference(int(key), first + i)


@kernel(reference=fill_random_bits_reference)
def fill_random_bits(key, first, out):
    """Write the draws ``first``, ``first + 1``, … of a stream."""
    for i in range(len(out)):
        out[i] = random_bits(key, first + i)


def child_keys_reference(keys: NDArray[np.uint64], indices: NDArray[np.int64]) -> NDArray:
    """Return the key (uint64[n]) of child ``indices[i]`` (int64[n]) of each ``keys[i]``."""
    pairs = zip(keys.tolist(), indices.tolist(), strict=True)
    return np.array([child_key_reference(key, index) for key, index in pairs], np.uint64)


@kernel(reference=child_keys_reference)
def child_keys(keys, indices):
    """Return the key (uint64[n]) of child ``indices[i]`` (int64[n]) of each ``keys[i]``."""
    out = np.empty(keys.size, np.uint64)
    for i in range(keys.size):
        out[i] = child_key(keys[i], indices[i])
    return out


def random_order(key: int, count: int) -> NDArray[np.int64]:
    """Return a permutation (int64[count]) of ``range(count)`` that depends on the key alone."""
    bits = np.empty(count, np.uint64)
    fill_random_bits(np.uint64(key), 0, bits)
    return np.argsort(bits, kind="stable")


def _mix(state: int) -> int:
    state = ((state ^ (state >> 30)) * _FIRST) & _ALL_BITS
    state = ((state ^ (state >> 27)) * _SECOND) & _ALL_BITS
    return state ^ (state >> 31)


@inlined_helper
def _mixed(state):
    state = (state ^ (state >> _30)) * _U_FIRST
    state = (state ^ (state >> _27)) * _U_SECOND
    return state ^ (state >> _31)
