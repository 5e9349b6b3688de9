import json
import os

import pytest

from tests.unit.tasks.models import CONFIG, small
from tests.unit.tasks.sentences import MEAN, modules, put, sentence_model
from tokpipe.foundation.errors import ArtifactError, InputError
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import FLAGS, read_sentence_folder, sentence_files

WIDTH = CONFIG.hidden_size
POOLING = "1_Pooling/config.json"
LENGTH = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"


def read(folder):
    return read_sentence_folder(folder, WIDTH)


def test_a_folder_without_modules_says_nothing(tmp_path):
    put(tmp_path, POOLING, MEAN)
    assert read(tmp_path) is None and sentence_files(tmp_path) == {}


@pytest.mark.parametrize("mode", FLAGS.values())
@pytest.mark.parametrize("form", ["flags", "a name", "a list"])
def test_each_pooling_is_read_in_the_form_of_each_release(tmp_path, mode, form):
    said = {
        "flags": {
            "word_embedding_dimension": WIDTH,
            **{flag: other == mode for flag, other in FLAGS.items()},
        },
        "a name": {"embedding_dimension": WIDTH, "pooling_mode": mode, "include_prompt": True},
        "a list": {"embedding_dimension": WIDTH, "pooling_mode": [mode]},
    }[form]
    assert read(sentence_model(tmp_path / "m", pooling=said)).poolings == (mode,)


@pytest.mark.parametrize(
    "said, poolings",
    [
        ({"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}, ("cls", "max")),
        ({"pooling_mode": ["max", "cls"]}, ("max", "cls")),
        ({"pooling_mode_cls_token": False}, ("mean",)),
        ({"pooling_mode": "max", "pooling_mode_cls_token": True}, ("max",)),
    ],
    ids=["two flags, in their own order", "two names", "none is the mean", "a name before flags"],
)
def test_several_poolings_or_none(tmp_path, said, poolings):
    said = {"word_embedding_dimension": WIDTH, **said}
    assert read(sentence_model(tmp_path / "m", pooling=said)).poolings == poolings


@pytest.mark.parametrize(
    "length, tokenizer, most",
    [
        ({"max_seq_length": 9}, 12, 9),
        ({"max_seq_length": None}, 12, 12),
        ({}, 12, 12),
        (None, 12, 12),
        (None, 10**30, None),
        (None, 1e30, None),
        (None, None, None),
    ],
)
def test_the_length_is_said_in_one_of_two_files(tmp_path, length, tokenizer, most):
    folder = sentence_model(tmp_path / "m", length=length)
    put(folder, "tokenizer_config.json", {"model_max_length": tokenizer})
    assert read(folder).max_length == most


def test_all_that_is_said_is_told_in_a_line(tmp_path):
    prompts = {"prompts": {"query": "a cat ", "x": None}, "default_prompt_name": "query"}
    length = {"max_seq_length": 9, "do_lower_case": True}
    folder = sentence_model(tmp_path / "m", normalize=True, length=length, prompts=prompts)
    (folder / LENGTH).rename(folder / "sentence_roberta_config.json")
    found = read(folder)
    assert found.about() == (
        "pooling mean, scaled to length 1, at most 9 tokens, lower case, 'a cat ' before each text"
    )
    assert found.prompts == {"query": "a cat ", "x": ""} and found.similarity == "cosine"


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("modules.json", {}, "a list of 1 to 64 modules is needed, found dict"),
        ("modules.json", [], "a list of 1 to 64 modules is needed, found 0"),
        ("modules.json", modules(*["Normalize"] * 65), "found 65"),
        ("modules.json", ["x"], "module 0 is x, a JSON object is needed"),
        ("modules.json", [{"type": 5, "path": ""}], "type is 5, the name of a class"),
        ("modules.json", [{"type": "x"}], "path is None, a folder inside"),
        *(
            ("modules.json", [{"type": "x", "path": path}], "a folder inside of this one is needed")
            for path in (
                "../x",
                "/etc",
                "a/../../b",
                "a\\b",
                "a\0",
                "a\n",
                "\x1b[2J",
                "東" * 86,
                "\ud800",
                5,
            )
        ),
        (POOLING, [], "a JSON object is needed, found list"),
        (POOLING, {}, "no embedding_dimension, the model's vectors have 16 numbers"),
        (POOLING, {**MEAN, "word_embedding_dimension": 17}, "word_embedding_dimension is 17"),
        (POOLING, {**MEAN, "embedding_dimension": "16"}, "embedding_dimension is 16, the model"),
        (POOLING, {**MEAN, "pooling_mode": "median"}, "pooling_mode is median, known are mean"),
        (POOLING, {**MEAN, "pooling_mode": []}, "known are mean"),
        (POOLING, {**MEAN, "pooling_mode": ["max"] * 7}, "known are mean"),
        (POOLING, {**MEAN, "pooling_mode": [["max"]]}, "known are mean"),
        (POOLING, {**MEAN, "pooling_mode_max_tokens": 1}, "is 1, true or false is needed"),
        (LENGTH, {"max_seq_length": 0}, "max_seq_length is 0, at least 1 is needed"),
        (LENGTH, {"max_seq_length": True}, "max_seq_length is True, a whole number is needed"),
        (LENGTH, {"max_seq_length": 9.5}, "max_seq_length is 9.5"),
        (LENGTH, {"do_lower_case": "no"}, "do_lower_case is no, true or false is needed"),
        (PROMPTS, {"prompts": ["a"]}, r"prompts is \['a'\], an object is needed"),
        (PROMPTS, {"prompts": {"a": 5}}, "prompt a is 5, a text is needed"),
        (PROMPTS, {"prompts": {"a": "\ud800"}}, "a text is needed"),
        (PROMPTS, {"prompts": {"a": "x" * 16_385}}, "prompt a: at most 16,384 characters"),
        (PROMPTS, {"default_prompt_name": "a"}, "default_prompt_name is a, which is no prompt"),
    ],
)
def test_what_is_damaged_is_refused_with_its_place(tmp_path, name, content, said):
    folder = sentence_model(tmp_path / "m")
    put(folder, name, content)
    with pytest.raises(InputError, match=said) as caught:
        read(folder)
    assert caught.value.problem.startswith(str(folder / name))


@pytest.mark.parametrize("name", ["modules.json", POOLING])
@pytest.mark.parametrize("how", ["no JSON", "too long", "a pipe", "a link to nowhere"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, how):
    folder = sentence_model(tmp_path / "m")
    (folder / name).unlink()
    if how == "a pipe":
        os.mkfifo(folder / name)
    elif how == "a link to nowhere":
        (folder / name).symlink_to("nowhere")
    else:
        (folder / name).write_text("{" if how == "no JSON" else " " * (1 << 20) + "[]")
    with pytest.raises(InputError) as caught:
        read(folder)
    assert caught.value.problem.startswith(str(folder / name))


@pytest.mark.parametrize(
    "found, said",
    [
        (modules("Transformer", "Pooling", "Dense"), "module 2 is Dense, where only Normalize"),
        (modules("Transformer", "Normalize"), "module 1 is Normalize, where only Pooling"),
        (modules("Pooling", "Transformer"), "module 0 is Pooling, where only Transformer"),
        (modules("Transformer"), "no Pooling comes after the Transformer"),
        (
            [{"type": "my_code.Transformer", "path": ""}, *modules("Transformer", "Pooling")[1:]],
            "module 0 is my_code.Transformer",
        ),
        (
            [
                {"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"},
                *modules("Transformer", "Pooling")[1:],
            ],
            "its Transformer is in the folder 0_Transformer",
        ),
    ],
)
def test_modules_that_are_not_known_are_named_and_not_guessed(tmp_path, found, said):
    folder = sentence_model(tmp_path / "m")
    put(folder, "modules.json", found)
    assert said in read(folder).refusal


@pytest.mark.parametrize(
    "name, content, said",
    [
        (LENGTH, {"transformer_task": "fill-mask"}, "transformer_task of its Transformer is"),
        (LENGTH, {"tokenizer_args": {"padding_side": "left"}}, "tokenizer_args of its"),
        (LENGTH, {"modality_config": {"text": {"method": "x"}}}, "modality_config of its"),
        (LENGTH, {"modality_config": 5}, "modality_config of its Transformer is 5"),
        (PROMPTS, {"model_type": "SparseEncoder"}, "model_type is SparseEncoder"),
        ("2_Normalize/config.json", {"module_input_name": "token_embeddings"}, "of its Normalize"),
    ],
)
def test_settings_that_make_other_vectors_are_named(tmp_path, name, content, said):
    folder = sentence_model(tmp_path / "m", normalize=True)
    put(folder, name, content)
    assert said in read(folder).refusal == read(folder).about()


def test_a_pooling_in_the_folder_itself_has_the_settings_of_the_model(tmp_path):
    folder = sentence_model(tmp_path / "m")
    found = modules("Transformer", "Pooling")
    found[1]["path"] = ""
    put(folder, "modules.json", found)
    with pytest.raises(InputError, match=r"m/config\.json: no embedding_dimension"):
        read(folder)


def test_a_prompt_that_is_left_out_of_pooling_is_refused_where_there_is_one(tmp_path):
    pooling = {**MEAN, "include_prompt": False}
    assert not read(sentence_model(tmp_path / "a", pooling=pooling)).refusal
    prompts = {"prompts": {"a": "cat "}, "default_prompt_name": "a"}
    folder = sentence_model(tmp_path / "b", pooling=pooling, prompts=prompts)
    assert "include_prompt is false" in read(folder).refusal


def test_what_release_6_writes_is_read(tmp_path):
    folder = sentence_model(tmp_path / "m", pooling={"embedding_dimension": WIDTH})
    kinds = ("base.modules.transformer.Transformer", "sentence_transformer.modules.pooling.Pooling")
    normalize = "base.modules.normalize.Normalize"
    found = [
        {"path": path, "type": f"sentence_transformers.{kind}"}
        for path, kind in zip(("", "1_Pooling", "2_N"), (*kinds, normalize), strict=True)
    ]
    put(folder, "modules.json", found)
    text = {"method": "forward", "method_output_name": "last_hidden_state"}
    length = {
        "transformer_task": "feature-extraction",
        "modality_config": {"text": text},
        "module_output_name": "token_embeddings",
    }
    put(folder, LENGTH, length)
    put(folder, PROMPTS, {"model_type": "SentenceTransformer", "similarity_fn_name": "dot"})
    names = {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}
    put(folder, "2_N/config.json", names)
    read_ = read(folder)
    assert (read_.poolings, read_.normalize, read_.similarity) == (("mean",), True, "dot")
    assert not read_.refusal


def test_a_saved_model_keeps_what_was_beside_it_modules_unknown_here_too(tmp_path):
    folder = sentence_model(tmp_path / "m", normalize=True, length={"max_seq_length": 9})
    put(folder, "modules.json", modules("Transformer", "Pooling", "Dense"))
    put(folder, "2_Dense/config.json", {"in_features": 16})
    (folder / "2_Dense/model.safetensors").write_bytes(b"weights")
    BertModel.load(folder).save(tmp_path / "copy")
    names = ["modules.json", LENGTH, POOLING, "2_Dense/config.json", "2_Dense/model.safetensors"]
    assert sorted(sentence_files(folder)) == sorted(names)
    for name in names:
        assert (tmp_path / "copy" / name).read_bytes() == (folder / name).read_bytes()
    listed = json.loads((tmp_path / "copy/tokpipe.json").read_text())["files"]
    assert set(names) < set(listed)
    small().save(tmp_path / "plain")
    assert not (tmp_path / "plain/modules.json").exists()


@pytest.mark.parametrize("name", ["modules.json", POOLING, LENGTH])
def test_a_copy_that_was_changed_is_not_believed(tmp_path, name):
    folder = sentence_model(tmp_path / "m", length={"max_seq_length": 9})
    BertModel.load(folder).save(tmp_path / "copy")
    path = tmp_path / "copy" / name
    path.write_text(path.read_text() + " ")
    with pytest.raises(ArtifactError, match=name):
        read(tmp_path / "copy")
