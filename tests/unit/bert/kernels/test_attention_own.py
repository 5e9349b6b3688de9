"""Attention by products of our own against its twin, and near that by BLAS."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parity.cases_bert_attention import attentions
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.kernels import bfloat16, float32
from tokpipe.bert.kernels.attention import attention_backward, attention_forward
from tokpipe.bert.kernels.blocks import (
    BY_PAIRS,
    BY_SINGLES,
    IN_FLOAT32,
    address_for,
    new_scratch,
    scratch_address,
)
from tokpipe.foundation.processors import has_pairs, multiplies

BLOCKS = float32.BLOCKS, bfloat16.PAIRS, bfloat16.SINGLES
KEPT = new_scratch(max(blocks.scratch_bytes for blocks in BLOCKS))  # while it is used
# what attention is handed; how far it may be from BLAS, at least and at most, as a share; and
# whether the processor has it
KINDS = {
    name: (address_for(scratch_address(KEPT), kind), *shares, is_there)
    for name, kind, shares, is_there in (
        ("float32", IN_FLOAT32, (0.0, 1e-6), multiplies("float32")),
        ("pairs", BY_PAIRS, (1e-9, 5e-3), has_pairs()),
        ("singles", BY_SINGLES, (1e-9, 5e-3), multiplies("bfloat16")),
    )
}
# of the arguments, those that are written: logarithms and values; two gradients
WRITTEN = (-2, -1)


def run(kernel, arguments, address):
    """Return what a kernel or twin writes, with products made by what an address stands for."""
    given = copy.deepcopy(arguments)
    kernel(given[0], address, *given[2:])
    return [given[place] for place in WRITTEN]


def assert_near(ours, theirs, share):
    """Compare by the greatest value: a weight may be rounded up here and down there."""
    for one, other in zip(ours, theirs, strict=True):
        largest = np.abs(other).max(initial=1.0)
        np.testing.assert_allclose(one, other, rtol=0, atol=share * largest)


@pytest.fixture(params=KINDS)
def kind(request):
    """What attention is handed for products of ours, and what may come of it."""
    *kind, is_there = KINDS[request.param]
    if not is_there:
        pytest.skip("this processor has no such products")
    return kind


@pytest.mark.parametrize("kernel", [attention_forward, attention_backward])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_attention_is_its_twin(kernel, kind, data):
    address, least, _ = kind
    arguments = data.draw(attentions(slopes=kernel is attention_backward))
    if kernel is attention_backward:  # which goes by what forward left, with the same products
        attention_forward.reference(arguments[0], address, *arguments[2:10])
    ours = run(kernel, arguments, address)
    assert_near(ours, run(kernel.reference, arguments, address), 8e-3 if least else 1e-5)


@pytest.mark.parametrize("kernel", [attention_forward, attention_backward])
@pytest.mark.parametrize("lengths", [(128, 128), (300, 7, 61)])
def test_attention_is_near_that_by_blas(kernel, kind, lengths):
    address, least, most = kind
    heads, width = 3, 32
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    rng, tokens, hidden = np.random.default_rng(0), offsets[-1], heads * width

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    qkv, biases = normal(tokens, 3 * hidden), normal(heads, 2 * max(lengths) - 1)
    drop = np.uint64(7), np.uint32(1 << 29), 8 / 7
    kept = np.zeros((tokens, heads), np.float32), np.zeros((tokens, hidden), np.float32)
    arguments = (qkv, sgemm_address(), offsets, heads, biases, *drop, *kept)
    if kernel is attention_backward:
        attention_forward(*arguments)
        more = normal(tokens, hidden), np.zeros_like(qkv), np.zeros_like(biases)
        arguments = (*arguments, *more)
    ours = run(kernel, arguments, address)
    for one, other in zip(ours, run(kernel, arguments, sgemm_address()), strict=True):
        assert least <= np.linalg.norm(one - other) / np.linalg.norm(other) < most
