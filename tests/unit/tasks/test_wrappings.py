"""A folder for each way in which models come: it opens, or one sentence says why it does not."""

import json

import numpy as np
import pytest

from tests.unit.bert.huggingface.pickles import converted
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.bert.huggingface.tensor_file import TensorFile, write_tensors
from tokpipe.foundation.errors import InputError
from tokpipe.tasks.model import BertModel

WEIGHTS, BIN = "model.safetensors", "pytorch_model.bin"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 438\n"
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder as others write it: no manifest, a tokenizer.json."""
    model = small()
    path = tmp_path / "m"
    model.tokenizer.save(path)
    (path / "tokpipe.json").unlink()
    write_checkpoint(path, model.parameters, family=BERT)
    return path


def tensors_of(path):
    with TensorFile(path / WEIGHTS) as file:
        found = {name: np.empty(entry.shape, np.float32) for name, entry in file.entries.items()}
        for name, out in found.items():
            file.read(name, out)
        return found


def named(change):
    def wrap(path):
        tensors = {change(name): values for name, values in tensors_of(path).items()}
        write_tensors(path / WEIGHTS, {name: v for name, v in tensors.items() if name})

    return wrap


def says(**settings):
    def wrap(path):
        config = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps(config | settings))

    return wrap


def replaced(name, content, *gone):
    def wrap(path):
        for one in gone:
            (path / one).unlink()
        data = content if isinstance(content, bytes) else content.encode()
        (path / name).write_bytes(data)

    return wrap


def in_parts(path):
    model = small()
    write_checkpoint(path, model.parameters, family=BERT, shard_bytes=4000)
    (path / WEIGHTS).unlink()


def linked(path):
    (path / WEIGHTS).unlink()
    (path / WEIGHTS).symlink_to("nowhere")


def half(path):
    tensors = {n: v.astype(np.float16).astype(np.float32) for n, v in tensors_of(path).items()}
    write_tensors(path / WEIGHTS, tensors, "F16")


def with_a_head(path):
    tensors = tensors_of(path) | {"classifier.weight": np.ones((2, 16), np.float32)}
    write_tensors(path / WEIGHTS, tensors)


def for_sentences(path):
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    ]
    (path / "modules.json").write_text(json.dumps(modules))
    named(lambda name: f"0.auto_model.{name.removeprefix('bert.')}")(path)


def a_vocabulary_alone(path):
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (path / name).unlink()


def vocabulary_and_class(path):
    a_vocabulary_alone(path)
    (path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')


OPENS = {
    "as it is": lambda path: None,
    "in parts": in_parts,
    "halves": half,
    "pytorch_model.bin": converted,
    "pytorch_model.bin of torch 1.3": lambda path: converted(path, is_archive=False),
    "a head for another task": with_a_head,
    "no prefix": named(lambda name: name.removeprefix("bert.")),
    "DataParallel": named(lambda name: f"module.{name}"),
    "Lightning": named(lambda name: f"model.{name}"),
    "Lightning under another name": named(lambda name: f"bert.{name}"),
    "torch.compile in DataParallel": named(lambda name: f"module._orig_mod.{name}"),
    "sentence-transformers": for_sentences,
    "gamma and beta": named(
        lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        )
    ),
    "vocab.txt alone": a_vocabulary_alone,
    "vocab.txt and its class": vocabulary_and_class,
    "no kind of a task": says(architectures=None),
}
REFUSED = {
    "another kind of model": (says(model_type="t5"), "model_type is t5, known are distilbert"),
    "no kind of model": (says(model_type=None), "model_type is None"),
    "a decoder": (says(is_decoder=True), "is_decoder is True, False is needed"),
    "quantised": (says(quantization_config={"bits": 4}), "quantization_config is {'bits': 4}"),
    "other positions": (says(position_embedding_type="relative_key"), "position_embedding_type"),
    "a prefix before some": (
        named(lambda name: name if "pooler" in name else f"module.{name}"),
        "begin with 'module.', but not bert.pooler",
    ),
    "LFS, weights": (replaced(WEIGHTS, POINTER), f"{WEIGHTS}: a pointer of Git LFS"),
    "LFS, pytorch_model.bin": (replaced(BIN, POINTER, WEIGHTS), f"{BIN}: a pointer of Git LFS"),
    "LFS, settings": (replaced("config.json", POINTER), "config.json: a pointer of Git LFS"),
    "LFS, tokenizer.json": (replaced("tokenizer.json", POINTER), "tokenizer.json: a pointer"),
    "LFS, vocab.txt": (
        replaced("vocab.txt", POINTER, "tokenizer.json"),
        "vocab.txt: a pointer of Git LFS",
    ),
    "LFS, tokenizer_config.json": (
        replaced("tokenizer_config.json", POINTER),
        "tokenizer_config.json: a pointer of Git LFS",
    ),
    "Google's own": (
        replaced("bert_model.ckpt.index", b"\x00", WEIGHTS),
        "only bert_model.ckpt.index, a checkpoint of TensorFlow",
    ),
    "Google's own, its values": (
        replaced("bert_model.ckpt.data-00000-of-00001", b"\x00", WEIGHTS),
        "only bert_model.ckpt.data-00000-of-00001, a checkpoint of TensorFlow",
    ),
    "TensorFlow": (replaced("tf_model.h5", b"\x89HDF", WEIGHTS), "tf_model.h5, weights of TensorF"),
    "Flax": (replaced("flax_model.msgpack", b"\x82", WEIGHTS), "flax_model.msgpack, weights of"),
    "ONNX": (replaced("model.onnx", b"\x08", WEIGHTS), "model.onnx, a model that was exported"),
    "a pickle": (replaced("model.pt", b"\x80\x04.", WEIGHTS), "model.pt, a file that may run code"),
    "nothing": (replaced("README.md", "a model", WEIGHTS), "no model.safetensors in it"),
    "an adapter": (replaced("adapter_model.bin", b"x", WEIGHTS), "an adapter without its model"),
    "a part": (replaced("model-00001-of-00002.safetensors", b"x", WEIGHTS), "a part of weights"),
    "a variant": (replaced("model.fp16.safetensors", b"x", WEIGHTS), "weights under another name"),
    "a link": (linked, f"{WEIGHTS}: a link to nothing"),
    "a cut file": (replaced(WEIGHTS, b"\x08\x00\x00"), "too few for a safetensors file"),
    "a page in its place": (replaced(WEIGHTS, "<!DOCTYPE html>\n" * 9), f"{WEIGHTS}: "),
    "a class of another kind": (
        replaced("tokenizer_config.json", '{"tokenizer_class": "BertJapaneseTokenizer"}',
                 "tokenizer.json"),
        "'BertJapaneseTokenizer' prepares texts in a way of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPENS)
def test_it_opens_to_the_same_numbers(folder, name):
    expected = small().encode(["the cat sat"])[0]
    OPENS[name](folder)
    found = BertModel.load(folder)
    np.testing.assert_allclose(found.encode(["the cat sat"])[0], expected, atol=5e-3)
    if name != "halves":
        np.testing.assert_array_equal(found.encode(["the cat sat"])[0], expected)


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence(folder, name):
    wrap, problem = REFUSED[name]
    wrap(folder)
    with pytest.raises(InputError) as caught:
        BertModel.load(folder)
    said = caught.value
    assert problem in said.problem and "\n" not in said.problem and len(said.problem) < 400
    if "LFS" in name:
        assert "git lfs pull" in said.hint
    if name in ("Google's own", "TensorFlow", "Flax", "a pickle"):
        assert "save_pretrained" in said.hint


@pytest.mark.parametrize("name", [WEIGHTS, BIN, f"{WEIGHTS}.index.json"])
def test_models_inside_of_a_folder_that_is_none_are_named_the_latest_first(name, tmp_path):
    for inside in ("checkpoint-000100", "checkpoint-000200"):
        (tmp_path / inside).mkdir()
        (tmp_path / inside / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"no model\.safetensors in it") as caught:
        BertModel.load(tmp_path)
    named = [f"{tmp_path / inside}" for inside in ("checkpoint-000200", "checkpoint-000100")]
    assert caught.value.hint == f"Name one that is in it: {' or '.join(named)}."


@pytest.mark.parametrize("name", [WEIGHTS, BIN])
def test_a_file_that_was_cut_anywhere_is_asked_about(name, folder):
    if name == BIN:
        converted(folder)
    whole = (folder / name).read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(InputError) as caught:
            BertModel.load(folder)
        assert "cut short?" in caught.value.hint, length


@pytest.mark.parametrize("name", ["bert_model.ckpt", "bert_model.ckpt.index", "tf_model.h5"])
def test_the_name_of_such_a_file_is_refused_as_what_it_is(tmp_path, name):
    for ending in ("", ".index", ".data-00000-of-00001"):
        if name != "bert_model.ckpt" or ending:
            (tmp_path / f"{name}{ending}").write_bytes(b"x")
    with pytest.raises(InputError, match="of TensorFlow, which is not read") as caught:
        BertModel.load(tmp_path / name)
    assert "from_tf=True" in caught.value.hint


def test_a_model_that_reads_no_tokenizer_opens_without_one(folder):
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    assert not BertModel.load(folder).has_tokenizer
    assert CONFIG.vocab_size == BertModel.load(folder).config.vocab_size
