"""Arguments for the kernels of baselines, each to be run by the kernel and by its twin."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_examples import borders_of
from tokpipe.baselines.kernels.bags import pool_rows
from tokpipe.baselines.kernels.lstm import BACKWARD, FORWARD, lstm_forward
from tokpipe.baselines.kernels.vectors import HUBER, SIGMOID, SOFTMAX, Bags, Steps, VectorModel
from tokpipe.bert.blas import sgemm_address
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


@st.composite
def _spelled(draw):
    words = draw(st.lists(st.text("aåß🦊\u0301Z", max_size=5), max_size=5))
    encoded = [word.encode() for word in words]
    return (
        padded(b"".join(encoded)),
        borders_of([len(one) for one in encoded]),
        draw(st.integers(1, 5)),
    )


@st.composite
def _steps(draw):
    """Draw how many sequences each step has."""
    lengths = draw(st.lists(st.integers(1, 5), max_size=4))
    return np.array([sum(n > t for n in lengths) for t in range(max(lengths, default=0))], np.int64)


@st.composite
def _recurrent(draw):
    sizes, hidden = draw(_steps()), draw(st.integers(1, 9))
    direction = draw(st.sampled_from((FORWARD, BACKWARD)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = int(sizes.sum())

    def normal(*shape):
        return random.normal(size=shape).astype(np.float32)

    gates, weight = normal(rows, 8 * hidden), normal(4 * hidden, hidden)
    cells, out = normal(rows, 2 * hidden), normal(rows, 2 * hidden)
    return [gates, sgemm_address(), sizes, weight, direction, cells, out]


@st.composite
def _recurrent_back(draw):
    there = draw(_recurrent())
    lstm_forward(*there)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gradient = random.normal(size=there[-1].shape).astype(np.float32)
    return [*there, gradient, np.ones_like(there[3])]


@st.composite
def _bagged(draw, back):
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, width, count = draw(st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(0, 6)))
    sizes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    bags = Bags(
        borders_of(sizes),
        random.integers(0, rows, sum(sizes)).astype(np.int32),
        random.random(sum(sizes), np.float32),
    )
    table = random.normal(size=(rows, width)).astype(np.float32)
    words = random.integers(0, len(sizes), count)
    items = random.normal(size=(count, width)).astype(np.float32)
    return (items, bags, words, table) if back else (table, bags, words, items)


@st.composite
def _pooled(draw):
    sizes, width = draw(_steps()), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    states = random.integers(-2, 3, (int(sizes.sum()), width)).astype(np.float32)  # equals, too
    texts = int(sizes.max(initial=0)) + draw(st.integers(0, 2))  # the last without a word
    return [
        states,
        sizes,
        np.ones((texts, 2 * width), np.float32),
        np.zeros((texts, width), np.int64),
    ]


@st.composite
def _unpooled(draw):
    states, sizes, out, most = draw(_pooled())
    pool_rows(states, sizes, out, most)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [random.normal(size=out.shape).astype(np.float32), sizes, most, states]


_HOME = "tokpipe.baselines.kernels"
CASES = {
    f"{_HOME}.spelling.character_grams": _spelled(),
    f"{_HOME}.lstm.lstm_forward": _recurrent(),
    f"{_HOME}.lstm.lstm_backward": _recurrent_back(),
    f"{_HOME}.bags.gather_bags": _bagged(back=False),
    f"{_HOME}.bags.scatter_bags": _bagged(back=True),
    f"{_HOME}.bags.pool_rows": _pooled(),
    f"{_HOME}.bags.unpool_rows": _unpooled(),
    "tokpipe.baselines.kernels.hashing.hash_strings": _strings(),
    "tokpipe.baselines.kernels.vectors.train_vectors": _training(),
}
TOLERANCES = {  # an order of additions in 32 bits, over some steps
    f"{_HOME}.lstm.lstm_forward": 1e-5,
    f"{_HOME}.lstm.lstm_backward": 1e-5,
    f"{_HOME}.bags.gather_bags": 1e-6,
    f"{_HOME}.bags.scatter_bags": 1e-6,
    f"{_HOME}.bags.pool_rows": 1e-6,
    f"{_HOME}.bags.unpool_rows": 1e-6,
    "tokpipe.baselines.kernels.vectors.train_vectors": 1e-4,
}
