import bz2
import copy
import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest

import tokpipe
from tests.unit.tasks.models import CONFIG, SPECIALS, small, tokenizer
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ConfigError, InputError, StorageError
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import encode_pairs, encode_texts, pack

TEXTS = ["the cat sat on the mat .", "a dog ran", "", "it was old , and the road was new"]


def test_texts_together_give_what_each_gives_alone():
    model = small()
    together = model.encode(TEXTS * 30, threads=2)
    assert len(together) == 120
    for number, text in enumerate(TEXTS):
        alone = model.encode(text)[0]
        assert alone.shape == (len(model.tokenizer.encode(text).ids), 16)
        np.testing.assert_allclose(together[number + 40], alone, atol=1e-5)
    again = model.encode(TEXTS * 30, threads=1)
    assert again.layers[0].tobytes() == together.layers[0].tobytes()


def test_layers_come_as_asked_for():
    model = small()
    last, first, also_last = model.encode(TEXTS, (-1, 0, 4)).layers
    assert (last == also_last).all() and not np.allclose(first, last)
    with pytest.raises(ConfigError, match="layer 5"):
        model.encode(TEXTS, (5,))
    with pytest.raises(IndexError):
        model.encode(TEXTS)[4]


def test_a_saved_model_is_opened_again(tmp_path):
    model = small()
    model.save(tmp_path / "m")
    again = tokpipe.BertModel.load(tmp_path / "m")
    assert again.config == model.config
    assert again.tokenizer.tokens == model.tokenizer.tokens
    assert (again.encode(TEXTS).layers[0] == model.encode(TEXTS).layers[0]).all()
    with pytest.raises(StorageError, match="exists already"):
        again.save(tmp_path / "m")
    again.save(tmp_path / "m", force=True)
    names = {path.name for path in (tmp_path / "m").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names


def test_a_variant_of_our_own_is_saved_and_opened(tmp_path):
    config = replace(CONFIG, position="rope", norm_position="pre", hidden_act="elu")
    model = small(config)
    model.save(tmp_path / "m")
    again = BertModel.load(tmp_path / "m")
    assert again.config == config and again.family.name == "tokpipe"
    assert (again.encode(TEXTS).layers[0] == model.encode(TEXTS).layers[0]).all()


def test_a_model_without_a_tokenizer_says_so(tmp_path):
    BertModel(Parameters.initialised(CONFIG, 1)).save(tmp_path / "m")
    model = BertModel.load(tmp_path / "m")
    with pytest.raises(InputError, match=r"no tokenizer\.json, vocab\.txt or vocab\.json"):
        model.encode("a")
    (tmp_path / "m" / "spiece.model").write_bytes(b"x")
    with pytest.raises(InputError, match=r"spiece\.model is a sentencepiece model"):
        model.encode("a")
    with pytest.raises(InputError, match="the model has no tokenizer"):
        BertModel(Parameters.initialised(CONFIG, 1)).encode("a")
    with pytest.raises(InputError, match="has no eos_token"):
        small().role_id("eos_token")


def test_a_tokenizer_of_more_tokens_than_the_model_knows_is_refused():
    model = BertModel(Parameters.initialised(replace(CONFIG, vocab_size=8), 1), tokenizer())
    assert len(SPECIALS) < 8
    with pytest.raises(InputError, match="the model knows 8 of"):
        model.encode("old road")


def test_a_real_model_gives_the_hidden_states_of_transformers(shared_data, tmp_path):
    source = shared_data / "checkpoints" / "minilm-2l-8k"
    folder = tmp_path / "m"
    shutil.copytree(source, folder)
    packed = (source / "model.safetensors.bz2").read_bytes()
    (folder / "model.safetensors").write_bytes(bz2.decompress(packed))
    model = BertModel.load(folder)
    for case in json.loads((source / "expected.json").read_text())["cases"]:
        check_case(model, case)


def check_case(model, case):
    """Compare with what transformers computed, which is rounded to six places."""
    text = case["input"]
    if isinstance(text, str):
        sequences = encode_texts(model.tokenizer, [text], model.config)
    else:
        sequences = encode_pairs(model.tokenizer, [tuple(text)], model.config)
    assert sequences.input_ids.tolist() == case["input_ids"]
    packed = pack(sequences, np.array([0]))
    (hidden,) = model.model.hidden_states(packed)
    near = {"atol": 3e-6, "rtol": 1e-6}
    np.testing.assert_allclose(hidden[:, :8], case["last_hidden_state_first8"], **near)
    pooled = model.model.pooled(packed)[0, :8]
    np.testing.assert_allclose(pooled, case["pooler_output_first8"], **near)
    weights = next(model.model.look(packed)).weights()[0]
    np.testing.assert_allclose(weights, case["attention_layer0_head0"], **near)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_has_weights_of_its_own(copied):
    model = small()
    again = copied(model)
    assert (again.encode(TEXTS).layers[0] == model.encode(TEXTS).layers[0]).all()
    again.parameters.block[:] = 0
    assert not again.parameters.views["embeddings.token"].any()
    assert not np.allclose(again.encode(TEXTS[0])[0], model.encode(TEXTS[0])[0])
