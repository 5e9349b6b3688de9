"""Models and tokenizers with more tokens: rows, files, and what is refused."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.golden.families import CONFIGS
from tests.unit.bert.huggingface.models import CONFIGS as MODELS
from tests.unit.tasks.models import CONFIG, TOKENS, small
from tests.unit.tasks.sentences import sentence_model
from tokpipe.bert.heads.masked_tokens import BIAS
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ConfigError, InputError, StorageError
from tokpipe.foundation.manifest import Manifest, verify_files
from tokpipe.tasks import extend
from tokpipe.tasks.extend import extend_vocab
from tokpipe.tasks.extend_config import RowsConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import sentence_files
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.training.start_config import NEW_ROWS
from tokpipe.training.token_rows import OF_VOCABULARY

TEXT = "the cats sat on the roads\nolds dogs and cats, oldings and roads\n" * 30
TABLE = "embeddings.token"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def model(tmp_path):
    made = small()
    made.save(tmp_path / "m")
    return tmp_path / "m"


def asked(text, **settings):
    rows = {
        name: settings.pop(name) for name in ("new_rows", "pad_to_multiple_of") if name in settings
    }
    config = ExtendConfig(**{"add": 3, **settings})
    return {"inputs": [text], "config": config, "rows": RowsConfig(**rows)}


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("new_rows", NEW_ROWS)
def test_old_rows_and_all_other_weights_stay_to_the_bit(model, text, tmp_path, new_rows):
    done = extend_vocab(model, tmp_path / "out", **asked(text, new_rows=new_rows))
    old, new = (BertModel.load(folder) for folder in (model, tmp_path / "out"))
    count = len(TOKENS)
    assert done.table == (count, count + 3) and new.config.vocab_size == count + 3
    assert new.config == replace(old.config, vocab_size=count + 3)
    for name, before in old.parameters.views.items():
        after = new.parameters.views[name]
        np.testing.assert_array_equal(after[:count] if name in (TABLE, BIAS) else after, before)
    verify_files(tmp_path / "out")
    tokens = new.tokenizer.encode("the cats", add_special_tokens=False).tokens
    assert tokens == ["the", "cats"]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_every_family_and_job_stays_what_it_is(name, text, tmp_path):
    small(replace(MODELS[name], vocab_size=len(TOKENS))).save(tmp_path / "m")
    extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text))
    old, new = (BertModel.load(tmp_path / folder) for folder in ("m", "out"))
    assert new.family == old.family and new.dtypes == old.dtypes
    assert new.config == replace(old.config, vocab_size=len(TOKENS) + 3)
    for key, before in old.parameters.views.items():
        after = new.parameters.views[key]
        np.testing.assert_array_equal(
            after[: len(TOKENS)] if key in OF_VOCABULARY else after, before
        )


def test_a_new_row_is_the_mean_of_its_pieces(model, text, tmp_path):
    done = extend_vocab(model, tmp_path / "out", **asked(text))
    old, new = (BertModel.load(folder).parameters.views for folder in (model, tmp_path / "out"))
    assert len(done.extension.pieces) == 3
    for id, pieces in done.extension.pieces.items():
        assert [TOKENS[piece] for piece in pieces][1:] == ["##s"]
        for name in (TABLE, BIAS):
            np.testing.assert_allclose(new[name][id], old[name][pieces].mean(axis=0), rtol=1e-6)


def test_what_sentence_transformers_says_goes_along(text, tmp_path):
    model = sentence_model(tmp_path / "m", normalize=True, length={"max_seq_length": 5})
    extend_vocab(model, tmp_path / "out", **asked(text))
    files = sentence_files(model)
    assert len(files) == 3 and sentence_files(tmp_path / "out") == files
    found = verify_files(tmp_path / "out")
    assert found is not None and set(files) < set(found.files)


def test_rows_without_a_token_are_taken_first_and_the_table_is_padded(text, tmp_path):
    config = replace(CONFIG, vocab_size=len(TOKENS) + 2)
    small(config).save(tmp_path / "m")
    done = extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text, pad_to_multiple_of=64))
    made = BertModel.load(tmp_path / "out")
    assert done.table == (config.vocab_size, 64) and made.tokenizer.vocab_size == len(TOKENS) + 3
    before = BertModel.load(tmp_path / "m").parameters.views[TABLE]
    after = made.parameters.views[TABLE]
    id, pieces = next(iter(done.extension.pieces.items()))
    assert id == len(TOKENS)
    np.testing.assert_allclose(after[id], before[pieces].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        after[-1], before.mean(axis=0, dtype=np.float64), rtol=1e-5, atol=1e-8
    )


@pytest.mark.parametrize("new_rows", NEW_ROWS)
@pytest.mark.parametrize("missing", [1, 2, 6])
def test_tokens_that_the_tokenizer_alone_has_get_rows(missing, new_rows, text, tmp_path):
    there = len(TOKENS) - missing  # the last ones are pieces of the words that are learned
    small(replace(CONFIG, vocab_size=there)).save(tmp_path / "m")
    done = extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text, new_rows=new_rows))
    assert done.table == (there, len(TOKENS) + 3)
    before, after = (
        BertModel.load(tmp_path / name).parameters.views[TABLE] for name in ("m", "out")
    )
    np.testing.assert_array_equal(after[:there], before)
    for id, pieces in done.extension.pieces.items():
        known = [one for one in pieces if one < there]
        if new_rows == "pieces":
            wanted = before[known or slice(None)].mean(axis=0)
            np.testing.assert_allclose(after[id], wanted, rtol=1e-4, atol=1e-6)


def test_a_text_of_old_tokens_has_the_logits_of_before(model, text, tmp_path):
    extend_vocab(model, tmp_path / "out", **asked(text))
    old, new = (BertModel.load(folder) for folder in (model, tmp_path / "out"))
    states = [one.encode("the cat sat on the mat")[0] for one in (old, new)]
    np.testing.assert_array_equal(*states)


def test_two_runs_give_the_same_bytes_for_any_threads(model, text, tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        extend_vocab(model, tmp_path / name, **asked(text, new_rows="normal"), threads=threads)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


@pytest.mark.parametrize("place", ["_extend", "write_model_files"])
def test_stopped_at_any_place_the_same_call_ends_with_the_same_bytes(
    model, text, tmp_path, monkeypatch, place
):
    extend_vocab(model, tmp_path / "a", **asked(text))

    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extend, place, stopped)
        with pytest.raises(KeyboardInterrupt):
            extend_vocab(model, tmp_path / "b", **asked(text))
    assert not (tmp_path / "b").exists()
    extend_vocab(model, tmp_path / "b", **asked(text))
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_of_a_tokenizer_a_tokenizer_folder_is_made(model, text, tmp_path):
    BertModel.load(model).tokenizer.save(tmp_path / "t")
    done = extend_vocab(tmp_path / "t", tmp_path / "out", **asked(text))
    made = Tokenizer.load(tmp_path / "out")
    assert made.tokens == done.extension.new.tokens and done.table is None
    manifest = Manifest.read(tmp_path / "out", "tokenizer")
    assert manifest.facts["added"] == 3
    assert list(manifest.inputs.values()) == [hashlib.sha256(text.read_bytes()).hexdigest()]


def test_words_need_no_text(model, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("Kittens\ncat\n")
    done = extend_vocab(model, tmp_path / "out", words=words)
    assert done.gain is None and done.known == ("cat",)
    assert done.normalised == {"Kittens": "kittens"}
    assert BertModel.load(tmp_path / "out").tokenizer.tokens[-1] == "kittens"


def test_what_cannot_be_is_refused_and_nothing_is_made(model, text, tmp_path):
    BertModel.load(model).tokenizer.save(tmp_path / "t")
    with pytest.raises(ConfigError, match="new_rows and pad_to_multiple_of are for models"):
        extend_vocab(tmp_path / "t", tmp_path / "out", **asked(text, new_rows="mean"))
    with pytest.raises(ConfigError, match="give add or words"):
        extend_vocab(model, tmp_path / "out", inputs=[text])
    with pytest.raises(ConfigError, match="add needs a text"):
        extend_vocab(model, tmp_path / "out", config=ExtendConfig(add=3))
    text.write_text(" \n\n")
    with pytest.raises(InputError, match="holds no word"):
        extend_vocab(model, tmp_path / "out", **asked(text))
    assert not any("out" in path.name for path in tmp_path.iterdir() if path.suffix != ".lock")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(StorageError, match="exists already"):
        extend_vocab(model, tmp_path / "out", **asked(text))


def test_a_tokenizer_that_the_library_runs_is_refused(text, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    unigram = tokenizers.Tokenizer(tokenizers.models.Unigram([("<unk>", 0.0), ("a", -1.0)], 0))
    unigram.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ConfigError, match="runs on the tokenizers library"):
        extend_vocab(tmp_path / "tokenizer.json", tmp_path / "out", **asked(text))


@pytest.mark.peers
def test_transformers_opens_the_model_and_gives_our_logits(model, text, tmp_path):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    extend_vocab(model, tmp_path / "out", **asked(text, pad_to_multiple_of=64))
    ours = BertModel.load(tmp_path / "out")
    theirs, report = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not report["missing_keys"] and theirs.config.vocab_size == 64
    assert theirs.get_output_embeddings().weight is theirs.get_input_embeddings().weight
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    sentence = "the cats sat on oldings"
    found = ours.tokenizer.encode(sentence)
    given = tokenizer(sentence, return_tensors="pt")
    assert given["input_ids"][0].tolist() == found.ids
    with torch.no_grad():
        hidden = theirs.base_model.eval()(**given).last_hidden_state[0]
    np.testing.assert_allclose(ours.encode(sentence)[0], hidden, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
def test_no_other_tensor_of_any_family_has_a_row_for_each_token(name):
    config = replace(CONFIGS[name], vocab_size=97)
    views = Parameters(config).views
    rows = {name for name, view in views.items() if 97 in view.shape}
    assert rows == {one for one in OF_VOCABULARY if one in views} and TABLE in rows


def test_what_sentence_transformers_says_beside_a_model_is_kept(model, text, tmp_path):
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    ]
    (model / "modules.json").write_text(json.dumps(modules))
    extend_vocab(model, tmp_path / "out", **asked(text))
    assert (tmp_path / "out/modules.json").read_bytes() == (model / "modules.json").read_bytes()
    verify_files(tmp_path / "out")
