"""Attention by products in bfloat16 against its twin, and near that of float32."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_bert_attention import attentions
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.kernels.attention import attention_backward, attention_forward
from tokpipe.bert.kernels.panels import new_scratch, scratch_address
from tokpipe.foundation.processors import multiplies

pytestmark = pytest.mark.skipif(
    not multiplies("bfloat16"), reason="this processor has no products in bfloat16"
)
SCRATCH = new_scratch()
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


@pytest.mark.parametrize("kernel", [attention_forward, attention_backward])
@given(data=st.data())
def test_attention_in_bfloat16_is_its_twin(kernel, data):
    arguments = data.draw(attentions(slopes=kernel is attention_backward))
    if kernel is attention_backward:  # which goes by what forward left, with the same products
        attention_forward.reference(arguments[0], -1, *arguments[2:10])
    ours = run(kernel, arguments, -scratch_address(SCRATCH))
    assert_near(ours, run(kernel.reference, arguments, -1), 8e-3)


@pytest.mark.parametrize("kernel", [attention_forward, attention_backward])
@pytest.mark.parametrize("lengths", [(128, 128), (300, 7, 61)])
def test_attention_in_bfloat16_is_near_that_of_float32(kernel, lengths):
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
    ours = run(kernel, arguments, -scratch_address(SCRATCH))
    for one, other in zip(ours, run(kernel, arguments, sgemm_address()), strict=True):
        assert 0 < np.linalg.norm(one - other) < 5e-3 * np.linalg.norm(other)
