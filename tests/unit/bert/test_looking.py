"""What a pass shows is what the pass does: shares add up, parts add up, states are the same."""

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tokpipe.bert.config import POSITIONS
from tokpipe.bert.kernels.attention import attention_scores
from tokpipe.bert.model import Model
from tokpipe.bert.positions import rotation_tables

KINDS = {
    **{position: {"position": position} for position in POSITIONS},
    "pre-norm": {"norm_position": "pre"},
    "pre-norm rope": {"norm_position": "pre", "position": "rope"},
    "shared": {"share_layers": "all", "embedding_size": 4},
    "relu": {"hidden_act": "relu", "type_vocab_size": 0},
}


@pytest.fixture(params=KINDS)
def model(request):
    config = small_config(**KINDS[request.param])
    return Model(config, random_parameters(config, dtype=np.float32))


def normed(x, norm, eps):
    x = x.astype(np.float64)
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt(x.var(1, keepdims=True) + eps) * norm.weight + norm.bias


def test_hidden_states_are_those_of_every_other_pass(model):
    batch = random_batch(model.config)
    states = model.hidden_states(batch, [0, 1, 2])
    layers = list(model.look(batch, model.workspace(99, 9, 6, training=False)))
    assert [layer.number for layer in layers] == [1, 2]
    for layer, before, behind in zip(layers, states, states[1:], strict=False):
        np.testing.assert_array_equal(layer.entered, before)
        np.testing.assert_array_equal(layer.left, behind)


def test_weights_are_shares_and_the_softmax_of_the_scores(model):
    batch = random_batch(model.config)
    for layer in model.look(batch):
        for sequence, count in enumerate((5, 1, 7)):
            weights, scores = layer.weights(sequence), layer.scores(sequence).astype(np.float64)
            assert weights.shape == (2, count, count)
            np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-6)
            expected = np.exp(scores) / np.exp(scores).sum(2, keepdims=True)
            np.testing.assert_allclose(weights, expected, rtol=2e-5)


def test_heads_attend_with_the_weights_that_are_shown(model):
    batch = random_batch(model.config)
    for layer in model.look(batch):
        for sequence, (a, b) in enumerate(zip(batch.offsets, batch.offsets[1:], strict=False)):
            values = layer.parts(sequence)[2]
            attended = layer.weights(sequence) @ values
            found = attended.transpose(1, 0, 2).reshape(b - a, -1)
            np.testing.assert_allclose(layer.attended[a:b], found, atol=2e-6)


def test_parts_add_up_to_the_hidden_states(model):
    batch, eps = random_batch(model.config), model.config.layer_norm_eps
    last, final = model.config.num_hidden_layers, model.weights.final_norm
    for layer in model.look(batch):
        first, second = layer.attention.norm, layer.ffn.norm
        attended, worked = layer.attention_added(), layer.ffn_added()
        if layer.is_pre:
            seen = normed(layer.entered, first, eps)
            middle = layer.entered + attended
            worked_on, left = normed(middle, second, eps), middle + worked
            left = normed(left, final, eps) if layer.number == last else left
        else:
            seen, middle = layer.entered, normed(layer.entered + attended, first, eps)
            worked_on, left = middle, normed(middle + worked, second, eps)
        for ours, expected in (
            (layer.attention_input, seen),
            (layer.middle(), middle),
            (layer.ffn_input, worked_on),
            (layer.left, left),
        ):
            np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_queries_keys_and_values_are_the_map_of_what_attention_works_on(model):
    batch, config = random_batch(model.config), model.config
    for layer in model.look(batch):
        qkv = layer.attention_input @ layer.attention.qkv.weight.T + layer.attention.qkv.bias
        for sequence, (a, b) in enumerate(zip(batch.offsets, batch.offsets[1:], strict=False)):
            parts = qkv[a:b].reshape(b - a, 3, 2, 4).transpose(1, 2, 0, 3)
            if config.position == "rope":
                cosines, sines = rotation_tables(b - a, config.head_size)
                x, y = parts[:2, ..., :2].copy(), parts[:2, ..., 2:].copy()
                parts = parts.astype(np.float64)
                parts[:2] = np.concatenate([x * cosines - y * sines, y * cosines + x * sines], -1)
            np.testing.assert_allclose(np.stack(layer.parts(sequence)), parts, atol=2e-5)


def test_a_bias_by_distance_is_part_of_the_scores():
    config = small_config(position="relative")
    model = Model(config, random_parameters(config, dtype=np.float32))
    layer = next(model.look(random_batch(config)))
    query, key, _ = layer.parts(2)
    plain = query @ key.transpose(0, 2, 1) / 2
    shift = layer.scores(2) - plain
    np.testing.assert_allclose(shift[:, 3, 1], shift[:, 6, 4], atol=1e-5)  # the same distance
    assert abs(shift[:, 1, 3] - shift[:, 3, 1]).min() > 1e-3
    assert attention_scores(layer.qkv[6:], 2, layer.biases[:, :0]) == pytest.approx(plain, abs=1e-6)


def test_what_was_seen_stays_when_the_workspace_goes_on(model):
    batch, workspace = random_batch(model.config), model.workspace(99, 9, 6, training=False)
    first, _ = model.look(batch, workspace)
    before = first.qkv.copy(), first.weights(2)
    model.hidden_states(random_batch(model.config, seed=4), [-1], workspace)
    np.testing.assert_array_equal(first.qkv, before[0])
    np.testing.assert_array_equal(first.weights(2), before[1])


def test_a_model_in_double_precision_is_looked_at_likewise():
    config = small_config()
    one, two = (Model(config, random_parameters(config, dtype=d)) for d in (np.float32, np.float64))
    batch = random_batch(config)
    for single, double in zip(one.look(batch), two.look(batch), strict=True):
        assert double.weights().dtype == np.float64
        np.testing.assert_allclose(single.weights(2), double.weights(2), atol=1e-5)
        np.testing.assert_allclose(single.ffn_added(), double.ffn_added(), atol=1e-5)
