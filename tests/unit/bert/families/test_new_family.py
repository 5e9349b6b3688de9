"""A family that the package does not know is one file: here ELECTRA, to its numbers and names."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import SHAPE, filled
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT_ROWS
from tokpipe.bert.families.family import (
    COMMON_KEYS,
    OTHER_HEADS,
    Family,
    offset_reasons,
    transformers_reasons,
)
from tokpipe.bert.families.registry import FAMILIES, family_of, refusals
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.huggingface.parts import parts_of
from tokpipe.bert.model import Model
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError
from tokpipe.tasks.model import BertModel


def reasons(config):
    yield from transformers_reasons(config)
    yield from offset_reasons(config)
    if config.share_layers != "none":
        yield f"share_layers={config.share_layers!r}"
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"
    if config.pooler:
        yield "pooler (it has none)"


ELECTRA = Family(
    name="electra",
    title="ELECTRA",
    prefix="electra.",
    rows={
        **{ours: row for ours, row in BERT_ROWS.items() if ours != "pooler"},
        "embeddings.projection": "embeddings_project",
    },
    heads={
        "mlm.transform": "generator_predictions.dense",
        "mlm.norm": "generator_predictions.LayerNorm",
        "mlm.bias": "generator_lm_head.bias",
    },
    copies={"generator_lm_head.weight": "embeddings.token"},
    other_heads=(*OTHER_HEADS, "discriminator_predictions."),
    always=("embeddings.segment",),
    keys={key: key for key in (*COMMON_KEYS, "embedding_size")},
    defaults={
        "embedding_size": 128,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
    implied=lambda values: {"pooler": False},
    reasons=reasons,
    architectures={("mlm",): "ElectraForMaskedLM", (): "ElectraModel"},
)
CONFIG = BertConfig(**SHAPE, embedding_size=4, pooler=False, nsp_head=False)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FAMILIES, "electra", ELECTRA)


@pytest.mark.parametrize("changes", [{}, {"embedding_size": None}, {"mlm_head": False}])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_it_is_exported_imported_and_comes_back_bit_for_bit(changes, dtype, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    parameters = filled(replace(CONFIG, **changes))
    write_checkpoint(one, parameters, family=ELECTRA, dtypes=dtype)
    found = load_checkpoint(one)
    assert (found.family, found.config) == (ELECTRA, parameters.config)
    if dtype == "F32":
        assert found.parameters.block.tobytes() == parameters.block.tobytes()
    write_checkpoint(two, found.parameters, family=found.family, dtypes=found.dtypes)
    for name in ("config.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_it_is_chosen_where_no_other_can_say_the_model(tmp_path):
    assert family_of(CONFIG) is ELECTRA
    assert list(parts_of(CONFIG, ELECTRA)) == ["encoder", "masked-lm"]
    BertModel(filled(CONFIG)).save(tmp_path / "m")
    assert BertModel.load(tmp_path / "m").family is ELECTRA
    said = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (said["model_type"], said["architectures"]) == ("electra", ["ElectraForMaskedLM"])


def test_what_it_cannot_say_is_refused_with_the_reason(tmp_path):
    config = replace(CONFIG, pooler=True)
    assert refusals(config, ELECTRA) == ["pooler (it has none)"]
    with pytest.raises(ConfigError, match="transformers calls electra"):
        write_checkpoint(tmp_path, filled(config), family=ELECTRA)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("width", [4, 8])
def test_transformers_gives_the_same_numbers(width, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    config = replace(CONFIG, embedding_size=None if width == 8 else width)
    parameters = filled(config)
    write_checkpoint(tmp_path, parameters, family=ELECTRA)
    theirs, told = transformers.ElectraForMaskedLM.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not told["missing_keys"] and not told["unexpected_keys"]
    ids = np.array([2, 10, 11, 4, 13, 3], np.int32)
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(ids[None].astype(np.int64))).logits[0].numpy()
    borders, places = np.array([0, 6], np.int32), np.arange(6, dtype=np.int32)
    packed = Batch(ids, borders, np.zeros(6, np.int32), masked_positions=places)
    found = Model(config, parameters).logits("mlm", packed)
    np.testing.assert_allclose(found, expected, atol=5e-5, rtol=1e-5)
    transformers.ElectraForPreTraining(theirs.config).save_pretrained(tmp_path / "other")
    left_out = load_checkpoint(tmp_path / "other").left_out
    assert left_out and all(name.startswith("discriminator_predictions.") for name in left_out)
    theirs.save_pretrained(tmp_path / "again")
    again = load_checkpoint(tmp_path / "again").parameters
    assert again.block.tobytes() == parameters.block.tobytes()
