from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, SPECIALS, WORDS, small
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tasks.config import EmbedConfig
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.fill_mask import fill_masks, likeliest
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.nearest import WordVectors, nearest_texts, whole_words
from tokpipe.tasks.nsp import judge_pairs
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab, spec_from_bpe_files
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXTS = ["the cat sat", "a dog ran on the old road .", "puppy"]


def test_likeliest_are_sorted_and_ties_go_to_the_lower_id():
    logits = np.log(np.array([[0.1, 0.4, 0.1, 0.4], [0.7, 0.1, 0.1, 0.1]], np.float32))
    ids, scores = likeliest(logits, 3)
    assert ids.tolist() == [[1, 3, 0], [0, 1, 2]]
    np.testing.assert_allclose(scores, [[0.4, 0.4, 0.1], [0.7, 0.1, 0.1]], rtol=1e-6)
    ids, _ = likeliest(np.zeros((1, 3), np.float32), 3)
    assert ids.tolist() == [[0, 1, 2]]


def test_every_mask_of_every_text_is_filled_from_its_own_logits():
    model = small()
    texts = ["the [MASK] sat", "[MASK] and [MASK] ran", "a [MASK]"] * 20
    found = fill_masks(model, texts, 3, threads=2)
    assert [len(masks) for masks in found] == [1, 2, 1] * 20
    (alone,) = fill_masks(model, ["[MASK] and [MASK] ran"], 3)
    for one, two in zip(alone, found[31], strict=True):
        assert [c.id for c in one] == [c.id for c in two]
        assert [c.score for c in one] == pytest.approx([c.score for c in two], abs=1e-5)
    best = found[0][0][0]
    assert best.token == model.tokenizer.tokens[best.id] and 0 < best.score < 1
    (everything,) = fill_masks(model, ["[MASK]"], 1000)[0]
    assert sum(c.score for c in everything) == pytest.approx(1, abs=1e-5)


def test_texts_without_a_mask_and_models_without_a_head_are_refused():
    with pytest.raises(InputError, match="text 2 has no mask") as caught:
        fill_masks(small(), ["a [MASK]", "a cat"])
    assert "[MASK]" in caught.value.hint
    with pytest.raises(InputError, match="lies behind the 24 tokens"):
        fill_masks(small(), ["dog " * 30 + "[MASK]"])
    bare = small(replace(CONFIG, mlm_head=False, nsp_head=False))
    with pytest.raises(ConfigError, match="no head that fills masks"):
        fill_masks(bare, ["[MASK]"])
    with pytest.raises(ConfigError, match="no head that judges pairs"):
        judge_pairs(bare, [("a", "b")])


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ("ab", r"pairs: a str \('ab'\), a list of pairs of texts is needed"),
        (None, "pairs: None"),
        (5, r"pairs: an int \(5\)"),
        ([float("nan")], r"pair 1 is a float \(nan\): two texts are needed"),
        ([("a", "b"), None], "pair 2 is None"),
        (["ab"], "pair 1 is a str"),
        ([("a", "b", "c")], "pair 1 is a tuple"),
        ([("a", None)], "pair 1: text 2 is None"),
    ],
)
def test_what_are_no_pairs(pairs, said):
    with pytest.raises(InputError, match=said):
        judge_pairs(small(), pairs)


@pytest.mark.parametrize("top", [0, -1, "5", 2.0, None])
def test_what_is_no_number_of_candidates(top):
    with pytest.raises(ConfigError, match=r"top=.*a whole number from 1 on"):
        fill_masks(small(), ["a [MASK]"], top)


def test_texts_and_pairs_may_come_from_a_generator():
    model, pairs = small(), [("the cat", "sat"), ("a", "dog")]
    assert judge_pairs(model, iter(pairs)).tolist() == judge_pairs(model, pairs).tolist()
    texts = ["a [MASK]", "[MASK] cat"]
    assert fill_masks(model, iter(texts)) == fill_masks(model, texts)
    with pytest.raises(InputError, match="text 2 has no mask"):
        fill_masks(model, iter(["a [MASK]", "a cat"]))
    assert judge_pairs(model, []).tolist() == [] == fill_masks(model, [])


def test_pairs_are_judged_in_their_order():
    pairs = [("the cat sat", "it was old"), ("a", "dog"), ("the cat sat", "the cat sat")]
    found = judge_pairs(small(), pairs * 10, threads=2)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_allclose(found[:3], found[27:], atol=1e-6)
    assert judge_pairs(small(), pairs[1:2])[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize("layers", ["last", "second-to-last", "sum-last-four", "concat-last-four"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_made_of_the_layers_asked_for(layers, pooling):
    model = small()
    states = model.encode(TEXTS, (-4, -3, -2, -1))
    offsets = states.sequences.offsets

    def pooled(layer, i):
        rows = layer[offsets[i] : offsets[i + 1]]
        return rows.mean(axis=0) if pooling == "mean" else rows[0]

    found = embed_texts(model, TEXTS, EmbedConfig(layers=layers, pooling=pooling))
    for i in range(len(TEXTS)):
        parts = [pooled(layer, i) for layer in states.layers]
        expected = {
            "last": parts[3],
            "second-to-last": parts[2],
            "sum-last-four": sum(parts),
            "concat-last-four": np.concatenate(parts),
        }[layers]
        np.testing.assert_allclose(found[i], expected, atol=1e-5)


def test_vectors_may_come_from_the_pooler_and_have_length_one():
    model = small()
    found = embed_texts(model, TEXTS, EmbedConfig(pooling="pooler", normalize=True))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    with pytest.raises(ConfigError, match="the pooler works on the last layer"):
        embed_texts(model, TEXTS, EmbedConfig(pooling="pooler", layers="sum-last-four"))
    bare = small(replace(CONFIG, pooler=False, nsp_head=False, num_hidden_layers=2))
    with pytest.raises(ConfigError, match="no pooler"):
        embed_texts(bare, TEXTS, EmbedConfig(pooling="pooler"))
    with pytest.raises(ConfigError, match="2 layers only"):
        embed_texts(bare, TEXTS, EmbedConfig(layers="concat-last-four"))


def test_words_are_near_by_the_token_table():
    model = small()
    table, ids = model.parameters.views["embeddings.token"], model.tokenizer.ids
    table[ids["puppy"]] = table[ids["dog"]] + table[ids["kitten"]] - table[ids["cat"]]
    table[ids["old"]] = table[ids["new"]] * 2
    vectors = WordVectors(model)
    assert vectors.nearest(["new"], 1)[0].text == "old"
    assert vectors.nearest(["new"], 1)[0].score == pytest.approx(1, abs=1e-5)
    assert vectors.analogy("cat", "kitten", "dog", 1)[0].text == "puppy"
    assert "dog" not in [n.text for n in vectors.analogy("cat", "kitten", "dog", 50)]
    with pytest.raises(InputError, match="no tokens for it"):
        vectors.nearest(["東"])


def test_words_beyond_the_token_table_are_left_out():
    known = small()
    count = known.tokenizer.ids["dog"]
    bare = Parameters.initialised(replace(CONFIG, vocab_size=count), 4)
    words = WordVectors(BertModel(bare, known.tokenizer)).words
    assert max(words) < count and "cat" in words.values() and "dog" not in words.values()


def test_words_are_tokens_with_letters_that_stand_alone():
    words = whole_words(small().tokenizer).values()
    assert "cat" in words
    assert not {"##s", "s", ".", "[MASK]"} & set(words)


def test_texts_are_near_by_their_vectors():
    vectors = np.array([[1, 0], [0, 2], [3, 3]], np.float32)
    (found,) = nearest_texts(np.array([[0, 1]], np.float32), vectors, ["a", "b", "c"], 2)
    assert [(n.text, n.number) for n in found] == [("b", 1), ("c", 2)]
    assert found[1].score == pytest.approx(0.5**0.5)


def test_words_of_byte_level_vocabularies_carry_their_space():
    tokens = ["<s>", "<unk>", "Ġ", "c", "a", "t", "ca", "cat", "Ġcat", "Ġ1"]
    merges = np.array([(3, 4, 6), (6, 5, 7), (2, 7, 8)], np.int32)
    bare = Tokenizer(spec_from_bpe_files(tokens, merges))
    assert list(whole_words(bare).values()) == ["cat"]
    config = replace(CONFIG, vocab_size=len(bare.tokens))
    parameters = Parameters.initialised(config, 4)
    vectors = WordVectors(BertModel(parameters, bare))
    row = parameters.views["embeddings.token"][8]
    np.testing.assert_allclose(vectors.vector("cat"), row / np.linalg.norm(row), rtol=1e-6)


def test_an_id_that_no_token_has_is_named_by_its_number():
    tokens = [*SPECIALS, "", *WORDS[1:]]
    config = replace(CONFIG, vocab_size=len(tokens))
    model = BertModel(Parameters.initialised(config, 3), Tokenizer(spec_from_bert_vocab(tokens)))
    (found,) = fill_masks(model, ["[MASK] cat"], len(tokens))
    named = {candidate.id: candidate for candidate in found[0]}
    assert (named[5].token, named[5].text) == ("id 5", "")
    assert all(named[id].token == token for id, token in enumerate(tokens) if token)


def test_a_hole_has_no_token_and_no_key():
    tokenizer = Tokenizer(spec_from_bert_vocab(["[UNK]", "a", "", "b"]))
    assert tokenizer.ids == {"[UNK]": 0, "a": 1, "b": 3} and tokenizer.vocab_size == 4
    assert tokenizer.id_to_token(2) is None and tokenizer.token_to_id("") is None
    assert tokenizer.decode([1, 2, 3]) == "a b"


def test_a_mask_of_another_name_is_found_and_filled(tmp_path):
    small().save(tmp_path / "model")
    for path in (tmp_path / "model").iterdir():
        if path.suffix in (".json", ".txt"):
            path.write_text(path.read_text().replace("[MASK]", "[BLANK]"))
    (tmp_path / "model/tokpipe.json").unlink()
    model = BertModel.load(tmp_path / "model")
    named, plain = fill_masks(model, ["the [BLANK] sat"]), fill_masks(small(), ["the [MASK] sat"])
    assert [(c.id, c.score) for c in named[0][0]] == [(c.id, c.score) for c in plain[0][0]]
