"""Attention by products of our own against its twin, and near that by BLAS."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parity.cases_bert_attention import attentions
from tests.parity.cases_bert_products import scratch
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.kernels.own_attention import BY_PAIRS, BY_SGEMM, BY_SINGLES, IN_FLOAT32, WAYS
from tokpipe.foundation.processors import has_pairs, multiplies

# how far each kind may be from BLAS, at least and at most, as a share; whether the processor has it
KINDS = {
    IN_FLOAT32: (0.0, 1e-6, multiplies("float32")),
    BY_PAIRS: (1e-9, 5e-3, has_pairs()),
    BY_SINGLES: (1e-9, 5e-3, multiplies("bfloat16")),
}
# of the arguments, those that are written: logarithms and values; two gradients
WRITTEN = (-2, -1)


def run(kernel, arguments, address):
    """Return what a kernel or twin writes, with products made at an address."""
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
    """Kernels with products of ours, and how far they may be from those by BLAS."""
    *shares, is_there = KINDS[request.param]
    if not is_there:
        pytest.skip("this processor has no such products")
    return request.param, *shares


@pytest.mark.parametrize("backward", [False, True])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_attention_is_its_twin(backward, kind, data):
    way, least, _ = kind
    kernel, arguments = WAYS[way][backward], data.draw(attentions(slopes=backward, way=way))
    ours = run(kernel, arguments, scratch())
    assert_near(ours, run(kernel.reference, arguments, scratch()), 8e-3 if least else 1e-5)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("lengths", [(128, 128), (300, 7, 61)])
def test_attention_is_near_that_by_blas(backward, kind, lengths):
    way, least, most = kind
    heads, width = 3, 32
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    rng, tokens, hidden = np.random.default_rng(0), offsets[-1], heads * width

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    qkv, biases = normal(tokens, 3 * hidden), normal(heads, 2 * max(lengths) - 1)
    drop = np.uint64(7), np.uint32(1 << 29), 8 / 7
    kept = np.zeros((tokens, heads), np.float32), np.zeros((tokens, hidden), np.float32)
    arguments = (qkv, sgemm_address(), offsets, heads, biases, *drop, *kept)
    if backward:
        WAYS[BY_SGEMM][0](*arguments)
        more = normal(tokens, hidden), np.zeros_like(qkv), np.zeros_like(biases)
        arguments = (*arguments, *more)
    ours = run(WAYS[way][backward], arguments, scratch())
    theirs = run(WAYS[BY_SGEMM][backward], arguments, sgemm_address())
    for one, other in zip(ours, theirs, strict=True):
        assert least <= np.linalg.norm(one - other) / np.linalg.norm(other) < most
