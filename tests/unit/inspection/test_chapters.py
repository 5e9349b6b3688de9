"""Chapters of `explain`: made-up numbers derived by hand, and those that a model computes."""

import json
import re
from dataclasses import replace
from importlib import import_module
from math import exp, log, sqrt

import numpy as np
import pytest
from rich.cells import cell_len

from tests.unit.inspection.printing import colored, shown
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.config import HIDDEN_ACTS, POSITIONS
from tokpipe.bert.positions import distance_buckets, sine_table
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    activations,
    add_norm,
    attention,
    contextual,
    depth,
    encoder,
    ffn,
    inputs,
    mlm,
    multi_head,
    nsp,
    position,
)
from tokpipe.inspection.chapters.chapter import Chapter, Curves, Grid, Step, chapter_json, softmax
from tokpipe.inspection.config import CHAPTERS
from tokpipe.inspection.model import work_of
from tokpipe.inspection.terminal.chapter import chapter_renderable
from tokpipe.tasks.attention import attention as look
from tokpipe.tasks.fill_mask import fill_masks
from tokpipe.tasks.nsp import judge_pairs

MODEL = small()
NORMS = {"post": MODEL, "pre": small(replace(CONFIG, norm_position="pre"))}
TEXT = "the cats sat on the mat"
TEXTS = {mlm: ("the [MASK] sat",), contextual: (TEXT, "a cat ran")}


def real(module, model=MODEL, **wanted):
    texts = TEXTS.get(module, (TEXT,))
    chosen = [choose("m", look(model, text), Wanted(**wanted), module) for text in texts]
    return module.real(chosen[0], model, *chosen[1:])


def grids(chapter):
    """Return the grids of a chapter by name."""
    return {one.name: one for step in chapter.steps for one in step.shown if isinstance(one, Grid)}


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("is_toy", [True, False], ids=["toy", "real"])
def test_a_chapter_is_drawn_in_any_terminal_and_written_whole(name, is_toy):
    module = import_module(CHAPTERS[name])
    chapter = module.toy() if is_toy else real(module)
    assert chapter.reference and len(chapter.steps) > 1 and bool(chapter.model) is not is_toy
    for width in (24, 40, 80, 120):
        for encoding in ("utf-8", "ascii"):
            printed = shown(chapter_renderable(chapter), width=width, encoding=encoding)
            longest = max(map(len, re.split(r"\s", printed)))  # a word is not broken
            assert max(map(cell_len, printed.splitlines())) <= max(width, longest + 4)
            assert encoding == "utf-8" or printed.isascii()
            assert "-0.000" not in printed and "nan" not in printed
    plain = shown(chapter_renderable(chapter))
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored(chapter_renderable(chapter))) == plain
    content = json.loads(json.dumps(chapter_json(chapter), allow_nan=False))
    assert [step["title"] for step in content["steps"]] == [step.title for step in chapter.steps]
    for number, step in enumerate(chapter.steps, 1):
        assert f"\n{number}. {step.title}\n" in plain and step.about


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


@pytest.mark.parametrize("norm", NORMS)
def test_the_feed_forward_part_of_a_model_is_what_it_computes(norm):
    model = NORMS[norm]
    found, layer = grids(real(ffn, model, layer=2, token="sat")), look(model, TEXT).layer(2)
    x = found["x"].values[0].astype(np.float64)
    weights = layer.ffn
    inside = weights.input.weight @ x + weights.input.bias
    np.testing.assert_allclose(found["h"].values[0], inside, atol=1e-5)
    bent = activations.values_and_slopes("gelu", inside)[0]
    np.testing.assert_allclose(found["a"].values[0], bent, atol=1e-5)
    added = weights.output.weight @ bent + weights.output.bias
    np.testing.assert_allclose(found["y"].values[0], added, atol=1e-5)
    total = found["sum"].values[0].astype(np.float64)
    if norm == "post":
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


@pytest.mark.parametrize("name", ["gelu", "relu", "tanh"])
def test_numbers_that_a_text_brings_to_an_activation(name):
    model = small(replace(CONFIG, hidden_act=name))
    chapter = real(activations, model)
    assert name in chapter.title
    rows = grids(chapter)["numbers before the activation"].values
    low, high = activations.level_ends(name)
    for row, layer in zip(rows, look(model, TEXT).layers, strict=True):
        inner = layer.inner
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


def test_order_is_lost_without_positions_and_kept_with_them():
    order = [0, 4, 2, 3, 1]
    far = {}
    for way in POSITIONS:
        first, second = position.drawn_states(way)
        far[way] = abs(first - second[order]).max()
    assert far["none"] < 1e-12
    assert min(value for way, value in far.items() if way != "none") > 0.05
    found = grids(position.toy())
    table = found["largest difference"]
    assert table.values[:, 0].tolist() == [far[way] for way in table.rows]
    vectors = found["vectors"].values
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-12)
    assert abs(vectors[0] - vectors[2]).max() > 0.1


def test_angles_and_buckets_of_positions():
    found = grids(position.toy())
    degrees = found["degrees by place and pair"].values
    # place 1 turns the first pair by 1, which is 57.2958 degrees, the second by a tenth of that;
    # place 7 by 401.07 degrees, a turn and 41.07
    assert degrees[1, :2].tolist() == pytest.approx([57.29578, 5.729578], abs=1e-5)
    assert degrees[7, 0] == pytest.approx(7 * 57.29578 - 360, abs=1e-4)
    buckets = found["which number, by distance"]
    assert dict(zip(buckets.columns, buckets.values[0], strict=True))["0"] == 0
    assert [buckets.values[0][i] for i in (3, 4, 5, 7)] == [3, 2, 1, 17]


@pytest.mark.parametrize("way", POSITIONS)
def test_a_model_without_its_positions_reads_backwards_alike(way):
    model = small(replace(CONFIG, position=way, position_offset=2 if "learned" in way else 0))
    if model.config.has_distances:
        bias = model.parameters.views["relative.weight"]
        bias[...] = np.random.default_rng(0).standard_normal(bias.shape)
    chapter = real(position, model)
    without, having = grids(chapter)["largest difference"].values.T
    assert without.max() < 1e-5
    assert (having.max() > 1e-3) == (way != "none")
    assert "the cat ##s sat on the mat\nmat the on sat ##s cat the" in chapter.steps[0].formula
    found = grids(chapter)
    if model.config.has_distances:
        learned = found["the learned number, by distance"]
        buckets = distance_buckets(40)[np.array([int(one) for one in learned.columns]) + 39]
        np.testing.assert_array_equal(learned.values, bias[buckets].T)
    own = {
        "learned": ("learned vectors", model.parameters.views.get("embeddings.position")),
        "learned-relative": ("learned vectors", model.parameters.views.get("embeddings.position")),
        "sinusoidal": ("16 places, 16 numbers", sine_table(16, 16)),
        "rope": ("degrees by place and pair", np.outer(range(8), 57.29578 * 10.0 ** -np.arange(4))),
    }
    if way in own:
        name, expected = own[way]
        assert expected is not None
        rows = expected[2:18] if "learned" in way else expected % 360 if way == "rope" else expected
        np.testing.assert_allclose(found[name].values, rows, atol=1e-3)


def test_signs_are_scaled_by_the_spread_and_explained():
    values = np.array([[1.0, -1.0, 0.05, 0.5, -100.0]])
    values = np.concatenate([values, np.ones((40, 5))])
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(Grid("g", values, as_signs=True),)),))
    lines = shown(chapter_renderable(chapter)).splitlines()
    row = next(line for line in lines if "▼" in line)
    assert row.strip() == "··" + "··▼" or row.strip().endswith("▼")
    assert "▲ far above 0   △ above 0   · near 0   ▽ below 0   ▼ far below 0" in "\n".join(lines)


def test_numbers_that_do_not_fit_are_left_out_with_a_mark():
    grid = Grid("g", np.arange(40.0)[None], columns=[f"c{i}" for i in range(40)])
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(grid,)),))
    printed = shown(chapter_renderable(chapter))
    assert "c0" in printed and "c39" not in printed and printed.count("…") == 2
    whole = shown(chapter_renderable(chapter), width=400)
    assert "c39" in whole and "…" not in whole
    content = chapter_json(chapter)["steps"][0]["shown"][0]
    assert content["values"] == [[float(i) for i in range(40)]] and content["shape"] == [1, 40]


def test_curves_are_written_with_their_points():
    curves = Curves("c", np.array([0.0, 1.0]), {"one": np.array([2.0, 3.0])})
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(curves,)),))
    content = chapter_json(chapter)["steps"][0]["shown"][0]
    assert content == {"name": "c", "x": [0.0, 1.0], "curves": {"one": [2.0, 3.0]}}


def test_softmax_of_large_scores():
    assert softmax(np.array([1000.0, 1000.0 + log(3)])).tolist() == pytest.approx([0.25, 0.75])


def test_steps_of_a_layer_add_up_to_its_parameters_and_operations():
    for shared in ("none", "all", "attention", "ffn"):
        config = replace(CONFIG, share_layers=shared)
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
    small_one = grids(real(depth))["parameters and operations in millions"]
    assert small_one.rows[-1] == "this model, 4" and small_one.values[-1, 0] == 16


def test_token_segment_and_position_are_added_up_by_hand():
    # "run" is (2, 2, 0, 0); the second text adds (0, 5, 0, 0), place 5 adds (0.5, 0, 0, 0)
    found = grids(inputs.toy())
    assert found["sums"].values[5].tolist() == pytest.approx([2.5, 7, 0, 0])
    assert found["numbers"].values[5].tolist() == [5, 1, 5]
    twice = found["token vectors"].values[[3, 6]]
    assert twice[0].tolist() == twice[1].tolist()


@pytest.mark.parametrize("way", POSITIONS)
def test_what_enters_a_model_is_the_sum_normed(way):
    model = small(replace(CONFIG, position=way))
    seen = look(model, "the cat sat", "it ran")
    found = grids(inputs.real(choose("m", seen, Wanted(), inputs), model))
    assert found["numbers"].values[:, 1].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert ("position vectors" in found) == (model.config.has_places or way == "sinusoidal")
    total = found["sums"].values.astype(np.float64)
    spread = np.sqrt(total.var(1, keepdims=True) + model.config.layer_norm_eps)
    norm = model.model.weights.embeddings.norm
    normed = (total - total.mean(1, keepdims=True)) / spread * norm.weight + norm.bias
    np.testing.assert_allclose(found["input"].values, normed, atol=1e-5)


def test_an_embedding_that_is_widened_is_told():
    model = small(replace(CONFIG, embedding_size=8))
    told = inputs.real(choose("m", look(model, TEXT), Wanted(), inputs), model)
    assert "widened from 8 numbers to 16" in told.steps[-1].about


def test_the_cup_is_filled_by_hand():
    # v = (1, 0.5): coffee 2 + 0.5 + 1 = 3.5, tea 2 + 1 = 3, cake 1 + 1 = 2, aardvark -2 - 1 = -3,
    # zebra -2.5 - 1 = -3.5; e to them 33.1155, 20.0855, 7.3891, 0.0498, 0.0302, sum 60.6701
    found = grids(mlm.toy())
    highest = found["the highest"]
    assert list(highest.rows) == ["coffee", "tea", "cake", "aardvark", "zebra"]
    assert highest.values[:, 2].tolist() == [3.5, 3, 2, -3, -3.5]
    percent = found["the likeliest"].values[:, 0]
    expected = [54.5829, 33.1061, 12.1791, 0.0821, 0.0498]
    assert percent.tolist() == pytest.approx(expected, abs=1e-3)
    around = found["in the alphabet, around coffee"]
    assert list(around.rows) == sorted(around.rows)


def test_percentages_of_a_model_are_those_of_its_head():
    text = "the [MASK] sat on [MASK]"
    chosen = choose("m", look(MODEL, text), Wanted(), mlm)
    found = grids(mlm.real(chosen, MODEL))
    best = fill_masks(MODEL, [text], 8)[0][0]
    assert list(found["the likeliest"].rows) == [candidate.text for candidate in best]
    percent = found["the likeliest"].values[:, 0]
    assert percent.tolist() == pytest.approx([100 * one.score for one in best], rel=1e-5)
    asked = grids(mlm.real(replace(chosen, wanted=Wanted(around="mat")), MODEL))
    near = list(asked["in the alphabet, around mat"].rows)
    assert near == sorted(near) and near[4] == "mat" and len(near) == 9
    with pytest.raises(InputError, match="'horse' is no token of the vocabulary"):
        mlm.real(replace(chosen, wanted=Wanted(around="horse")), MODEL)
    with pytest.raises(InputError, match="the text has no mask"):
        mlm.real(choose("m", look(MODEL, "the cat"), Wanted(), mlm), MODEL)


def test_b_follows_a_by_hand():
    # W h = (1, -2); tanh 0.761594, -0.964028; logits 2 · 0.761594 + 0.964028 = 2.487216 and
    # -0.761594 - 0.964028 = -1.725622; their difference is 4.212838, and
    # 1 / (1 + e^-4.212838) = 0.985412
    found = grids(nsp.toy())
    assert found["logits"].values[0].tolist() == pytest.approx([2.487216, -1.725622], abs=1e-6)
    shares = found["probabilities"].values[0]
    assert shares.tolist() == pytest.approx([0.985412, 0.014588], abs=1e-6)


def test_pairs_are_judged_as_by_the_model():
    chosen = choose("m", look(MODEL, "the cat sat", "it ran"), Wanted(), nsp)
    follows = grids(nsp.real(chosen, MODEL))["probabilities"].values[0, 0]
    assert follows == pytest.approx(judge_pairs(MODEL, [("the cat sat", "it ran")])[0], abs=1e-6)


@pytest.mark.parametrize(("module", "said"), [(mlm, "fills masks"), (nsp, "judges pairs")])
def test_a_model_without_the_head_is_refused(module, said):
    bare = small(replace(CONFIG, mlm_head=False, nsp_head=False))
    with pytest.raises(ConfigError, match=said):
        module.real(choose("m", look(bare, TEXT), Wanted(), module), bare)


def several(*texts, model=MODEL, **wanted):
    chosen = [choose("m", look(model, text), Wanted(**wanted), contextual) for text in texts]
    return contextual.real(chosen[0], model, *chosen[1:])


def test_one_word_is_the_same_before_and_apart_behind():
    texts = ("the cat sat on the road", "a dog and a cat", "cat")
    found = grids(several(*texts, token="cat"))
    near = found["cosines of two texts"]
    assert list(near.columns) == ["1 and 2", "1 and 3", "2 and 3"]
    assert near.values[0].tolist() == pytest.approx([1, 1, 1])
    states = [MODEL.encode(text, layers=range(5)) for text in texts]
    places = (2, 5, 1)
    for stage in range(5):
        a, b, c = (
            s.layers[stage][p].astype(np.float64) for s, p in zip(states, places, strict=True)
        )
        for value, (one, two) in zip(near.values[stage + 1], ((a, b), (a, c), (b, c)), strict=True):
            expected = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
            assert value == pytest.approx(expected, abs=1e-5)
    square = found["cosines"].values
    assert square.tolist() == square.T.tolist() and np.diag(square).tolist() == [1, 1, 1]
    assert square[0, 1] == near.values[-1, 0]


def test_the_longest_word_that_all_texts_have_is_taken():
    assert "Contextual vectors: road in 2" in several("a road is the road", "the road").title
    with pytest.raises(ConfigError, match="no token is in all of the texts"):
        several("the cat", "a dog")
    with pytest.raises(ConfigError, match="one text compares with nothing"):
        several("the cat")


def test_a_word_is_one_before_and_several_behind_in_the_drawn_model():
    near = grids(contextual.toy())["cosines of two texts"].values
    np.testing.assert_allclose(near[:2], 1, atol=1e-12)
    assert near[2:].max() < 0.9999
