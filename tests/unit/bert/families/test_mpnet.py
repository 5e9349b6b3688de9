"""A model of distances alone is an MPNet whose table of places says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import CONFIGS, SHAPE, filled
from tests.unit.bert.huggingface.test_checkpoint import read_tensors
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.mpnet import MPNET
from tokpipe.bert.families.registry import closest_family, family_of, refusals
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline, write_checkpoint
from tokpipe.bert.huggingface.tensor_file import write_tensors
from tokpipe.foundation.errors import ConfigError, InputError

BARE, SEGMENT = CONFIGS["mpnet of distances"], CONFIGS["mpnet of distances and a segment"]
TABLE = "mpnet.embeddings.position_embeddings.weight"


def with_table(folder, change):
    path = folder / "model.safetensors"
    tensors = read_tensors(path)
    change(tensors[TABLE])
    write_tensors(path, tensors, "F32")


@pytest.mark.parametrize("pad", [0, 1, 5])
@pytest.mark.parametrize("config", [BARE, SEGMENT], ids=["bare", "segment"])
def test_settings_and_weights_come_back_and_the_table_says_nothing(config, pad, tmp_path):
    parameters = filled(replace(config, pad_token_id=pad))
    write_checkpoint(tmp_path, parameters)
    table = read_tensors(tmp_path / "model.safetensors")[TABLE]
    assert table.shape == (SHAPE["max_position_embeddings"] + 2, 8)
    row = parameters.views.get("embeddings.segment", np.zeros((1, 8)))
    assert (table == row).all()
    found = load_checkpoint(tmp_path)
    assert (found.family, found.config) == (MPNET, parameters.config)
    assert read_outline(tmp_path).config == parameters.config
    assert found.parameters.block.tobytes() == parameters.block.tobytes()


def test_a_table_that_says_something_is_places(tmp_path):
    parameters = filled(replace(BARE, pad_token_id=1))
    write_checkpoint(tmp_path, parameters)

    def change(table):
        table[3, 5] = 1e-6

    with_table(tmp_path, change)
    found = load_checkpoint(tmp_path)
    assert (found.config.position, found.config.longest) == ("learned-relative", 11)
    assert np.count_nonzero(found.parameters.views["embeddings.position"]) == 1
    weights = {n: v for n, v in found.parameters.views.items() if n != "embeddings.position"}
    assert weights.keys() == parameters.views.keys()
    assert all((weights[name] == view).all() for name, view in parameters.views.items())


def test_places_beside_another_padding_are_refused(tmp_path):
    write_checkpoint(tmp_path, filled(BARE))

    def change(table):
        table[3, 5] = 1e-6

    with_table(tmp_path, change)
    with pytest.raises(InputError, match="position_offset=2 and pad_token_id=0, which are 2 and 1"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_other_precisions_come_back_as_they_were_stored(dtype, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    write_checkpoint(one, filled(SEGMENT), dtypes=dtype)
    found = load_checkpoint(one)
    write_checkpoint(two, found.parameters, family=found.family, dtypes=found.dtypes)
    for name in ("config.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_what_does_not_fit_is_named(tmp_path):
    config = BertConfig(**SHAPE, position="relative")  # pairs, with a head for them
    assert refusals(config, MPNET) == [
        "type_vocab_size=2 (it has no segments)",
        "nsp_head (it has none)",
    ]
    assert closest_family(config) is MPNET and family_of(config).name == "tokpipe"
    with pytest.raises(ConfigError, match="transformers calls mpnet: type_vocab_size=2"):
        write_checkpoint(tmp_path, filled(config), family=MPNET)
    for changes, reason in (
        ({"norm_position": "pre"}, "norm_position"),
        ({"share_layers": "all"}, "share_layers"),
        ({"hidden_act": "elu"}, "hidden_act"),
        ({"embedding_size": 4}, "embedding_size"),
    ):
        found = refusals(replace(BARE, **changes), MPNET)
        assert found and all(reason in one for one in found)
