"""Arguments for the kernels of baselines, each to be run by the kernel and by its twin."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_examples import borders_of
from tokpipe.baselines.kernels.vectors import HUBER, SIGMOID, SOFTMAX, Bags, Steps, VectorModel
from tokpipe.foundation.arrays import padded


@st.composite
def _strings(draw):
    strings = draw(st.lists(st.binary(max_size=9), max_size=6))
    return padded(b"".join(strings)), borders_of([len(one) for one in strings])


@st.composite
def _training(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    features, width, classes = draw(st.tuples(*(st.integers(1, 5),) * 3))
    sizes = draw(st.lists(st.integers(0, 6), min_size=1, max_size=5))
    count = sum(sizes)
    bags = Bags(
        borders_of(sizes),
        random.integers(0, features, count).astype(np.int32),  # a feature may come twice
        random.random(count, np.float32),
    )
    loss = draw(st.sampled_from((SOFTMAX, SIGMOID, HUBER)))
    targets = random.random((len(sizes), classes)).astype(np.float32)
    order = random.integers(0, len(sizes), draw(st.integers(0, 7)))
    steps = Steps(
        order,
        random.random(len(order), np.float32),
        random.integers(0, 2**64, len(order), np.uint64),
        draw(st.sampled_from((0, 2**30, 2**31, int(0.9 * 2**32)))),
    )
    model = VectorModel(
        random.normal(size=(features, width)).astype(np.float32),
        random.normal(size=(classes, width)).astype(np.float32),
        random.normal(size=classes).astype(np.float32),
    )
    return bags, targets, steps, loss, model


CASES = {
    "tokpipe.baselines.kernels.hashing.hash_strings": _strings(),
    "tokpipe.baselines.kernels.vectors.train_vectors": _training(),
}
TOLERANCES = {  # an order of additions in 32 bits, over some steps
    "tokpipe.baselines.kernels.vectors.train_vectors": 1e-4,
}
