import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, TOKENS, small
from tests.unit.tasks.sentences import MEAN, modules, put, sentence_model
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import InputError
from tokpipe.tasks.config import POOLINGS, EmbedConfig
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.vector_settings import settle
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.config import BERT_CASED

TEXTS = ["the cat sat", "a dog ran on the old road .", "puppy"]
GOLDEN = Path(__file__).parents[2] / "golden" / "sentence_transformers.json"
POOLED = {
    "mean": lambda rows: rows.mean(axis=0),
    "cls": lambda rows: rows[0],
    "max": lambda rows: rows.max(axis=0),
    "mean_sqrt_len_tokens": lambda rows: rows.sum(axis=0) / len(rows) ** 0.5,
    "weightedmean": lambda rows: np.average(rows, axis=0, weights=np.arange(len(rows)) + 1),
    "lasttoken": lambda rows: rows[-1],
}


def expected(model, texts, *poolings, **settings):
    states = model.encode(texts, **settings)
    found = [[POOLED[mode](states[i]) for mode in poolings] for i in range(len(texts))]
    return np.array([np.concatenate(parts) for parts in found])


@pytest.mark.parametrize("mode", POOLINGS)
@pytest.mark.parametrize("by", ["the folder", "an option"])
def test_each_pooling_makes_its_vectors(tmp_path, mode, by):
    pooling = {**MEAN, "pooling_mode": mode} if by == "the folder" else MEAN
    model = BertModel.load(sentence_model(tmp_path / "m", pooling=pooling))
    config = EmbedConfig() if by == "the folder" else EmbedConfig(pooling=mode)
    found = embed_texts(model, TEXTS, config)
    np.testing.assert_allclose(found, expected(model, TEXTS, mode), atol=1e-5)


def test_several_poolings_stand_side_by_side(tmp_path):
    pooling = {**MEAN, "pooling_mode": ["max", "cls", "mean"]}
    model = BertModel.load(sentence_model(tmp_path / "m", pooling=pooling))
    found = embed_texts(model, TEXTS)
    np.testing.assert_allclose(found, expected(model, TEXTS, "max", "cls", "mean"), atol=1e-5)
    four = embed_texts(model, TEXTS, EmbedConfig(layers="concat-last-four"))
    assert four.shape == (3, 12 * CONFIG.hidden_size)
    np.testing.assert_allclose(four[:, -3 * CONFIG.hidden_size :], found, atol=1e-5)


def test_length_and_normalisation_of_the_folder_hold(tmp_path):
    folder = sentence_model(tmp_path / "m", normalize=True, length={"max_seq_length": 5})
    model = BertModel.load(folder)
    wanted = expected(model, TEXTS, "mean", max_length=5)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(embed_texts(model, TEXTS), wanted, atol=1e-5)
    assert np.abs(wanted - expected(model, TEXTS, "mean")).max() > 0.01


@pytest.mark.parametrize(
    "given, said",
    [
        ({"pooling": "cls"}, "pooling=cls as asked for, and not mean as is said there"),
        ({"normalize": False}, "normalize=false as asked for, and not true as is said there"),
        ({"max_length": 7}, "max_length=7 as asked for, and not 5 as is said there"),
        ({"max_length": 1 << 20}, "max_length=1048576 as asked for, and not 5 as is said there"),
        ({"layers": "second-to-last"}, "layers=second-to-last as asked for, and not last as"),
    ],
)
def test_an_option_that_says_otherwise_wins_and_is_named(tmp_path, given, said):
    folder = sentence_model(tmp_path / "m", normalize=True, length={"max_seq_length": 5})
    model, plain = BertModel.load(folder), small()
    settings = settle(model, EmbedConfig(**given))
    assert len(settings.notes) == 2 and settings.notes[1].startswith(said)
    assert settings.notes[0].startswith(f"{folder}/modules.json: pooling mean, scaled to length 1")
    whole = EmbedConfig(**{"pooling": "mean", "normalize": True, "max_length": 5, **given})
    assert (
        embed_texts(model, TEXTS, EmbedConfig(**given)) == embed_texts(plain, TEXTS, whole)
    ).all()
    assert (embed_texts(model, TEXTS) != embed_texts(plain, TEXTS, whole)).any()


@pytest.mark.parametrize("length", [1, 2])
def test_a_length_without_room_for_a_text_is_refused_with_its_place(tmp_path, length):
    model = BertModel.load(sentence_model(tmp_path / "m", length={"max_seq_length": length}))
    with pytest.raises(InputError, match=r"modules\.json: .*no room beside 2 special ones"):
        embed_texts(model, TEXTS)
    assert len(embed_texts(model, TEXTS, EmbedConfig(max_length=3))) == 3


def test_lower_case_is_refused_where_the_tokenizer_cannot_be_changed(tmp_path):
    tokens = [[token, -1.0] for token in ("<unk>", "▁a", "▁cat")]
    document = {"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": tokens}}
    folder = sentence_model(tmp_path / "m", length={"do_lower_case": True})
    foreign = tmp_path / "foreign"
    shutil.copytree(folder, foreign, ignore=shutil.ignore_patterns("tok*", "vocab*", "special*"))
    (foreign / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"modules\.json: do_lower_case is true"):
        embed_texts(BertModel.load(foreign), TEXTS)


def test_an_option_that_says_the_same_is_no_news(tmp_path):
    model = BertModel.load(sentence_model(tmp_path / "m", normalize=True))
    same = EmbedConfig(pooling="mean", normalize=True, layers="last")
    assert len(settle(model, same).notes) == 1
    assert settle(small(), same).notes == ()


def test_the_default_prompt_stands_before_every_text(tmp_path):
    prompts = {"prompts": {"query": "the cat ", "x": "dog "}, "default_prompt_name": "query"}
    model = BertModel.load(sentence_model(tmp_path / "m", prompts=prompts))
    texts = [f"the cat {text}" for text in TEXTS]
    assert (embed_texts(model, TEXTS) == embed_texts(small(), texts)).all()
    with pytest.raises(InputError, match="text 2"):
        embed_texts(model, ["a", None])


def test_prompts_that_are_for_some_texts_are_named_and_not_put_before_any(tmp_path):
    prompts = {"prompts": {"query": "the cat ", "document": ""}, "default_prompt_name": None}
    model = BertModel.load(sentence_model(tmp_path / "m", prompts=prompts))
    assert settle(model, EmbedConfig()).notes[1].endswith("put before none: query")
    assert (embed_texts(model, TEXTS) == embed_texts(small(), TEXTS)).all()


@pytest.mark.parametrize("lowercase", [True, False])
def test_lower_case_holds_for_a_tokenizer_that_keeps_case(tmp_path, lowercase):
    cased = Tokenizer(spec_from_bert_vocab(TOKENS, words=BERT_CASED))
    bare = BertModel(Parameters.initialised(CONFIG, 3), cased)
    length = {"do_lower_case": lowercase}
    model = BertModel.load(sentence_model(tmp_path / "m", length=length, model=bare))
    upper = embed_texts(model, ["THE CAT Sat [MASK]"])
    assert (upper == embed_texts(model, ["the cat sat [MASK]"])).all() == lowercase


def test_what_is_not_known_is_refused_whatever_is_asked_for(tmp_path):
    folder = sentence_model(tmp_path / "m")
    put(folder, "modules.json", modules("Transformer", "Pooling", "Dense"))
    model = BertModel.load(folder)
    for config in (EmbedConfig(), EmbedConfig(pooling="cls", normalize=True)):
        with pytest.raises(InputError, match=r"modules\.json: module 2 is Dense") as caught:
            embed_texts(model, TEXTS, config)
        assert "without modules.json" in caught.value.hint


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text())["cases"], ids=lambda c: c["name"])
def test_vectors_are_those_of_sentence_transformers(tmp_path, case):
    model = BertModel.load(sentence_model(tmp_path / "m", **case["folder"]))
    np.testing.assert_allclose(embed_texts(model, case["texts"]), case["vectors"], atol=1e-5)


def test_a_model_without_a_folder_has_the_defaults():
    model = small(replace(CONFIG, num_hidden_layers=2))
    settings = settle(model, EmbedConfig())
    assert (settings.sentence.poolings, settings.width) == (("mean",), CONFIG.hidden_size)
