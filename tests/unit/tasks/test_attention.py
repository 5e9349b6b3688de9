"""Attention over texts: what is seen, what is measured of it, and the means over many texts."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError
from tokpipe.inspection.attention import place_of
from tokpipe.tasks.attention import Layout, attended_by, attention
from tokpipe.tasks.attention_corpus import corpus_attention
from tokpipe.tasks.attention_measures import KINDS, MEASURES, TARGETS, even, kind_of, measure
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import encode_pairs, encode_texts
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXTS = ["the cat sat", "a dog ran on the old road .", "puppy", "it was new", "cats cats running"]


def layout(count, cls=(), sep=(), same=()):
    pairs = np.zeros((count, count), bool)
    for i, j in same:
        pairs[i, j] = True
    places = np.arange(count)
    return Layout(np.isin(places, cls), np.isin(places, sep), pairs)


def test_tokens_are_those_that_the_model_reads():
    model = small()
    for text in TEXTS:
        seen = attention(model, text)
        assert seen.ids == tuple(encode_texts(model.tokenizer, [text], CONFIG).input_ids)
        assert seen.tokens == tuple(model.tokenizer.tokens[id] for id in seen.ids)
        assert not seen.cut and set(seen.sides) == {"a"} and seen.heads == 2
        np.testing.assert_allclose(seen.layers[-1].left, model.encode(text)[0], atol=1e-6)
    seen = attention(model, "cats ran", "the dog")
    assert seen.tokens == ("[CLS]", "cat", "##s", "ran", "[SEP]", "the", "dog", "[SEP]")
    assert seen.words == ("", "cats", "cats", "ran", "", "the", "dog", "")
    assert "".join(seen.sides) == "aaaaabbb"
    assert seen.ids == tuple(encode_pairs(model.tokenizer, [("cats ran", "the dog")], CONFIG)[0])
    assert np.flatnonzero(seen.layout.cls).tolist() == [0]
    assert np.flatnonzero(seen.layout.sep).tolist() == [4, 7]
    assert np.argwhere(seen.layout.same).tolist() == [[1, 2], [2, 1]]


def test_a_word_is_the_same_where_it_is_repeated_and_in_its_other_pieces():
    same = attention(small(), "cats ran the cats").layout.same
    pieces = [1, 2, 5, 6]
    expected = [[i, j] for i in pieces for j in pieces if i != j]
    assert np.argwhere(same).tolist() == expected


def test_long_texts_are_cut_as_elsewhere_and_that_is_said():
    model = small()
    seen = attention(model, "dog " * 40)
    assert seen.cut and len(seen) == 24 and seen.tokens[-1] == "[SEP]"
    pair = attention(model, "dog " * 40, "the cat")
    ids = encode_pairs(model.tokenizer, [("dog " * 40, "the cat")], CONFIG).input_ids
    assert pair.cut and pair.ids == tuple(ids)


def test_texts_without_a_limit_are_whole():
    model = small(replace(CONFIG, position="rope"))
    assert len(attention(model, "dog " * 40)) == 42


def test_layers_are_found_by_number():
    seen = attention(small(), "the cat")
    assert [seen.layer(n).number for n in (1, 4, -1, -4)] == [1, 4, 4, 1]
    for number in (0, 5, -5):
        with pytest.raises(ConfigError, match="the model has 1 to 4, or -1 for the last"):
            seen.layer(number)
    with pytest.raises(ConfigError, match="layer is a str"):
        seen.layer("1")  # type: ignore[arg-type]


def test_the_mean_is_over_all_heads_of_all_layers():
    seen = attention(small(), "the cat sat")
    weights = np.concatenate([layer.weights() for layer in seen.layers])
    np.testing.assert_allclose(seen.mean, weights.mean(0), rtol=1e-5)


@pytest.mark.parametrize("text", [None, 5, b"a", ["a"]])
def test_what_is_no_text(text):
    with pytest.raises(InputError):
        attention(small(), text)  # type: ignore[arg-type]


def test_a_mask_looks_at_the_other_words_by_the_mean():
    model, text = small(), "the [MASK] sat on [MASK]"
    seen, (first, second) = attention(model, text), attended_by(model, text, "mask_token", 2)
    assert [seen.tokens[one.place] for one in first] == [one.token for one in first]
    assert {one.token for one in attended_by(model, text, "mask_token", 9)[0]} == {
        *("the", "sat", "on")
    }
    for place, found in ((2, first), (5, second)):
        assert len(found) == 2
        for one in found:
            assert one.share == pytest.approx(float(seen.mean[place, one.place]))
        most = max(seen.mean[place][[1, 3, 4]])
        assert found[0].share == pytest.approx(float(most)) and found[0].share >= found[1].share
    assert attended_by(model, "the cat", "mask_token") == []


HEADS = {
    "itself": np.eye(4),
    "previous": np.eye(4)[[0, 0, 1, 2]],
    "next": np.eye(4)[[1, 2, 3, 3]],
    "cls": np.eye(4)[[0, 0, 0, 0]],
    "sep": np.eye(4)[[3, 3, 3, 3]],
    "same_word": np.eye(4)[[1, 3, 0, 1]],
    "wide": np.full((4, 4), 0.25),
    "mixed": np.eye(4)[[2, 3, 0, 2]],
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_one_kind_are_measured_and_named(name):
    text = layout(4, cls=[0], sep=[3], same=[(1, 3), (3, 1)])
    weights = HEADS[name][None].astype(np.float32)
    found = dict(zip(MEASURES, measure(weights, text)[0], strict=True))
    expected = {
        "itself": np.trace(HEADS[name]) / 4,
        "previous": np.trace(HEADS[name], -1) / 4,
        "next": np.trace(HEADS[name], 1) / 4,
        "cls": HEADS[name][:, 0].mean(),
        "sep": HEADS[name][:, 3].mean(),
        "same_word": (HEADS[name][1, 3] + HEADS[name][3, 1]) / 4,
        "entropy": 1.0 if name == "wide" else 0.0,
        "distance": sum(HEADS[name][i, j] * abs(i - j) for i in range(4) for j in range(4)) / 4,
    }
    assert found == pytest.approx(expected)
    assert kind_of(measure(weights, text)[0], even(text)).name == name


def test_even_attention_gives_each_target_its_part_and_is_wide():
    text = layout(5, cls=[0], sep=[4], same=[(1, 2), (2, 1)])
    found = even(text)
    assert found[: len(TARGETS)] == pytest.approx([0.2, 0.16, 0.16, 0.2, 0.2, 0.08])
    assert kind_of(found, found) == ("wide", pytest.approx(1.0))


def test_one_token_has_no_entropy_and_looks_at_itself():
    found = measure(np.ones((2, 1, 1), np.float32), layout(1))
    assert found[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert kind_of(found[0], even(layout(1))).name in KINDS


def test_a_third_is_not_enough_where_even_attention_gives_as_much():
    alike = np.array([0.5, 0.25, 0.25, 0.5, 0.0, 0.0, 1.0, 0.5])
    assert kind_of(np.array([0.6, 0.2, 0.2, 0.6, 0.0, 0.0, 0.4, 0.4]), alike).name == "mixed"


def test_means_over_texts_are_weighted_by_tokens_and_hang_on_no_thread():
    model = small()
    found = corpus_attention(model, [TEXTS, TEXTS[:2]], threads=1)
    many = corpus_attention(model, iter([TEXTS, TEXTS[:2]]), threads=3)
    assert found.measures.tobytes() == many.measures.tobytes()
    texts = [*TEXTS, *TEXTS[:2]]
    assert found.texts == 7 and found.cut == 0
    sums, tokens = np.zeros((4, 2, len(MEASURES))), 0
    for text in texts:
        seen = attention(model, text)
        each = [measure(layer.weights(), seen.layout) for layer in seen.layers]
        sums += len(seen) * np.stack(each)
        tokens += len(seen)
    assert found.tokens == tokens
    np.testing.assert_allclose(found.measures, sums / tokens, rtol=2e-5, atol=1e-7)
    assert found.kind(2, 1) == kind_of(found.measures[1, 0], found.even)


def test_more_texts_than_are_held_at_once():
    texts = [f"the cat {word}" for word in ("sat", "ran", "dog")] * 700
    found = corpus_attention(small(), [texts])
    few = corpus_attention(small(), [texts[:3]])
    assert found.texts == 2100
    np.testing.assert_allclose(found.measures, few.measures, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_makes_no_numbers_is_refused(value):
    model = small()
    model.parameters.views["layers.1.ffn.output.bias"][3] = value
    with pytest.raises(ArtifactError, match="layer 2 of the model makes numbers that are infinite"):
        attention(model, "the cat")
    with pytest.raises(ArtifactError, match="layer 2"):
        corpus_attention(model, [["the cat"]])


@pytest.mark.parametrize("kind", ["word-level", "unigram"])
def test_tokenizers_of_other_kinds(kind, tmp_path):
    from tokenizers import Tokenizer as Library
    from tokenizers import models, pre_tokenizers, processors

    specials = ["<s>", "</s>", "<unk>"]
    words = ["the", "cat", "sat", "on"] if kind == "word-level" else ["▁the", "▁cat", "▁s", "at"]
    tokens = {token: id for id, token in enumerate([*specials, *words])}
    if kind == "word-level":
        library = Library(models.WordLevel(tokens, unk_token="<unk>"))
        library.pre_tokenizer = pre_tokenizers.Whitespace()
    else:
        library = Library(models.Unigram([(token, -1.0) for token in tokens], unk_id=2))
        library.pre_tokenizer = pre_tokenizers.Metaspace()
    library.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)],
    )
    library.save(str(tmp_path / "tokenizer.json"))
    roles = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>"}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(roles))
    model = BertModel(Parameters.initialised(CONFIG, 3), Tokenizer.load(tmp_path))
    seen = attention(model, "the cat sat", "the cat")
    ids = encode_pairs(model.tokenizer, [("the cat sat", "the cat")], CONFIG).input_ids
    assert seen.ids == tuple(ids)
    assert [word.strip() for word in seen.words if word][:3] == ["the", "cat", "sat"]
    ends = [i for i, token in enumerate(seen.tokens) if token == "</s>"]
    assert np.flatnonzero(seen.layout.sep).tolist() == ends and len(ends) == 3
    assert seen.sides.index("b") == ends[1] + 1
    assert place_of(attention(model, "the cat sat"), "sat") == 3
    assert seen.layout.same[1, ends[1] + 1] and not seen.layout.same[0].any()
    found = corpus_attention(model, [["the cat sat", "the the"]])
    assert found.texts == 2 and np.isfinite(found.measures).all()


def test_docstring_says_how_it_is_called():
    assert attention.__doc__
    call = re.search(r"``(attention\(.*?\])``", attention.__doc__)
    assert call
    row = attention(small(), "the cat").layer(2).weights()[0, 1]
    assert row.shape == (4,) and call[1].endswith("layer(2).weights()[0, 1]")
