"""Views of attention: what is chosen, and that what is drawn is what was computed."""

import re
from importlib import import_module

import numpy as np
import pytest

from tests.unit.inspection.printing import colored, shown
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.config import POSITIONS, BertConfig
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.inspection.attention import KIND_NAMES, Wanted, choose, place_of
from tokpipe.inspection.config import ATTENTION_VIEWS
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal import attention_head, attention_model, attention_neuron
from tokpipe.inspection.terminal.attention_corpus import corpus_json, corpus_renderable
from tokpipe.inspection.terminal.attention_model import KIND_COLORS
from tokpipe.inspection.terminal.marks import ASCII, UNICODE
from tokpipe.tasks.attention import attention
from tokpipe.tasks.attention_corpus import corpus_attention
from tokpipe.tasks.attention_measures import KINDS, MEASURES

FORM = TokenForm(prefix="##", special_tokens=frozenset({"[CLS]", "[SEP]"}))
SEEN = attention(small(), "the cats sat on the mat")
PAIR = attention(small(), "the cat sat", "it ran")


def chosen(view, seen=SEEN, **wanted):
    return choose("out/run", seen, Wanted(**wanted), view, FORM)


@pytest.mark.parametrize("name", ATTENTION_VIEWS)
def test_a_view_says_what_it_takes_and_draws_itself(name):
    view = import_module(ATTENTION_VIEWS[name])
    assert {*view.TAKES} <= {"token", "numbers"} and {*view.HEADS} <= {"mean", "all"}
    found = chosen(view)
    assert len(found.layers) == (4 if view.ALL_LAYERS else 1)
    for width in (20, 40, 80, 120):
        for encoding in ("utf-8", "ascii"):
            printed = shown(view.renderable(found), width=width, encoding=encoding)
            assert max(map(len, printed.splitlines())) <= width
            assert encoding == "utf-8" or printed.isascii()
    plain = shown(view.renderable(found))
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored(view.renderable(found))) == plain
    content = view.content(found)
    assert content["model"] == "out/run" and content["cut"] is False
    assert [token["token"] for token in content["tokens"]] == list(SEEN.tokens)


@pytest.mark.parametrize(
    ("view", "wanted", "said"),
    [
        (attention_head, {"layer": 9}, "layer 9: the model has 1 to 4, or -1 for the last"),
        (attention_head, {"layer": 0}, "layer 0: the model has 1 to 4"),
        (attention_head, {"head": "3"}, "--head 3: this view takes 1 to 2, or mean or all"),
        (attention_head, {"head": "0"}, "--head 0: this view takes 1 to 2"),
        (attention_head, {"head": "x"}, "--head x: this view takes 1 to 2"),
        (attention_neuron, {"head": "mean"}, "--head mean: this view takes 1 to 2$"),
        (attention_model, {"head": "mean"}, "--head mean: this view takes 1 to 2, or all"),
        (attention_model, {"token": "cat"}, "--token says nothing in this view"),
        (attention_head, {"numbers": True}, "--numbers says nothing in this view"),
        (attention_head, {"from_": "b"}, "--from b: there is no second text"),
        (attention_head, {"to": "b"}, "--to b: there is no second text"),
    ],
)
def test_what_there_is_not_is_named_with_what_is_allowed(view, wanted, said):
    with pytest.raises(ConfigError, match=said):
        chosen(view, **wanted)


def test_a_token_of_the_other_text_does_not_look():
    with pytest.raises(ConfigError, match="--token cat: place 2 is not in text b"):
        chosen(attention_head, PAIR, token="cat", from_="b")


@pytest.mark.parametrize(
    ("token", "place"), [("2", 2), ("[CLS]", 0), ("##s", 3), ("s", 3), ("cats", 2), ("mat", 7)]
)
def test_tokens_are_found_by_place_text_and_word(token, place):
    assert place_of(SEEN, token, FORM) == place


@pytest.mark.parametrize("token", ["dog", "99", "", "catsx", "-1", "²"])
def test_tokens_that_are_not_there(token):
    with pytest.raises(InputError, match="no token of the text is") as caught:
        place_of(SEEN, token, FORM)
    assert "0 [CLS], 1 the, 2 cat, 3 ##s" in caught.value.hint


def test_a_token_at_several_places_has_to_be_told_apart():
    with pytest.raises(InputError, match="'the' is at the places 1, 6") as caught:
        place_of(SEEN, "the", FORM)
    assert caught.value.hint == "Name one of them: --token 1."


@pytest.mark.parametrize("head", ["1", "2", "mean"])
def test_bars_have_the_weights_of_the_model(head):
    found = chosen(attention_head, layer=2, head=head, token="mat")
    weights = SEEN.layer(2).weights()
    expected = weights.mean(0)[7] if head == "mean" else weights[int(head) - 1, 7]
    lines = shown(attention_head.renderable(found)).splitlines()
    figures = [float(line.split(" %")[0].split()[-1]) for line in lines[2:]]
    np.testing.assert_allclose(figures, 100 * expected, atol=0.00501)
    assert [line.split()[1] for line in lines[2:]] == list(SEEN.tokens)
    longest = max(range(2, len(lines)), key=lambda i: lines[i].count("█"))
    assert longest - 2 == expected.argmax() and lines[longest].count("█") == 40
    (looks,) = attention_head.content(found)["looks"]
    assert looks["place"] == 7 and looks["weights"] == pytest.approx(expected, abs=1e-9)


def test_all_heads_are_columns_with_their_mean():
    found = chosen(attention_head, layer=1, head="all", token="2")
    weights = SEEN.layer(1).weights()[:, 2]
    lines = shown(attention_head.renderable(found), encoding="ascii").splitlines()
    assert lines[2].split() == ["mean", "1", "2"]
    for place, line in enumerate(lines[3:-1]):
        *_, mean, _, first, second = line.split()
        assert float(mean) == pytest.approx(100 * weights[:, place].mean(), abs=0.00501)
        for sign, weight in ((first, weights[0, place]), (second, weights[1, place])):
            tenths = 0 if sign == "." else int(sign)
            assert tenths == (np.ceil(weight * 9) if weight >= 0.01 else 0)
    content = attention_head.content(found)
    np.testing.assert_allclose(content["looks"][0]["weights"], weights, atol=1e-9)


def test_heads_that_do_not_fit_go_on_below():
    config = BertConfig.from_dict(
        CONFIG.to_dict() | {"hidden_size": 80, "num_attention_heads": 40, "num_hidden_layers": 1}
    )
    found = chosen(attention_head, attention(small(config), "the cat"), head="all", token="cat")
    heads = [line.split()[1:] for line in shown(attention_head.renderable(found)).splitlines()
             if line.split()[0] == "mean"]  # fmt: skip
    assert [int(number) for line in heads for number in line] == list(range(1, 41))
    assert len(heads) == 2


def test_all_tokens_name_whom_they_look_at_first():
    found = chosen(attention_head, layer=3, head="2")
    weights = SEEN.layer(3).weights()[1]
    lines = shown(attention_head.renderable(found)).splitlines()[1:]
    for row, line in zip(weights, lines, strict=True):
        best = SEEN.tokens[row.argmax()]
        assert line.split("→")[1].split()[:2] == [best, f"{100 * row.max():.1f}"]
    with pytest.raises(ConfigError, match="--head all shows one token"):
        shown(attention_head.renderable(chosen(attention_head, head="all")))


def test_one_text_of_a_pair_looks_at_the_other():
    found = chosen(attention_head, PAIR, from_="b", to="a", head="1", layer=2, token="it")
    weights = PAIR.layer(2).weights()[0]
    assert PAIR.tokens[5:] == ("it", "ran", "[SEP]")
    printed = shown(attention_head.renderable(found))
    assert f"{100 * weights[5, :5].sum():.2f} % of it goes to text a" in printed
    assert len(printed.splitlines()) == 8 and "ran" not in printed
    content = attention_head.content(chosen(attention_head, PAIR, from_="b", to="a", layer=2))
    assert [looks["place"] for looks in content["looks"]] == [5, 6, 7]
    assert content["looked_at"] == [0, 1, 2, 3, 4]
    under = shown(attention_model.renderable(chosen(attention_model, PAIR, from_="b", to="a")))
    assert f"1 to a {100 * weights[5:, :5].sum(1).mean():.0f}%" in under


@pytest.mark.parametrize(("marks", "dot"), [(UNICODE, "⠁"), (ASCII, ".")])
def test_a_map_has_a_dot_for_each_weight_that_is_large(marks, dot):
    weights = np.zeros((16, 16))
    weights[0, 0] = weights[5, 14] = 0.3
    lines = [line.plain for line in attention_model.map_lines(weights, 0.3, marks)]
    assert len(lines) == 4 and {len(line) for line in lines} == {8}
    blank = "\u2800" if marks is UNICODE else " "
    assert lines[0] == dot + blank * 7
    assert lines[1][7] == ("⠂" if marks is UNICODE else ".") and lines[1].count(blank) == 7
    assert set(lines[2] + lines[3]) == {blank}


def test_a_map_of_few_tokens_is_enlarged_and_of_many_pooled():
    few = [line.plain for line in attention_model.map_lines(np.eye(2), 0.5, UNICODE)]
    assert few == ["⣿⣿⣿⣿⠀⠀⠀⠀"] * 2 + ["⠀⠀⠀⠀⣿⣿⣿⣿"] * 2
    many = np.zeros((50, 50))
    many[:, 0] = 0.9
    lines = [line.plain for line in attention_model.map_lines(many, 0.1, UNICODE)]
    assert lines == ["⡇" + "⠀" * 7] * 4


def test_every_head_is_drawn_with_its_kind_and_the_kinds_are_explained():
    found = chosen(attention_model)
    printed, content = shown(attention_model.renderable(found)), attention_model.content(found)
    for layer in content["layers"]:
        assert f"Layer {layer['layer']}" in printed
        for head in layer["heads"]:
            name, about = KIND_NAMES[head["kind"]]
            assert re.search(rf"\b{head['head']} {name}\b", printed)
            assert f"{name}: {about}" in re.sub(r"\s+", " ", printed)
            assert set(MEASURES) < set(head) and head["share_shown"] == pytest.approx(1)
    assert {*KIND_NAMES} == {*KIND_COLORS} == {*KINDS}
    one = shown(attention_model.renderable(chosen(attention_model, layer=2, head="2")))
    assert "Layer 1" not in one and "\n2 " in one and "\n1 " not in one


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("head", ["1", "2"])
def test_products_add_up_to_the_scores_and_weights_of_the_model(position, head):
    model = small(BertConfig.from_dict(CONFIG.to_dict() | {"position": position}))
    for name, view in model.parameters.views.items():
        if name == "relative.weight":
            view[...] = np.random.default_rng(0).standard_normal(view.shape)
    seen = attention(model, "the cats sat on the mat")
    content = attention_neuron.content(
        chosen(attention_neuron, seen, layer=3, head=head, token="sat")
    )
    scores = seen.layer(3).scores()[int(head) - 1, 4]
    weights = seen.layer(3).weights()[int(head) - 1, 4]
    assert content["place"] == 4 and len(content["query"]) == 8
    for key, score, weight in zip(content["keys"], scores, weights, strict=True):
        products = np.array(content["query"]) * key["key"]
        np.testing.assert_allclose(key["products"], products, atol=1e-7)
        assert key["sum"] == pytest.approx(sum(key["products"]), abs=1e-7)
        assert key["score"] == pytest.approx(key["sum"] / 8**0.5 + key["bias"], abs=1e-7)
        assert key["score"] == pytest.approx(score, abs=1e-6)
        assert key["weight"] == pytest.approx(weight, abs=1e-9)
        assert (key["bias"] == 0) == (not model.config.has_distances)
    total = sum(np.exp([key["score"] for key in content["keys"]]))
    for key in content["keys"]:
        assert key["weight"] == pytest.approx(np.exp(key["score"]) / total, abs=1e-6)


def test_printed_numbers_add_up_on_screen():
    printed = shown(attention_neuron.renderable(chosen(attention_neuron, numbers=True, token="5")))
    query, *keys = printed.split("\nkey k of")
    q = [float(x) for x in re.findall(r"-?\d+\.\d{4}", query)]
    assert len(keys) == len(SEEN) and len(q) == 8
    together = 0.0
    for text in keys:
        values = [float(x) for x in re.findall(r"-?\d+\.\d{4,6}", text)]
        k, products, (total, score, weight, so_far) = values[:8], values[8:16], values[16:]
        np.testing.assert_allclose(np.multiply(q, k), products, atol=2e-4)
        assert sum(products) == pytest.approx(total, abs=5e-4)
        assert total / 8**0.5 == pytest.approx(score, abs=1e-4)
        together += weight
        assert so_far == pytest.approx(together, abs=1e-5)
    assert together == pytest.approx(1, abs=1e-5)


def test_signs_tell_what_colours_tell():
    found = chosen(attention_neuron, layer=1, token="2")
    content = attention_neuron.content(found)
    lines = shown(attention_neuron.renderable(found)).splitlines()
    rows = [line for line in lines if re.match(r" +\d+ ", line)]
    most = max(abs(np.array([key["key"] for key in content["keys"]])).ravel())
    for line, key in zip(rows, content["keys"], strict=True):
        signs = line.split()[2]
        assert len(signs) == 8
        for sign, value in zip(signs, key["key"], strict=True):
            size = abs(value) / most
            expected = "·" if size < 0.125 else ("△▲" if value > 0 else "▽▼")[int(size >= 0.5)]
            assert sign == expected
        assert line.split()[4] == f"{key['sum']:.3f}"


def test_the_first_word_looks_where_no_token_is_named():
    assert attention_neuron.content(chosen(attention_neuron))["place"] == 1
    assert attention_neuron.content(chosen(attention_neuron, PAIR, from_="b"))["place"] == 5
    alone = attention(small(), "")
    assert attention_neuron.content(chosen(attention_neuron, alone))["place"] == 0


def test_the_table_of_a_corpus_has_its_measures():
    found = corpus_attention(small(), [["the cat sat", "a dog ran on the road"]])
    content = corpus_json("m", found)
    lines = shown(corpus_renderable("m", found)).splitlines()
    assert lines[0].split()[1:] == ["2", "texts,", f"{found.tokens}", "tokens"]
    heads = [(layer["layer"], head) for layer in content["layers"] for head in layer["heads"]]
    for line, (layer, head) in zip(lines[2:10], heads, strict=True):
        place, kind, *figures = line.split()
        assert place == f"{layer}.{head['head']}" and kind == KIND_NAMES[head["kind"]][0]
        percent = [100 * head[name] for name in MEASURES[:-1]] + [head["distance"]]
        assert [float(figure) for figure in figures] == pytest.approx(percent, abs=0.0501)
    assert lines[10].split()[0] == "even"
    assert max(map(len, lines)) <= 80
