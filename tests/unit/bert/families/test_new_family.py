"""A family that the package does not know is one file: here ERNIE, to its numbers and names."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import SHAPE, filled
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.registry import FAMILIES, family_of, refusals
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.huggingface.parts import parts_of
from tokpipe.bert.model import Model
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tasks.model import BertModel

ERNIE = replace(
    BERT,
    name="ernie",
    title="ERNIE",
    prefix="ernie.",
    allowed={"use_task_id": (False, None)},
    reasons=lambda config: iter(["pooler (it has none)"] * (not config.pooler)),
    architectures={("mlm", "nsp"): "ErnieForPreTraining", (): "ErnieModel"},
)
CONFIG = BertConfig(**SHAPE, norm_position="pre")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FAMILIES, "ernie", ERNIE)


@pytest.mark.parametrize("changes", [{}, {"mlm_head": False, "nsp_head": False}])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_it_is_exported_imported_and_comes_back_bit_for_bit(changes, dtype, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    parameters = filled(BertConfig(**SHAPE, **changes))
    write_checkpoint(one, parameters, family=ERNIE, dtypes=dtype)
    found = load_checkpoint(one)
    assert (found.family, found.config) == (ERNIE, parameters.config)
    if dtype == "F32":
        assert found.parameters.block.tobytes() == parameters.block.tobytes()
    write_checkpoint(two, found.parameters, family=found.family, dtypes=found.dtypes)
    for name in ("config.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_it_is_chosen_where_no_other_can_say_the_model_and_kept_where_one_was(tmp_path):
    assert family_of(CONFIG) is ERNIE
    assert list(parts_of(CONFIG, ERNIE)) == ["encoder", "masked-lm"]
    plain = BertConfig(**SHAPE)
    assert (family_of(plain), family_of(plain, ERNIE)) == (BERT, ERNIE)
    BertModel(filled(plain), family=ERNIE).save(tmp_path / "m")
    assert BertModel.load(tmp_path / "m").family is ERNIE
    assert BertModel.load(tmp_path / "m").without_heads().family is ERNIE
    said = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (said["model_type"], said["architectures"]) == ("ernie", ["ErnieForPreTraining"])


def test_a_setting_that_ours_cannot_follow_is_named(tmp_path):
    write_checkpoint(tmp_path, filled(BertConfig(**SHAPE)), family=ERNIE)
    said = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(said | {"use_task_id": True}))
    with pytest.raises(InputError, match="use_task_id is True, False is needed"):
        load_checkpoint(tmp_path)


def test_what_it_cannot_say_is_refused_with_the_reason(tmp_path):
    config = BertConfig(**SHAPE, pooler=False, nsp_head=False)
    assert refusals(config, ERNIE) == ["pooler (it has none)"]
    assert family_of(config, ERNIE) is BERT
    with pytest.raises(ConfigError, match="transformers calls ernie"):
        write_checkpoint(tmp_path, filled(config), family=ERNIE)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_transformers_gives_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    parameters = filled(BertConfig(**SHAPE))
    write_checkpoint(tmp_path, parameters, family=ERNIE)
    theirs, told = transformers.ErnieForPreTraining.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not told["missing_keys"] and not told["unexpected_keys"]
    ids = np.array([2, 10, 11, 4, 13, 3], np.int32)
    with torch.no_grad():
        said = theirs.eval()(torch.tensor(ids[None].astype(np.int64)))
    borders, places = np.array([0, 6], np.int32), np.arange(6, dtype=np.int32)
    packed = Batch(ids, borders, np.zeros(6, np.int32), masked_positions=places)
    found = Model(parameters.config, parameters).logits("mlm", packed)
    np.testing.assert_allclose(found, said.prediction_logits[0].numpy(), atol=5e-5, rtol=1e-5)
    theirs.save_pretrained(tmp_path / "again")
    again = load_checkpoint(tmp_path / "again").parameters
    assert again.block.tobytes() == parameters.block.tobytes()
