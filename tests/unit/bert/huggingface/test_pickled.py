import io

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import CONFIGS, filled
from tests.unit.bert.huggingface.pickles import (
    archive,
    converted,
    program,
    saved,
    storage,
    tensor,
    text,
)
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline, write_checkpoint
from tokpipe.bert.huggingface.pickled import read_pickled_entries
from tokpipe.bert.huggingface.tensor_file import TensorFile
from tokpipe.foundation.errors import InputError

BOTH = pytest.mark.parametrize("is_archive", [True, False])
VALUES = np.array([[1.5, -2.0, 0.0], [3.0, -0.0, 1e-3]], np.float32)
PLAIN = program({"a": VALUES})


def read_all(path):
    with TensorFile(path, read_pickled_entries) as file:
        out = {}
        for name, entry in file.entries.items():
            if entry.dtype != "I64":
                out[name] = np.empty(entry.shape, np.float32)
                file.read(name, out[name])
        return out


def read_bytes(tmp_path, content):
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    return read_all(path)


@BOTH
def test_tensors_of_each_kind_are_read(is_archive, tmp_path):
    brain = (VALUES.view(np.uint32) >> 16).astype(np.uint16)
    found = read_bytes(
        tmp_path,
        saved(
            {
                "single": VALUES,
                "half": VALUES.astype(np.float16),
                "brain": brain,
                "double": VALUES.astype(np.float64) + 1e-12,
                "ids": np.arange(3),
                "none": np.empty((0, 3), np.float32),
                "one": np.array(2, np.float32),
            },
            is_archive,
        ),
    )
    assert found["single"].tobytes() == VALUES.tobytes()
    assert found["half"].tobytes() == VALUES.astype(np.float16).astype(np.float32).tobytes()
    assert found["brain"].tobytes() == (brain.astype(np.uint32) << 16).tobytes()
    assert found["double"].tobytes() == (VALUES + np.float64(1e-12)).astype(np.float32).tobytes()
    assert found["none"].shape == (0, 3) and found["one"] == 2


@pytest.mark.parametrize("kind", ["f4", "f2", "f8", "u2"])
def test_views_of_one_storage_are_read(kind, tmp_path):
    values = np.arange(12).astype(kind)
    name = {"f4": "Float", "f2": "Half", "f8": "Double", "u2": "BFloat16"}[kind]
    stored = storage("0", name, 12)
    views = {
        "whole": ((3, 4), (4, 1), 0),
        "turned": ((4, 3), (1, 4), 0),
        "part": ((2, 2), (4, 1), 5),
        "every other": ((5,), (2,), 1),
        "a column": ((3, 1), (4, 9), 3),
        "no number": ((), (), 7),
        "repeated": ((3, 4), (0, 1), 2),
    }
    made = b"".join(
        text(n) + tensor(stored, shape, strides, offset)
        for n, (shape, strides, offset) in views.items()
    )
    found = read_bytes(tmp_path, archive(b"\x80\x02}(" + made + b"u.", [values.tobytes()]))
    wide = (values.astype(np.uint32) << 16).view(np.float32) if kind == "u2" else values
    for n, (shape, strides, offset) in views.items():
        steps = tuple(step * wide.itemsize for step in strides)
        view = np.lib.stride_tricks.as_strided(wide[offset:], shape, steps)
        np.testing.assert_array_equal(found[n], view.astype(np.float32), err_msg=n)


@BOTH
@pytest.mark.parametrize("name", ["bert", "roberta", "albert, wide"])
def test_a_model_opens_with_the_same_weights(name, is_archive, tmp_path):
    parameters = filled(CONFIGS[name])
    write_checkpoint(tmp_path, parameters)
    outline = read_outline(tmp_path)
    converted(tmp_path, is_archive)
    assert not [*tmp_path.glob("*.safetensors")]
    found = load_checkpoint(tmp_path)
    assert found.parameters.block.tobytes() == parameters.block.tobytes()
    assert read_outline(tmp_path) == outline


@BOTH
def test_a_model_in_parts_opens_with_the_same_weights(is_archive, tmp_path):
    parameters = filled(CONFIGS["bert"])
    write_checkpoint(tmp_path, parameters, shard_bytes=1000)
    converted(tmp_path, is_archive)
    assert len([*tmp_path.glob("*.bin")]) > 4
    assert load_checkpoint(tmp_path).parameters.block.tobytes() == parameters.block.tobytes()
    path = next(tmp_path.glob("*.bin"))
    path.write_bytes(saved({"other": VALUES}))
    with pytest.raises(InputError, match="do not hold what it says"):
        load_checkpoint(tmp_path)


def test_safetensors_go_before(tmp_path):
    parameters = filled(CONFIGS["bert"])
    write_checkpoint(tmp_path, parameters)
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n.")
    assert load_checkpoint(tmp_path).parameters.block.tobytes() == parameters.block.tobytes()


def test_what_is_met_stands_in_the_message_with_the_way_to_convert(tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS["bert"]))
    converted(tmp_path)
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(archive(b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR."))
    with pytest.raises(InputError, match=r"pytorch_model\.bin: byte 2 of .* os\.system") as caught:
        load_checkpoint(tmp_path)
    assert "save_pretrained" in caught.value.hint


def test_one_who_names_the_file_is_told_to_name_the_folder(tmp_path):
    write_checkpoint(tmp_path, filled(CONFIGS["bert"]))
    converted(tmp_path)
    with pytest.raises(InputError, match="a file, no folder of a model") as caught:
        load_checkpoint(tmp_path / "pytorch_model.bin")
    assert "Name the folder" in caught.value.hint


def test_weights_too_large_for_32_bits_are_refused(tmp_path):
    with pytest.raises(InputError, match="value 1 is inf"):
        read_bytes(tmp_path, saved({"a": np.array([1, 1e300])}))


@pytest.mark.peers
@BOTH
def test_files_of_torch_are_read_as_it_does(is_archive, tmp_path):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    draw = torch.Generator().manual_seed(0)
    base = torch.randn(6, 8, generator=draw)
    layer = torch.nn.Linear(3, 2)
    saved_tensors = {
        "base": base,
        "turned": base.T,
        "part": base[1:4, 2:6],
        "again": base,
        "half": base.half(),
        "brain": base.bfloat16(),
        "double": base.double(),
        "ids": torch.arange(4)[None],
        "parameter": torch.nn.Parameter(base.clone()),
        "empty": base[:0],
        "repeated": base[0].expand(2, 8),
        **layer.state_dict(),
    }
    state = layer.state_dict()  # an OrderedDict with _metadata
    state.update(saved_tensors)
    for content in (saved_tensors, state):
        out = io.BytesIO()
        torch.save(content, out, _use_new_zipfile_serialization=is_archive)
        found = read_bytes(tmp_path, out.getvalue())
        assert found.keys() == content.keys() - {"ids"}
        for name, values in found.items():
            expected = content[name].detach().float().contiguous().numpy()
            assert values.tobytes() == expected.tobytes(), name


@pytest.mark.peers
@BOTH
def test_a_module_of_torch_is_refused_by_its_name(is_archive, tmp_path):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    out = io.BytesIO()
    torch.save(torch.nn.Linear(3, 2), out, _use_new_zipfile_serialization=is_archive)
    with pytest.raises(InputError, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_bytes(tmp_path, out.getvalue())


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@BOTH
@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16", "float64"])
def test_a_model_of_transformers_opens_as_from_its_safetensors(is_archive, kind, tmp_path):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    config = transformers.BertConfig(
        vocab_size=60,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=20,
    )
    model = transformers.BertForPreTraining(config).to(getattr(torch, kind))
    model.save_pretrained(tmp_path)
    expected = load_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    state = model.state_dict()
    path = tmp_path / "pytorch_model.bin"
    torch.save(state, path, _use_new_zipfile_serialization=is_archive)
    found = load_checkpoint(tmp_path)
    assert found.parameters.block.tobytes() == expected.parameters.block.tobytes()
    assert (found.config, found.dtypes) == (expected.config, expected.dtypes)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_parts_that_the_library_of_the_hub_wrote_are_read(tmp_path):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    hub = pytest.importorskip("huggingface_hub", reason="the peers extra is not installed")
    parameters = filled(CONFIGS["bert"])
    write_checkpoint(tmp_path, parameters)
    with TensorFile(tmp_path / "model.safetensors") as file:
        state = {name: torch.empty(entry.shape) for name, entry in file.entries.items()}
        for name, values in state.items():
            file.read(name, values.numpy())
    (tmp_path / "model.safetensors").unlink()
    hub.save_torch_state_dict(state, tmp_path, max_shard_size=2000, safe_serialization=False)
    assert len([*tmp_path.glob("pytorch_model-*.bin")]) > 2
    assert load_checkpoint(tmp_path).parameters.block.tobytes() == parameters.block.tobytes()
