"""Chapters on what goes in and comes out: places, vectors, guesses; by hand and of a model."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.inspection.chapter_cases import MODEL, TEXT, grids, real
from tests.unit.tasks.models import CONFIG, SPECIALS, small
from tokpipe.bert.config import POSITIONS
from tokpipe.bert.positions import distance_buckets, sine_table
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    contextual,
    inputs,
    mlm,
    nsp,
    position,
)
from tokpipe.inspection.readable import TokenForm
from tokpipe.tasks.attention import attention as look
from tokpipe.tasks.fill_mask import fill_masks
from tokpipe.tasks.nsp import judge_pairs


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


FORM = TokenForm(special_tokens=frozenset(SPECIALS), unk_token="[UNK]")


@pytest.mark.parametrize(
    ("texts", "who"),
    [
        (("the zzz", "the qqq"), "the"),
        (("the [MASK] sat", "the [MASK]"), "the"),
        (("zzz", "qqq"), "[UNK]"),
        (("a [MASK]", "the [MASK]"), "[MASK]"),
    ],
)
def test_a_word_goes_before_what_stands_for_any(texts, who):
    chosen = [choose("m", look(MODEL, text), Wanted(), contextual, FORM) for text in texts]
    assert f": {who} in 2" in contextual.real(chosen[0], MODEL, chosen[1]).title


@pytest.mark.parametrize("texts", [("the cat", "the dog"), ("cat sat", "cat sat", "a cat sat")])
def test_places_of_different_tokens_are_not_compared(texts):
    with pytest.raises(ConfigError, match=r"--token names (cat, dog|sat, cat)"):
        several(*texts, token="2")
    assert "sat" in several("a sat", "the sat", token="2").title


def test_a_word_is_one_before_and_several_behind_in_the_drawn_model():
    near = grids(contextual.toy())["cosines of two texts"].values
    np.testing.assert_allclose(near[:2], 1, atol=1e-12)
    assert near[2:].max() < 0.9999
