import bz2
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import BARE, CONFIGS, JOBS, SHAPE, filled
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline, write_checkpoint
from tokpipe.bert.huggingface.tensor_file import TensorFile, write_tensors
from tokpipe.foundation.errors import InputError

PLAIN = {
    name: replace(CONFIGS[name], **BARE)
    for name in ("bert", "roberta", "distilbert", "albert", "electra", "mpnet", "tokpipe")
}


def read_tensors(path):
    with TensorFile(path) as file:
        found = {name: np.empty(entry.shape, np.float32) for name, entry in file.entries.items()}
        for name, out in found.items():
            file.read(name, out)
        return found


@pytest.fixture
def bert(tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS["bert"]))
    return tmp_path


def rewritten(folder, change, dtypes="F32"):
    path = folder / "model.safetensors"
    tensors = read_tensors(path)
    write_tensors(path, change(tensors) or tensors, dtypes)


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_come_back_bit_for_bit(name, tmp_path):
    parameters = filled(CONFIGS[name])
    write_checkpoint(tmp_path, parameters)
    found = load_checkpoint(tmp_path)
    expected = dict(parameters.views)
    if name == "bert without segments":
        assert not found.parameters.views["embeddings.segment"].any()
        expected["embeddings.segment"] = np.zeros((1, 8), np.float32)
    assert {n: v.tobytes() for n, v in found.parameters.views.items()} == {
        n: v.tobytes() for n, v in expected.items()
    }


@pytest.mark.parametrize("name", [n for n in CONFIGS if n != "bert without segments"])
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_import_then_export_gives_the_same_file(name, dtype, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    write_checkpoint(one, filled(CONFIGS[name]), dtypes=dtype)
    found = load_checkpoint(one)
    write_checkpoint(two, found.parameters, family=found.family, dtypes=found.dtypes)
    for file in ("model.safetensors", "config.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes()


def test_files_in_parts_are_read_and_written(tmp_path):
    parameters = filled(CONFIGS["bert"])
    names = write_checkpoint(tmp_path, parameters, shard_bytes=1000)
    assert names[1] == "model.safetensors.index.json" and len(names) > 4
    index = json.loads((tmp_path / names[1]).read_text())
    assert index["metadata"]["total_size"] == 4 * parameters.count
    assert load_checkpoint(tmp_path).parameters.block.tobytes() == parameters.block.tobytes()


def test_old_names_no_prefix_buffers_and_copies_are_understood(bert):
    before = load_checkpoint(bert).parameters.block.tobytes()

    def change(tensors):
        renamed = {}
        for name, values in tensors.items():
            for new, old in ((".weight", ".gamma"), (".bias", ".beta")):
                if f"LayerNorm{new}" in name:
                    name = name.replace(new, old)
            renamed[name.removeprefix("bert.")] = values
        token = renamed["embeddings.word_embeddings.weight"]
        renamed["cls.predictions.decoder.weight"] = token
        renamed["cls.predictions.decoder.bias"] = renamed.pop("cls.predictions.bias")
        renamed["embeddings.position_ids"] = np.arange(11, dtype=np.float32)[None]
        return renamed

    rewritten(bert, change)
    assert load_checkpoint(bert).parameters.block.tobytes() == before


def test_heads_may_be_missing(bert):
    rewritten(bert, lambda t: {n: v for n, v in t.items() if not n.startswith("cls.")})
    config = load_checkpoint(bert).config
    assert (config.pooler, config.mlm_head, config.nsp_head) == (True, False, False)
    rewritten(bert, lambda t: {n: v for n, v in t.items() if "pooler" not in n})
    assert not load_checkpoint(bert).config.pooler


def remove(name):
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def put(name, shape):
    return lambda tensors: tensors.update({name: np.zeros(shape, np.float32)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("bert.encoder.layer.1.attention.self.key.bias"), r"no bert\.encoder\.layer\.1"),
        (remove("cls.predictions.transform.dense.bias"), r"no cls\.predictions\.transform"),
        (remove("bert.pooler.dense.bias"), r"no bert\.pooler"),
        (put("decoder.weight", (2, 8)), r"decoder\.weight: no part of a BERT"),
        (put("classifiers.weight", (2, 8)), r"classifiers\.weight: no part of a BERT"),
        (put("bert.encoder.layer.2.output.dense.bias", (8,)), "no part of a BERT"),
        (put("bert.pooler.dense.weight", (8, 9)), r"has the shape \[8, 9\], config.json asks"),
        (put("cls.predictions.decoder.weight", (23, 8)), "differs from the embeddings"),
        (put("pooler.dense.weight", (8, 8)), "are the same tensor"),
        (put("\x1b[31mx", (1,)), r"\\x1b\[31mx: no part"),
    ],
)
def test_tensors_that_are_not_those_of_the_settings_are_named_and_refused(bert, change, message):
    rewritten(bert, change)
    with pytest.raises(InputError, match=message):
        load_checkpoint(bert)


HEADS = [
    ["classifier.weight", "classifier.bias"],
    ["qa_outputs.weight", "qa_outputs.bias"],
    ["score.weight"],
    ["pre_classifier.weight", "pre_classifier.bias", "classifier.weight"],
    ["classifier.dense.weight", "classifier.out_proj.weight"],
]


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", ["bert", "bert for masks", "roberta", "distilbert", "albert"])
def test_heads_for_other_tasks_are_left_out_and_named(name, heads, tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS[name]))
    before = load_checkpoint(tmp_path)
    rewritten(tmp_path, lambda t: {**t, **{n: np.full((2, 8), 3, np.float32) for n in heads}})
    found = load_checkpoint(tmp_path)
    assert sorted(found.left_out) == sorted(heads) and not before.left_out
    assert found.config == before.config
    assert found.parameters.block.tobytes() == before.parameters.block.tobytes()
    assert read_outline(tmp_path).left_out == found.left_out


WRAPPERS = (
    *("module.", "model.", "_orig_mod.", "module.module.", "model._orig_mod.", "student."),
    *("bert.", "roberta.", "encoder.", "transformer.", "net.backbone.", "0.auto_model."),
)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", CONFIGS)
def test_what_was_put_before_all_names_is_taken_off(name, wrapper, tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS[name]))
    before = load_checkpoint(tmp_path)
    rewritten(tmp_path, lambda t: {wrapper + n: value for n, value in t.items()})
    found = load_checkpoint(tmp_path)
    assert found.config == before.config and not found.left_out
    assert found.parameters.block.tobytes() == before.parameters.block.tobytes()


@pytest.mark.parametrize(
    ("name", "wrapper"), [(n, w) for n in PLAIN for w in WRAPPERS if w != FAMILIES[n].prefix]
)
def test_heads_and_other_things_beside_what_was_put_around_are_left_out(name, wrapper, tmp_path):
    write_checkpoint(tmp_path, filled(PLAIN[name]))
    before = load_checkpoint(tmp_path)
    beside = ["classifier.weight", "criterion.weight", "2.linear.bias", "n_averaged"]
    values = np.full((2, 8), 3, np.float32)

    def change(tensors):
        wrapped = {wrapper + n: value for n, value in tensors.items()}
        return wrapped | dict.fromkeys(beside, values)

    rewritten(tmp_path, change)
    found = load_checkpoint(tmp_path)
    assert sorted(found.left_out) == sorted(beside)
    assert found.config == before.config
    assert found.parameters.block.tobytes() == before.parameters.block.tobytes()


@pytest.mark.parametrize("name", [name for name in JOBS if not name.startswith("tokpipe")])
def test_the_head_of_a_job_beside_what_was_put_around_the_encoder_is_kept(name, tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS[name]))
    before = load_checkpoint(tmp_path)
    heads = ("classifier", "pre_classifier", "qa_outputs")
    rewritten(
        tmp_path,
        lambda t: {n if n.startswith(heads) else f"model.{n}": value for n, value in t.items()},
    )
    found = load_checkpoint(tmp_path)
    assert found.config == before.config and not found.left_out
    assert found.parameters.block.tobytes() == before.parameters.block.tobytes()


@pytest.mark.parametrize("before", ["module.", "_orig_mod.module.", "encoder."])
def test_what_stands_before_some_names_only_is_named_as_the_cause(bert, before):
    bare = {"bert.pooler.dense.weight", "cls.predictions.bias"}
    rewritten(bert, lambda t: {n if n in bare else before + n: value for n, value in t.items()})
    with pytest.raises(InputError, match=f"begin with '{before}', but not") as caught:
        load_checkpoint(bert)
    assert all(name in caught.value.problem for name in bare)
    rewritten(bert, lambda t: {f"model.{n}": value for n, value in t.items()})
    with pytest.raises(InputError, match=rf"begin with 'model\.{before}', but not"):
        load_checkpoint(bert)


def test_two_models_in_one_file_are_told_apart(bert):
    rewritten(
        bert, lambda t: {f"{one}.{n}": v for n, v in t.items() for one in ("student", "teacher")}
    )
    with pytest.raises(InputError, match=r"'(student|teacher)\.', but not (teacher|student)\.bert"):
        load_checkpoint(bert)


def test_an_albert_with_a_projection_of_its_own_between_equal_widths_is_refused(tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS["albert, wide"]))
    rewritten(tmp_path, put("albert.encoder.embedding_hidden_mapping_in.weight", (8, 8)))
    with pytest.raises(InputError, match="differs from the values that change nothing"):
        load_checkpoint(tmp_path)


def test_roberta_with_another_activation_and_a_head_is_refused(tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS["roberta"]))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    with pytest.raises(InputError, match="always has gelu"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["training_args.bin", "model.pt", "weights.pkl", "w.npy"])
def test_pickles_are_refused_with_the_way_to_convert_them(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04K\x01.")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(InputError) as caught:
            load_checkpoint(path)
        assert "save_pretrained" in caught.value.hint


def test_what_is_no_model_folder_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="no "):
            load_checkpoint(path)


@pytest.mark.parametrize(
    "place", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "x.bin", 3, None, "x\0"]
)
def test_an_index_leads_to_files_beside_it_only(bert, place):
    (bert / "model.safetensors").rename(bert / "x.safetensors")
    names = list(read_tensors(bert / "x.safetensors"))
    index = {"weight_map": dict.fromkeys(names, "x.safetensors")}
    path = bert / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    load_checkpoint(bert)
    index["weight_map"][names[0]] = place
    path.write_text(json.dumps(index))
    with pytest.raises(InputError, match="is no name of a safetensors file"):
        load_checkpoint(bert)


def test_an_index_that_names_other_tensors_is_refused(bert):
    (bert / "model.safetensors").rename(bert / "x.safetensors")
    path = bert / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"other": "x.safetensors"}}))
    with pytest.raises(InputError, match="do not hold what it says"):
        load_checkpoint(bert)


def test_settings_of_a_giant_are_refused_without_its_memory(bert):
    config = json.loads((bert / "config.json").read_text())
    giant = {"hidden_size": 1 << 16, "num_hidden_layers": 1 << 10, "vocab_size": 1 << 24}
    (bert / "config.json").write_text(json.dumps(config | giant))
    with pytest.raises(InputError, match=r"no bert\.encoder\.layer\.2"):
        load_checkpoint(bert)
    (bert / "config.json").write_text(json.dumps(config | {"hidden_size": 1 << 16}))
    with pytest.raises(InputError, match="has the shape"):
        load_checkpoint(bert)


def test_a_model_of_another_family_is_written_under_its_names(tmp_path):
    config = BertConfig(**SHAPE, type_vocab_size=0, pooler=False, nsp_head=False)
    write_checkpoint(tmp_path, filled(config), family=BERT)
    assert load_checkpoint(tmp_path).config == replace(config, type_vocab_size=1)


def test_a_real_checkpoint_is_read(shared_data, tmp_path):
    source = shared_data / "checkpoints" / "minilm-2l-8k"
    packed = (source / "model.safetensors.bz2").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(bz2.decompress(packed))
    shutil.copy(source / "config.json", tmp_path)
    found = load_checkpoint(tmp_path)
    heads = (found.config.pooler, found.config.mlm_head, found.config.nsp_head)
    assert heads == (True, False, False)
    (tmp_path / "again").mkdir()
    write_checkpoint(tmp_path / "again", found.parameters, dtypes=found.dtypes)
    ours, theirs = (read_tensors(p / "model.safetensors") for p in (tmp_path / "again", tmp_path))
    theirs.pop("embeddings.position_ids", None)
    assert {n: v.tobytes() for n, v in ours.items()} == {n: v.tobytes() for n, v in theirs.items()}
