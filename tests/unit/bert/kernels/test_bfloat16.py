"""Rounding to bfloat16, by hand; torch is the other judge."""

import numpy as np
import pytest

from tokpipe.bert.kernels.bfloat16 import rounded, to_bfloat16, to_float32

BY_HAND = [
    (0x3F800000, 0x3F80),
    (0x3F807FFF, 0x3F80),  # below the half
    (0x3F808000, 0x3F80),  # the half: to the even one, down
    (0x3F808001, 0x3F81),
    (0x3F818000, 0x3F82),  # the half: to the even one, up
    (0xBF818000, 0xBF82),
    (0x7F7FFFFF, 0x7F80),  # the greatest float32 becomes infinite
    (0x7F800000, 0x7F80),
    (0xFF800000, 0xFF80),
    (0x7F800001, 0x7FC0),  # NaN, though its upper half is that of infinity
    (0xFFC12345, 0xFFC1),
    (0x00000000, 0x0000),
    (0x80000000, 0x8000),
    (0x007FFFFF, 0x0000),  # below the normal numbers
    (0x80400000, 0x8000),
    (0x00800000, 0x0080),  # the least normal number
]
ODD = [bits for bits, _ in BY_HAND]


@pytest.mark.parametrize(("bits", "expected"), BY_HAND)
def test_rounding_by_hand(bits, expected):
    value = np.array([bits], np.uint32).view(np.float32)
    assert to_bfloat16(value)[0] == expected


def test_what_is_rounded_stays():
    every = np.arange(1 << 16, dtype=np.uint16)
    normal = every[(every & 0x7F80 != 0) & (every & 0x7F80 != 0x7F80)]
    np.testing.assert_array_equal(to_bfloat16(to_float32(normal)), normal)


@pytest.mark.peers
def test_torch_rounds_the_same():
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    bits = np.random.default_rng(0).integers(0, 1 << 32, 1 << 20, np.uint32)
    bits = bits[(bits >> 23 & 0xFF != 0) & (bits >> 23 & 0xFF != 0xFF)]
    values = bits.view(np.float32)
    theirs = torch.from_numpy(values).to(torch.bfloat16).to(torch.float32).numpy()
    np.testing.assert_array_equal(rounded(values), theirs)
