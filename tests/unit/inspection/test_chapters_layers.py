"""Chapters on what a layer does: numbers derived by hand, and those that a model computes."""

import itertools
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest

from tests.unit.inspection.chapter_cases import MODEL, NORMS, TEXT, grids, real
from tests.unit.inspection.printing import shown
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.config import FFNS, HIDDEN_ACTS, POSITIONS
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    activations,
    add_norm,
    attention,
    depth,
    encoder,
    ffn,
    multi_head,
)
from tokpipe.inspection.model import work_of
from tokpipe.inspection.terminal.chapter import chapter_renderable
from tokpipe.tasks.attention import attention as look


def test_the_cat_ran_gives_cat():
    # q = (2, 0, 0, 0), key of cat (2.08, 0, 0, 0): 4.16; of the others 0. Divided by √4: 2.08, and
    # e^2.08 = 8.00447, so the shares are 1 / 10.00447 = 0.099955, 8.00447 / 10.00447 = 0.800089,
    # 0.099955. The values are 1 at places 1, 2, 3, so the output has the shares there.
    found = grids(attention.toy())
    products = found["products, and their sum"].values
    assert products.tolist() == [[0] * 5, [4.16, 4.16, 0, 0, 0], [0] * 5]
    assert found["scores"].values.tolist() == [[0, 0], [4.16, 2.08], [0, 0]]
    weights = found["from scores to weights"].values[:, 2]
    np.testing.assert_allclose(weights, [0.099955, 0.800089, 0.099955], atol=1e-6)
    np.testing.assert_allclose(found["their sum, the output"].values[0], [*weights, 0])
    printed = shown(chapter_renderable(attention.toy()))
    assert "ran  0.000  0.125  0.100" in printed and "cat  2.080  1.000  0.800" in printed
    assert "ran looks at cat most: 0.800" in printed
    assert "nearest to it is the value of cat" in printed


@pytest.mark.parametrize("way", POSITIONS)
def test_attention_of_a_model_is_what_it_computes(way):
    model = small(replace(CONFIG, position=way))
    if model.config.has_distances:
        bias = model.parameters.views["relative.weight"]
        bias[...] = np.random.default_rng(0).standard_normal(bias.shape)
    seen = look(model, TEXT)
    layer = seen.layer(2)
    found = grids(real(attention, model, layer=2, head="2", token="sat"))
    np.testing.assert_allclose(found["scores"].values[:, -1], layer.scores()[1, 4], atol=1e-5)
    assert ("bias" in found["scores"].columns) == model.config.has_distances
    weights = found["from scores to weights"].values[:, 2]
    np.testing.assert_allclose(weights, layer.weights()[1, 4], atol=1e-6)
    np.testing.assert_allclose(
        found["their sum, the output"].values[0], layer.attended[4, 8:], atol=1e-6
    )


def test_two_bits_are_equal_or_not():
    # W all 1, b1 (0, -1): (0, 0) gives (0, -1), bent (0, 0), so y = -0 + 2 · 0 + 1 = 1. One bit
    # set: (1, 0), so y = -1 + 0 + 1 = 0. Both: (2, 1), so y = -2 + 2 + 1 = 1. Without g (0, 0)
    # gives -0 - 2 + 1 = -1.
    found = grids(ffn.toy())
    table = found["from the inside to y"].values
    assert table.tolist() == [[0, -1, 0, 0, 1], [1, 0, 1, 0, 0], [1, 0, 1, 0, 0], [2, 1, 2, 1, 1]]
    assert found["y with g, and without"].values[:, 1].tolist() == [-1, 0, 0, 1]
    straight = found["y with g, and without"].values[:, 1]
    assert straight[1] - straight[0] == straight[3] - straight[2]  # the same amount with each bit


@pytest.mark.parametrize("norm", [*NORMS, "post, gated"])
def test_the_feed_forward_part_of_a_model_is_what_it_computes(norm):
    gated = norm not in NORMS
    model = small(replace(CONFIG, ffn="glu")) if gated else NORMS[norm]
    found, layer = grids(real(ffn, model, layer=2, token="sat")), look(model, TEXT).layer(2)
    x = found["x"].values[0].astype(np.float64)
    weights = layer.ffn
    inside = weights.input.weight @ x + weights.input.bias
    if gated:
        inside, values = np.split(inside, 2)
        np.testing.assert_allclose(found["v"].values[0], values, atol=1e-5)
    np.testing.assert_allclose(found["h"].values[0], inside, atol=1e-5)
    bent = activations.values_and_slopes("gelu", inside)[0] * (values if gated else 1)
    np.testing.assert_allclose(found["a"].values[0], bent, atol=1e-5)
    added = weights.output.weight @ bent + weights.output.bias
    np.testing.assert_allclose(found["y"].values[0], added, atol=1e-5)
    total = found["sum"].values[0].astype(np.float64)
    if norm != "pre":
        eps = model.config.layer_norm_eps
        total = (total - total.mean()) / sqrt(total.var() + eps) * weights.norm.weight
        total = total + weights.norm.bias
    np.testing.assert_allclose(layer.left[4], total, atol=1e-5)
    farthest = found["the units that are farthest from 0"]
    assert abs(farthest.values[0, 1]) == pytest.approx(abs(bent).max(), abs=1e-5)


def test_every_activation_has_a_formula_with_its_values():
    assert {*activations.FORMULAS} == {*HIDDEN_ACTS}
    by_hand = {
        "sigmoid": lambda x: 1 / (1 + exp(-x)),
        "tanh": lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)),
        "relu": lambda x: max(x, 0),
        "elu": lambda x: x if x > 0 else exp(x) - 1,
        "silu": lambda x: x / (1 + exp(-x)),
    }
    found = grids(activations.toy())
    for name, row in zip(found["values"].rows, found["values"].values, strict=True):
        if name in by_hand:
            expected = [by_hand[name](float(x)) for x in found["values"].columns]
            assert row.tolist() == pytest.approx(expected)
    # GELU at 1: 1 times 0.841345, the share of a normal distribution below 1
    assert found["values"].values[list(found["values"].rows).index("gelu"), 6] == pytest.approx(
        0.841345, abs=1e-6
    )


def test_slopes_are_how_values_change():
    x, step = np.array([-3.0, -0.7, 0.4, 2.0]), 1e-6
    for name in HIDDEN_ACTS:
        above, below = (activations.values_and_slopes(name, x + s)[0] for s in (step, -step))
        slopes = activations.values_and_slopes(name, x)[1]
        np.testing.assert_allclose((above - below) / (2 * step), slopes, atol=1e-7)


def test_where_activations_level_off():
    # sigmoid: s (1 - s) = 0.01 at s = 0.5 - √0.24 = 0.010102, so x = log(s / (1 - s)) = -4.5848;
    # tanh: 1 - t² = 0.01 at t = √0.99, so x = ±2.9932; ELU: e^x = 0.01 at x = -4.6052
    s = 0.5 - sqrt(0.24)
    end = log(s / (1 - s))
    assert activations.level_ends("sigmoid") == pytest.approx((end, -end), abs=0.011)
    assert activations.level_ends("tanh") == pytest.approx((-2.9932, 2.9932), abs=0.011)
    low, high = activations.level_ends("elu")
    assert low == pytest.approx(log(0.01), abs=0.011) and np.isnan(high)
    assert activations.level_ends("relu")[0] == pytest.approx(0, abs=1e-9)


def test_outputs_are_numbers_or_probabilities():
    # e² = 7.38906: 1 / (1 + e^-2) = 0.880797; e² + e + 1 = 11.10734, 7.38906 of which is 0.66524
    found = grids(activations.toy())
    assert found["z = 2, linear"].values.tolist() == [[2]]
    assert found["z = 2, probability of yes"].values[0, 0] == pytest.approx(0.880797, abs=1e-6)
    shares = found["z = (2, 1, 0), of three classes"].values[0]
    assert shares.tolist() == pytest.approx([0.665241, 0.244728, 0.090031], abs=1e-6)


@pytest.mark.parametrize("inside", FFNS)
@pytest.mark.parametrize("name", ["gelu", "relu", "tanh"])
def test_numbers_that_a_text_brings_to_an_activation(name, inside):
    model = small(replace(CONFIG, hidden_act=name, ffn=inside))
    chapter = real(activations, model)
    assert name in chapter.title
    rows = grids(chapter)["numbers before the activation"].values
    low, high = activations.level_ends(name)
    for row, layer in zip(rows, look(model, TEXT).layers, strict=True):
        inner = layer.inner[:, : model.config.inner_size]
        level = sum(not x >= low or x > high for x in inner.ravel()) if low == low else 0
        expected = [inner.min(), inner.max(), (inner > 0).mean(), level / inner.size]
        assert row.tolist() == pytest.approx(expected, abs=1e-6)


def test_a_sum_of_four_is_normed_by_hand():
    # (2, 1, 4, 3): mean 2.5, squares of distances 0.25, 2.25, 2.25, 0.25, so the spread is
    # √1.25 = 1.118034 and 0.5 / 1.118034 = 0.447214, 1.5 / 1.118034 = 1.341641
    found = grids(add_norm.toy())
    assert found["their sum"].values.tolist() == [[2, 1, 4, 3]]
    assert found["mean, spread"].values[0].tolist() == pytest.approx([2.5, 1.118034], abs=1e-6)
    small_one, large = 0.447214, 1.341641
    n = [-small_one, -large, large, small_one]
    assert found["n"].values[0].tolist() == pytest.approx(n, abs=1e-6)
    out = [-2 * small_one, -large, large, small_one + 1]
    assert found["out"].values[0].tolist() == pytest.approx(out, abs=1e-6)
    # (1, 2, 3, 4) with ∓1, ∓1, ±1, ±1 is (0, 1, 4, 5): spread √4.25 = 2.061553
    name = "spread of x, where each part moves every number away from the mean by 1"
    assert found[name].values[1].tolist() == pytest.approx([1, 2.061553], abs=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_what_layers_add_is_what_the_model_adds(norm):
    model = NORMS[norm]
    seen, found = look(model, TEXT), grids(real(add_norm, model, token="sat"))
    for row, means, spreads, layer in zip(
        *(found[name].values for name in ("lengths, and direction", "means", "spreads")),
        seen.layers,
        strict=True,
    ):
        lengths = [layer.entered[4], layer.attention_added()[4], layer.ffn_added()[4]]
        assert row[:3].tolist() == pytest.approx([np.linalg.norm(one) for one in lengths], 1e-5)
        assert -1 <= row[3] <= 1
        assert means[0] == pytest.approx(layer.entered[4].mean(), abs=1e-6)
        assert spreads[-1] == pytest.approx(layer.left[4].std(), abs=1e-5)
        total = layer.entered[4] + layer.attention_added()[4]
        assert spreads[1] == pytest.approx(total.std(), abs=1e-5)
        same = spreads[1] == pytest.approx(spreads[2], abs=1e-6)
        assert same == (norm == "pre")  # nothing happens between sum and part there
    one = real(add_norm, model, token="sat", layer=3)
    assert grids(one)["lengths, and direction"].rows == ["layer 3"]


def test_two_heads_on_three_words_by_hand():
    # Head 1 sees (1, 0), (0, 2), (1, 1): products with the last 1, 2, 2, divided by √2 0.7071,
    # 1.4142, 1.4142; e to them 2.02811, 4.11325, 4.11325, sum 10.25461: shares 0.197776, 0.401112,
    # 0.401112, so its output is (0.598888, 1.203336).
    found = grids(multi_head.toy())
    weights = found["weights of ran"].values
    assert weights[0].tolist() == pytest.approx([0.197776, 0.401112, 0.401112], abs=2e-6)
    # Head 2 sees (0, 1), (1, 0), (0, 2): products 2, 0, 4; e to 1.41421, 0, 2.82843 is 4.11325, 1,
    # 16.91880, sum 22.03205: 0.186694, 0.045388, 0.767917, output (0.045388, 1.722528).
    assert weights[1].tolist() == pytest.approx([0.186694, 0.045388, 0.767917], abs=2e-6)
    together = found["ran, all heads"].values[0]
    assert together.tolist() == pytest.approx([0.598888, 1.203336, 0.045388, 1.722528], abs=4e-6)
    # the output's first number is the first of head 1 and of head 2 together, its third the
    # difference; likewise the second and the fourth
    a, b, c, d = together
    assert found["output for ran"].values[0].tolist() == pytest.approx([a + c, b + d, a - c, b - d])
    # without head 1: (c, d, -c, -d) stays, √2 times the length of (a, b) is missing
    missing, direction = found["without one head"].values[0]
    assert missing == pytest.approx(sqrt(2 * (a * a + b * b)))
    whole = sqrt(2 * (a * a + b * b + c * c + d * d))
    assert direction == pytest.approx(sqrt(2 * (c * c + d * d)) / whole)


@pytest.mark.parametrize("norm", NORMS)
def test_heads_of_a_model_add_up_to_what_attention_adds(norm):
    model = NORMS[norm]
    layer = look(model, TEXT).layer(2)
    chapter = real(multi_head, model, layer=2, token="sat")
    found = grids(chapter)
    name = next(name for name in found if name.startswith("output for"))
    np.testing.assert_allclose(found[name].values[0], layer.attention_added()[4], atol=1e-6)
    weights = next(grid for name, grid in found.items() if name.startswith("weights of"))
    np.testing.assert_allclose(weights.values, layer.weights()[:, 4], atol=1e-6)
    output = layer.attention.output
    for head, (missing, _) in enumerate(found["without one head"].values):
        columns = slice(8 * head, 8 * head + 8)
        part = output.weight[:, columns] @ layer.attended[4, columns]
        assert missing == pytest.approx(np.linalg.norm(part), rel=1e-5)


def test_steps_of_a_layer_add_up_to_its_parameters_and_operations():
    for shared, inside in itertools.product(("none", "all", "attention", "ffn"), FFNS):
        config = replace(CONFIG, share_layers=shared, ffn=inside)
        views = small(config).parameters.views
        stored = sum(view.size for name, view in views.items() if name.startswith("layers."))
        chapter = encoder.real(
            choose("m", look(small(config), TEXT), Wanted(), encoder), small(config)
        )
        layer, stack = (step.shown[0].values for step in chapter.steps[:2])
        assert layer[-1].tolist() == pytest.approx(layer[:-1].sum(0).tolist())
        assert stack[0, 0] == pytest.approx(stored / 1e6)
        count = len(look(MODEL, TEXT))
        assert stack[0, 1] == pytest.approx(count * work_of(config, count).encoder / 1e6)


def test_bert_base_by_hand():
    # a layer of 768: 4 · 768² + 4 · 768 in attention, 8 · 768² + 5 · 768 in the feed-forward part,
    # 4 · 768 in two norms: 12 · 589,824 + 13 · 768 = 7,087,872
    chapter = encoder.toy()
    assert chapter.steps[0].shown[0].values[-1, 0] == pytest.approx(7.087872)
    assert chapter.steps[1].shown[0].values[0, 0] == pytest.approx(12 * 7.087872)
    seen, written = (grid.values for grid in chapter.steps[2].shown)
    assert seen.all() and written.tolist() == np.tril(np.ones((5, 5))).tolist()
    printed = shown(chapter_renderable(chapter))
    assert "hit  ▲▲▲··" in printed and "above 0" not in printed


def test_shapes_of_one_size_have_about_as_many_parameters():
    rows = depth.toy().steps[1].shown[0]
    found = dict(zip(rows.rows, rows.values, strict=True))
    assert found["BERT-base, 12"].tolist() == found["12 layers"].tolist()
    # 12 · 768² · 12 = 84.93 million; with one layer 768 · √12 = 2660, to whole heads of 64: 2688
    assert found["1 layer"][0] == 2688 and found["12 layers"][0] == 768
    for name, (width, heads, parameters, _, in_a_row) in found.items():
        layers = int(name.split()[-1] if "BERT" in name else name.split()[0])
        assert width == 64 * heads and in_a_row == 4 * layers
        assert parameters == pytest.approx(84.93, rel=0.13)


@pytest.mark.parametrize("shared", ["none", "all", "attention", "ffn"])
def test_shapes_beside_a_small_model_have_its_size_and_not_that_of_another(shared):
    model = small(replace(CONFIG, share_layers=shared))
    found = grids(real(depth, model))["parameters and operations in thousands"]
    stored = sum(v.size for n, v in model.parameters.views.items() if n.startswith("layers."))
    *others, own = found.values
    assert found.rows[-1] == f"this model, 4{'' if shared == 'none' else ' shared'}"
    assert own[0] == 16 and own[2] == pytest.approx(stored / 1000)
    assert others and all(1 / 1.5 <= other[2] / own[2] <= 1.5 for other in others)
    assert all(width == 8 * heads for width, heads, *_ in found.values)
