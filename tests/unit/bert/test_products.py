"""Models that multiply in bfloat16: near float32's gradients."""

import copy

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config, trained
from tokpipe.bert.config import BertConfig
from tokpipe.bert.kernels.bfloat16 import rounded, to_bfloat16, write_values
from tokpipe.bert.model import Model
from tokpipe.bert.products import kinds
from tokpipe.bert.products.kinds import IN_BFLOAT16, IN_FLOAT32, kind_for
from tokpipe.bert.products.maps import Linear
from tokpipe.bert.products.own import BFLOAT16_PAIRS, BFLOAT16_SINGLES
from tokpipe.bert.workspace import new_halves
from tokpipe.foundation.processors import has_pairs, multiplies

needs_bfloat16 = pytest.mark.skipif(
    not multiplies("bfloat16"), reason="this processor has no products in bfloat16"
)
VARIANTS = {
    "shared, projected": {"share_layers": "all", "embedding_size": 24, "num_hidden_layers": 3},
    "pre-norm, distances": {"norm_position": "pre", "position": "relative"},
    "rope": {"position": "rope"},
    "gated": {"ffn": "glu"},
}


def gradients(model, batch):
    found = model.parameters.zeros_like()
    workspace = model.workspace(len(batch.input_ids), len(batch), len(batch.masked_ids))
    losses = model.loss_and_gradients(batch, found, workspace, dropout_key=3)
    return losses.total, found.block.astype(np.float64)


def assert_near(config, parameters, batch):
    """Both within 1 %: the length of the gradient, and its direction."""
    loss, exact = gradients(Model(config, parameters, kind=IN_FLOAT32), batch)
    near, found = gradients(Model(config, parameters, kind=IN_BFLOAT16), batch)
    assert near == pytest.approx(loss, rel=1e-3)
    lengths = [np.linalg.norm(each) for each in (exact, found)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.01)
    assert np.linalg.norm(exact / lengths[0] - found / lengths[1]) < 0.01
    assert (exact != found).any()  # it did multiply in bfloat16


@needs_bfloat16
@pytest.mark.parametrize("preset", ["tiny", "mini", pytest.param("base", marks=pytest.mark.slow)])
def test_gradients_are_those_of_float32_within_a_hundredth(preset):
    config = BertConfig.preset(preset, vocab_size=3000, max_position_embeddings=128)
    batch = random_batch(config, (128, 31, 90, 1, 64), masks=47)
    assert_near(config, trained(config), batch)


@needs_bfloat16
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_have_the_same_gradients(variant):
    shape = {"vocab_size": 70, "hidden_size": 48, "intermediate_size": 90, **VARIANTS[variant]}
    config = small_config(max_position_embeddings=64, **shape)
    batch = random_batch(config, (40, 17, 5), masks=25)
    assert_near(config, random_parameters(config, 0, np.float32, 0.1), batch)


@needs_bfloat16
@pytest.mark.parametrize("shape", [{}, {"ffn": "glu"}, {"intermediate_size": 91}])
def test_what_is_written_rounded_has_the_bits_of_what_is_rounded_later(shape):
    config = small_config(**({"hidden_size": 48, "intermediate_size": 90} | shape))
    batch, parameters = (
        random_batch(config, (14, 9, 5), masks=25),
        random_parameters(config, 0, "f4"),
    )
    late = IN_BFLOAT16._replace(takes_halves=False)
    found, expected = (
        gradients(Model(config, parameters, kind=kind), batch) for kind in (IN_BFLOAT16, late)
    )
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_an_inner_activation_in_bfloat16_takes_half_the_memory():
    config, both = wide(), (IN_BFLOAT16, IN_FLOAT32)
    parameters = random_parameters(config, 0, np.float32)
    halves, whole = (
        Model(config, parameters, kind=kind).workspace(9, 3).scratch.inner for kind in both
    )
    assert (halves.dtype, whole.dtype) == (np.uint16, np.float32)
    assert 2 * (halves.nbytes - 64 * len(halves)) == whole.nbytes  # each row has a line of slack
    exact = Model(config, random_parameters(config), kind=IN_BFLOAT16).workspace(9, 3)
    assert exact.scratch.inner.dtype == np.float64


@needs_bfloat16
@pytest.mark.parametrize("rows", [1, 15, 16, 40])
def test_a_map_of_few_rows_or_short_sides_takes_bfloat16(rows):
    rng = np.random.default_rng(0)
    for into, out in ((33, 40), (15, 40), (40, 3)):
        weight = rng.standard_normal((out, into)).astype(np.float32)
        linear = Linear(weight, np.ones(out, np.float32), IN_BFLOAT16.for_weight(weight))
        x = rounded(rng.standard_normal((rows, into)))
        halves = new_halves(rows, into)
        halves[:, :into] = to_bfloat16(x)
        found, expected = np.empty((2, rows, out), np.float32)
        linear.products.forward(halves, linear, found)
        linear.products.forward(x, linear, expected)
        np.testing.assert_array_equal(found, expected)
        of_halves, of_floats = (linear._replace(weight=np.ones_like(weight)) for _ in range(2))
        linear.products.weight_gradient(halves, expected, of_halves)
        linear.products.weight_gradient(x, expected, of_floats)
        np.testing.assert_array_equal(of_halves.weight, of_floats.weight)


@needs_bfloat16
@pytest.mark.parametrize("rows", [1, 15, 16, 40])
def test_a_gradient_in_the_memory_of_a_result_is_multiplied_as_bfloat16(rows):
    rng = np.random.default_rng(0)
    for into, out in ((33, 40), (33, 41), (15, 40), (40, 3)):
        weight, x = rng.standard_normal((out, into)), rng.standard_normal((rows, into))
        weight, x = weight.astype(np.float32), x.astype(np.float32)
        linear = Linear(weight, np.ones(out, np.float32), IN_BFLOAT16.for_weight(weight))
        gradient = rounded(rng.standard_normal((rows, out)))
        kept = linear.products.gradient_in(np.full((rows, out), np.nan, np.float32))
        write_values(gradient, kept)
        whole = linear._replace(weight=np.ones_like(weight))
        other = linear._replace(weight=np.ones_like(weight))
        linear.products.weight_gradient(x, kept, whole)
        linear.products.weight_gradient(x, gradient, other)
        np.testing.assert_array_equal(whole.weight, other.weight)
        found, expected = np.empty((2, rows, into), np.float32)
        linear.products.input_gradient(kept, linear, found, False)
        linear.products.input_gradient(gradient, linear, expected, False)
        np.testing.assert_array_equal(found, expected)


def wide(**more):
    return small_config(hidden_size=32, intermediate_size=64, vocab_size=40, **more)


@needs_bfloat16
def test_products_follow_the_weights():
    config, batch = wide(), random_batch(wide(), (9, 8, 12), masks=16)
    model = Model(config, random_parameters(config, 0, np.float32), kind=IN_BFLOAT16)
    before = gradients(model, batch)
    model.parameters.block *= np.float32(0.5)
    after = gradients(model, batch)
    fresh = Model(config, copy.deepcopy(model.parameters), kind=IN_BFLOAT16)
    expected = gradients(fresh, batch)
    assert after[0] == expected[0] != before[0]
    np.testing.assert_array_equal(after[1], expected[1])


@needs_bfloat16
@pytest.mark.skipif(not has_pairs(), reason="this processor does not multiply pairs")
@pytest.mark.parametrize("variant", ["rope", "gated", "pre-norm, distances"])
def test_pairs_and_singles_make_the_same_bits(monkeypatch, variant):
    config = wide(max_position_embeddings=64, **VARIANTS[variant])
    batch, parameters = random_batch(config, (40, 33, 12), masks=26), trained(config)
    found = []
    for pays in (True, False):
        monkeypatch.setattr(kinds, "pairs_pay", lambda pays=pays: pays)
        model = Model(config, parameters, kind=IN_BFLOAT16)
        assert model.weights.layers[0][1].input.products is (
            BFLOAT16_PAIRS if pays else BFLOAT16_SINGLES
        )
        found.append(gradients(model, batch))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


@needs_bfloat16
def test_double_precision_is_left_to_numpy():
    config, batch = wide(), random_batch(wide(), (9, 8, 12), masks=16)
    parameters = random_parameters(config)
    found, expected = (
        gradients(Model(config, parameters, kind=kind), batch) for kind in (IN_BFLOAT16, IN_FLOAT32)
    )
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_float32_is_what_a_model_multiplies_in():
    config = wide()
    model = Model(config, random_parameters(config, 0, np.float32))
    assert model.kind is kind_for("float32") is IN_FLOAT32
