"""Arguments for the kernels of attention: several sequences, and more queries than a block."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_bert import DROPS, SEEDS, normal
from tests.parity.cases_bert_products import scratch
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.kernels.attention import BLOCK
from tokpipe.bert.kernels.own_attention import BY_PAIRS, BY_SGEMM, BY_SINGLES, IN_FLOAT32, WAYS
from tokpipe.foundation.processors import has_pairs, multiplies

LENGTHS = st.lists(st.integers(1, 9), max_size=3) | st.just([BLOCK + 5, 2])


@st.composite
def attentions(draw, slopes=False, way=BY_SGEMM):
    seed, lengths, heads = draw(SEEDS), draw(LENGTHS), draw(st.integers(1, 3))
    width = draw(st.sampled_from([1, 4, 17]))
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    tokens, hidden = offsets[-1], heads * width
    longest = max(lengths, default=1)
    biased = draw(st.booleans())
    biases = normal(seed + 1, heads, (2 * longest - 1) if biased else 0)
    qkv = normal(seed, tokens, 3 * hidden)
    kept = np.zeros((tokens, heads), np.float32), np.zeros((tokens, hidden), np.float32)
    address = sgemm_address() if way == BY_SGEMM else scratch()
    arguments = (qkv, address, offsets, heads, biases, *draw(DROPS), *kept)
    if not slopes:
        return arguments
    WAYS[way][0].reference(*arguments)
    gradient = normal(seed + 2, tokens, hidden)
    return *arguments, gradient, np.zeros_like(qkv), normal(seed + 3, *biases.shape)


@st.composite
def rotations(draw):
    seed, heads, half = draw(SEEDS), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    count = draw(st.integers(0, 5))
    angles = normal(seed, 8, half)
    positions = np.random.default_rng(seed).integers(0, 8, count).astype(np.int32)
    return normal(seed, count, 6 * heads * half), positions, heads, np.cos(angles), np.sin(angles)


_KERNELS = "tokpipe.bert.kernels.attention.attention"
_OWN = "tokpipe.bert.kernels.own_attention.attention"
CASES = {
    f"{_KERNELS}_forward": attentions(),
    f"{_KERNELS}_backward": attentions(slopes=True),
    "tokpipe.bert.kernels.rotation.rotate": rotations(),
}
TOLERANCES = dict.fromkeys(CASES, 1e-5)
PRODUCTS = {}
# in bfloat16 a weight is rounded up by one twin and down by the other
for _way, _is_there, _far in (
    (IN_FLOAT32, multiplies("float32"), 1e-5),
    (BY_PAIRS, has_pairs(), 8e-3),
    (BY_SINGLES, multiplies("bfloat16"), 8e-3),
):
    for _name, _slopes in (
        (f"{_OWN}_forward_{_way}", False),
        (f"{_OWN}_backward_{_way}", True),
    ):
        CASES[_name], PRODUCTS[_name] = attentions(slopes=_slopes, way=_way), _is_there
        TOLERANCES[_name] = _far
