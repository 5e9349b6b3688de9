"""Activations that are written as bfloat16: what float32 would be, rounded."""

import numpy as np
import pytest

from tests.unit.bert.kernels.test_bfloat16 import ODD
from tokpipe.bert.kernels.activations import ACTIVATIONS, GATED
from tokpipe.bert.kernels.bfloat16 import to_bfloat16
from tokpipe.bert.workspace import new_halves


def values(*shape):
    found = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * 3
    found.flat[: len(ODD)] = np.array(ODD, np.uint32).view(np.float32)
    return found


@pytest.mark.parametrize("width", [40, 41])
@pytest.mark.parametrize("kernels", [ACTIVATIONS, GATED])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_written_is_rounded_and_nothing_else_changes(name, kernels, width):
    forward, backward = kernels[name]
    before = values(7, width * (2 if kernels is GATED else 1))
    bias, gradient = np.zeros(before.shape[1], np.float32), values(7, width)
    out, halves = np.zeros((7, width), np.float32), new_halves(7, width)
    forward(before, out)
    forward(before, halves)
    np.testing.assert_array_equal(halves[:, :width], to_bfloat16(out))
    halves[:] = 0
    exact = [before.copy(), gradient.copy(), out, bias.copy()]
    rounded = [before.copy(), gradient.copy(), halves, bias.copy()]
    backward(*exact)
    backward(*rounded)
    np.testing.assert_array_equal(halves[:, :width], to_bfloat16(out))
    assert not halves[:, width:].any()
    for one, other in zip(exact, rounded, strict=True):
        if other is not halves:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_twin_rounds_the_same(name):
    before, made = values(3, 41), new_halves(3, 41)
    whole = np.zeros((3, 41), np.float32)
    with np.errstate(all="ignore"):  # infinities times nothing
        ACTIVATIONS[name][0].reference(before, made)
        ACTIVATIONS[name][0].reference(before, whole)
    np.testing.assert_array_equal(made[:, :41], to_bfloat16(whole))
