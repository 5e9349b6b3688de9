"""What the page of attention holds: weights as steps, and how large it gets."""

import base64
import dataclasses
import json
import re
import zlib

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, WORDS, small
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.attention_page import _SHIFTS, attention_page, steps_of
from tokpipe.inspection.terminal import attention_model, attention_neuron
from tokpipe.tasks.attention import attention

SEEN = attention(small(), "the cat sat on the mat")


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)


def page_of(seen=SEEN, view="model", exact=False, threads=None, **wanted):
    module = {"model": attention_model, "neuron": attention_neuron}[view]
    chosen = choose("m", seen, Wanted(**wanted), module)
    return attention_page(chosen, view, exact=exact, threads=threads)


def data_of(page):
    return json.loads(re.search(r'id="data">(.*)</script>', page)[1])


def bytes_of(page, name):
    return zlib.decompress(base64.b64decode(re.search(rf'id="{name}">(.*?)<', page)[1]))


@pytest.mark.parametrize("spread", [0, 0.02, 0.5, 1, 2, 3, 6, 20])
@pytest.mark.parametrize("count", [1, 2, 7, 24, 128, 512])
def test_steps_keep_single_weights_and_the_sums_of_rows(count, spread):
    scores = np.random.default_rng(count).normal(0, spread, (3, count, count))
    scores[1] = np.sort(scores[1])  # in order, as where attention falls with distance
    scores[2, :, : count // 2] = scores[2, :, :1]  # half of a row alike
    weights = softmax(scores)
    found = (steps_of(weights) / 255.0) ** 2
    assert abs(found - weights).max() <= 0.004
    assert abs(found.sum(-1) - 1).max() <= 0.012


@pytest.mark.parametrize("side", [1, -1], ids=["low", "high"])
@pytest.mark.parametrize("some", [2, 3, 4, 5, 6, 8, 16])
def test_a_handful_of_weights_that_have_all_adds_up_to_it(some, side):
    count = 58
    places = np.arange(count)
    turns = (places[:, None] * _SHIFTS[0] + places * _SHIFTS[1]) % 1
    places = np.argsort(side * turns)[:, :some]  # whose thresholds are all low, or all high
    shares = 1 + np.random.default_rng(some).random((40, count, some)) / 20
    weights = np.full((40, count, count), 1e-4 / count)
    np.put_along_axis(weights, np.broadcast_to(places, shares.shape), shares, -1)
    weights = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    found = (steps_of(weights) / 255.0) ** 2
    assert abs(found - weights).max() <= 0.004
    assert abs(found.sum(-1) - 1).max() <= 0.012


def test_a_page_holds_all_weights_and_vectors_and_is_the_same_for_any_threads():
    page = page_of(exact=True)
    for layer in SEEN.layers:
        stored = np.frombuffer(bytes_of(page, f"weights-{layer.number}"), np.float32)
        np.testing.assert_array_equal(stored, layer.weights().ravel())
        stored = np.frombuffer(bytes_of(page, f"vectors-{layer.number}"), np.float32)
        np.testing.assert_array_equal(stored, np.stack(layer.parts()[:2]).ravel())
    assert page_of(threads=1) == page_of(threads=4) != page


def test_vectors_of_the_layer_or_head_in_question_stay_where_room_is_short(monkeypatch):
    asked = {"view": "neuron", "layer": 2, "head": "2"}
    every, size = data_of(page_of(**asked))["vectors"], CONFIG.hidden_size
    assert (every["layers"], every["heads"]) == ([1, 2, 3, 4], [1, 2])
    monkeypatch.setattr("tokpipe.inspection.attention_page._ROOM", 0)
    monkeypatch.setattr("tokpipe.inspection.attention_page._A_WEIGHT", 0)
    least = data_of(page_of(**asked))["vectors"]
    assert (least["layers"], least["heads"], least["size"]) == ([2], [2], size // 2)
    monkeypatch.setattr("tokpipe.inspection.attention_page._ROOM", 3000)
    layer = data_of(page_of(**asked))["vectors"]
    assert (layer["layers"], layer["heads"]) == ([2], [1, 2])
    assert data_of(page_of(exact=True, **asked))["vectors"] == every


@pytest.mark.parametrize("initial", [0.02, 0.1])
@pytest.mark.parametrize(
    ("count", "most"), [(128, 2.5e6), pytest.param(512, 25e6, marks=pytest.mark.slow)]
)
def test_twelve_layers_of_twelve_heads_fit(count, most, initial):
    how = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
    how |= {"max_position_embeddings": count, "initializer_range": initial}
    text = " ".join(np.random.default_rng(0).choice(WORDS[:-2], count - 2))
    seen = attention(small(dataclasses.replace(CONFIG, **how)), text)
    assert len(seen) == count
    page = page_of(seen)
    assert len(page.encode()) <= most
    assert data_of(page)["vectors"]["layers"][-1] == 12
