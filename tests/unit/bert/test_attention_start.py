"""Heads that begin near by: where they look before anything is learned, and what stays as drawn."""

import numpy as np
import pytest

from tokpipe.bert.attention_start import one_sided_bias, start_local
from tokpipe.bert.config import BertConfig
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.positions import distance_buckets
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError

SHAPE = {
    "vocab_size": 500,
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
}
KINDS = {
    "learned": {},
    "learned, pre-norm": {"norm_position": "pre"},
    "learned, offset as RoBERTa's": {"position_offset": 2, "pad_token_id": 1},
    "learned, shared layers": {"share_layers": "all"},
    "relative": {"position": "relative"},
    "relative, pre-norm": {"position": "relative", "norm_position": "pre"},
    "learned-relative": {"position": "learned-relative"},
}
NEAR = {"learned": (-1, 1, -2, 2), "relative": (-1, 1, -1, 1)}


def started(**settings):
    parameters = Parameters.initialised(BertConfig(**SHAPE, **settings), 5)
    start_local(parameters)
    return parameters


def looked(parameters):
    """Return the weights of the first layer on 60 random tokens: float32[A, 60, 60]."""
    ids = np.random.default_rng(1).integers(5, 500, 60).astype(np.int32)
    model = Model(parameters.config, parameters)
    return next(iter(model.look(Batch(ids, np.array([0, 60], np.int32))))).weights()


@pytest.mark.parametrize("kind", KINDS)
def test_each_head_looks_most_at_its_own_distance(kind):
    weights = looked(started(**KINDS[kind]))
    far = NEAR["relative" if "relative" in kind else "learned"]
    for head, distance in enumerate(far):
        inside = slice(max(-distance, 0), 60 - max(distance, 0))
        to = np.arange(60)[inside] + distance
        assert (weights[head][inside].argmax(1) == to).all()
        assert weights[head][inside][np.arange(len(to)), to].min() > 2 / 60


def test_heads_that_begin_at_random_look_at_all_alike():
    weights = looked(Parameters.initialised(BertConfig(**SHAPE), 5))
    assert weights.max() < 2 / 60


@pytest.mark.parametrize("kind", KINDS)
def test_all_else_stays_as_it_was_drawn(kind):
    config = BertConfig(**SHAPE, **KINDS[kind])
    drawn, made = Parameters.initialised(config, 5), started(**KINDS[kind])
    changed = {n for n, view in made.views.items() if not np.array_equal(view, drawn.views[n])}
    if config.has_distances:
        assert changed == {"relative.weight"}
        return
    queries = {name for name in made.views if name.endswith("attention.qkv.weight")}
    assert changed == {"embeddings.token", "embeddings.position", *queries}
    for name in queries:
        new, old = (p.views[name].reshape(3, 4, 32, 128) for p in (made, drawn))
        np.testing.assert_array_equal(new[2], old[2])  # values
        np.testing.assert_array_equal(new[:, :, 16:], old[:, :, 16:])  # the other half of a head
    token = "embeddings.token"
    np.testing.assert_array_equal(made.views[token][:, 64:], drawn.views[token][:, 64:])
    assert not made.views[token][:, :64].any()


def test_the_bias_falls_with_the_distance_on_one_side():
    bias, buckets = one_sided_bias(6), distance_buckets(200)
    by_distance = bias[buckets]  # from -199 to 199
    assert (by_distance[199] == -8).all()
    for head in range(6):
        side = by_distance[200:, head] if head % 2 else by_distance[198::-1, head]
        other = by_distance[198::-1, head] if head % 2 else by_distance[200:, head]
        assert side[0] == 0 and (np.diff(side) <= 0).all() and side.min() >= -8
        assert side[1] == -(0.5 ** (head // 2)) and (other == -8).all()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"position": "rope"}, "position='rope'"),
        ({"position": "none"}, "position='none'"),
        ({"position": "sinusoidal"}, "position='sinusoidal'"),
        ({"embedding_size": 64}, "places as wide as the layers, 128"),
        ({"num_attention_heads": 64}, "a head has 2"),
    ],
)
def test_what_cannot_begin_so_is_refused(settings, problem):
    with pytest.raises(ConfigError, match=problem):
        start_local(Parameters(BertConfig(**{**SHAPE, **settings})))
