"""What a folder says beside its vocabulary stays where that is extended, or is named."""

import json
from dataclasses import replace

import pytest

from tests.unit.tasks.models import CONFIG, small
from tests.unit.tasks.sentences import put, sentence_model
from tests.unit.tasks.test_extend import TEXT, asked
from tokpipe.foundation.manifest import MANIFEST, verify_files
from tokpipe.shards.build import build_shards
from tokpipe.tasks.extend import extend_vocab
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import read_sentence_folder
from tokpipe.tokenizer.tokenizer import Tokenizer

SAID = {
    "tokenizer_class": "BertTokenizer",
    "model_max_length": 77,
    "do_lower_case": True,
    "name_or_path": "somewhere",
    "mask_token": "[MASK]",
}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(params=["model", "tokenizer"])
def foreign(request, tmp_path):
    """A folder as others write it: no manifest, and more in its files than is known here."""
    folder = tmp_path / "foreign"
    model = small()
    (model if request.param == "model" else model.tokenizer).save(folder)
    (folder / MANIFEST).unlink()
    put(folder, "tokenizer_config.json", SAID)
    put(folder, "added_tokens.json", {"[MASK]": 4})
    return folder


def read(folder, name):
    return json.loads((folder / name).read_text())


def test_what_the_files_of_a_tokenizer_say_stays(foreign, text, tmp_path):
    kept = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
    for name in ("chat_template.jinja", "generation_config.json", "LICENSE.txt"):
        (foreign / name).write_text(name)
        kept.append(name)
    extend_vocab(foreign, tmp_path / "out", **asked(text))
    for name in kept:
        assert (tmp_path / "out" / name).read_bytes() == (foreign / name).read_bytes()
    found = verify_files(tmp_path / "out")
    assert found is not None and set(kept) < set(found.files)
    assert Tokenizer.load(tmp_path / "out").vocab_size == Tokenizer.load(foreign).vocab_size + 3


def test_a_class_that_nothing_names_is_the_one_of_the_files_written(foreign, text, tmp_path):
    put(foreign, "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 77})
    (foreign / "tokenizer.json").unlink()
    extend_vocab(foreign, tmp_path / "out", **asked(text))
    said = read(tmp_path / "out", "tokenizer_config.json")
    assert said["tokenizer_class"] == "PreTrainedTokenizerFast" and said["mask_token"] == "[MASK]"
    assert said["do_lower_case"] is True and said["model_max_length"] == 77


@pytest.mark.parametrize("segments", [0, 2])
def test_types_are_asked_for_where_the_model_has_segments(segments, text, tmp_path):
    small(replace(CONFIG, type_vocab_size=segments, pooler=False, nsp_head=False)).save(
        tmp_path / "m"
    )
    for name in ("tokenizer.json", "tokenizer_config.json", MANIFEST):
        (tmp_path / "m" / name).unlink()
    extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text))
    said = read(tmp_path / "out", "tokenizer_config.json")
    assert ("token_type_ids" in said["model_input_names"]) == bool(segments)


def test_settings_of_a_model_that_are_not_known_here_stay(text, tmp_path):
    small().save(tmp_path / "m")
    (tmp_path / "m" / MANIFEST).unlink()
    said = {**read(tmp_path / "m", "config.json"), "_name_or_path": "x", "task_specific_params": {}}
    put(tmp_path / "m", "config.json", said)
    extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text))
    assert read(tmp_path / "out", "config.json") == {**said, "vocab_size": said["vocab_size"] + 3}


def test_what_does_not_go_along_is_named(text, tmp_path):
    folder = sentence_model(tmp_path / "m")
    for name in ("onnx", "notes.txt", ".git"):
        (folder / name).mkdir()
    ours = extend_vocab(folder, tmp_path / "a", **asked(text))
    (folder / MANIFEST).unlink()
    theirs = extend_vocab(folder, tmp_path / "b", **asked(text))
    assert ours.notes == ()
    assert theirs.notes == (f"{folder}: not carried over: notes.txt, onnx",)


@pytest.mark.parametrize("length", [None, {"max_seq_length": 9}])
def test_the_length_of_sentence_vectors_stays(length, text, tmp_path):
    folder = sentence_model(tmp_path / "m", length=length)
    (folder / MANIFEST).unlink()
    put(folder, "tokenizer_config.json", SAID)
    extend_vocab(folder, tmp_path / "out", **asked(text))
    found = [read_sentence_folder(one, 16) for one in (folder, tmp_path / "out")]
    assert found[0] == found[1] and found[0].max_length == (9 if length else 77)


def test_shards_are_said_to_be_a_tokenizer(text, tmp_path):
    small().tokenizer.save(tmp_path / "t")
    build_shards([text], tmp_path / "t", tmp_path / "s")
    done = extend_vocab(tmp_path / "s", tmp_path / "out", **asked(text))
    assert done.table is None
    assert done.notes == (
        f"{tmp_path / 's'} holds shards; the tokenizer that made them is extended",
    )


def test_settings_of_a_model_without_weights_are_said_to_be_a_tokenizer(text, tmp_path):
    small().save(tmp_path / "m")
    for name in ("model.safetensors", MANIFEST):
        (tmp_path / "m" / name).unlink()
    done = extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text))
    assert done.table is None and "no weights beside config.json" in done.notes[0]


def test_heads_that_are_not_known_here_are_named(text, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    small().save(tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"
    tensors = safetensors.load_file(path)
    other = {"qa_outputs.weight": tensors["bert.embeddings.LayerNorm.weight"]}
    safetensors.save_file({**tensors, **other}, path)
    (tmp_path / "m" / MANIFEST).unlink()
    done = extend_vocab(tmp_path / "m", tmp_path / "out", **asked(text))
    assert "qa_outputs" in done.notes[0]
    assert BertModel.load(tmp_path / "out").left_out == ()


@pytest.mark.peers
@pytest.mark.parametrize("said", [SAID, {"do_lower_case": True}], ids=["a class", "no class"])
def test_transformers_gives_our_ids_with_what_the_folder_said(foreign, said, text, tmp_path):
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    put(foreign, "tokenizer_config.json", said)
    text.write_text(text.read_text() + "λόγος, ΛΌΓΟΣ of roads\n" * 30)
    extend_vocab(foreign, tmp_path / "out", **asked(text, add=20))
    ours = Tokenizer.load(tmp_path / "out")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    for line in ("the cats, λόγος", "ΛΌΓΟΣ [MASK] oldings", "unknown ψ"):
        assert theirs(line)["input_ids"] == ours.encode(line).ids
    assert theirs.mask_token == "[MASK]" and "λ" in ours.ids


def test_a_file_of_a_tokenizer_is_extended_too(text, tmp_path):
    small().tokenizer.save(tmp_path / "t")
    done = extend_vocab(tmp_path / "t" / "tokenizer.json", tmp_path / "out", **asked(text))
    assert done.notes == () and len(done.extension.added) == 3
