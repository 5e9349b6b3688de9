"""RoBERTas under other names, and ELECTRA: what each is called, and stays."""

import json
from dataclasses import replace

import pytest

from tests.unit.bert.huggingface.models import CONFIGS, JOBS, filled
from tokpipe.bert.families.electra import ELECTRA
from tokpipe.bert.families.registry import FAMILIES, closest_family, family_of, refusals
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.huggingface.names import their_tensors
from tokpipe.bert.huggingface.tensor_file import write_tensors
from tokpipe.tasks.model import BertModel

RENAMED = ("xlm-roberta", "camembert", "data2vec-text")
WHOLE = {"heads": CONFIGS["roberta"]} | {
    name.removeprefix("roberta, "): config
    for name, config in JOBS.items()
    if name.startswith("roberta, ")
}


@pytest.mark.parametrize("job", WHOLE)
@pytest.mark.parametrize("name", RENAMED)
def test_a_roberta_of_another_name_keeps_it(name, job, tmp_path):
    family, parameters = FAMILIES[name], filled(WHOLE[job])
    write_checkpoint(tmp_path, parameters, family=family)
    found = load_checkpoint(tmp_path)
    assert (found.family, found.config) == (family, parameters.config)
    assert found.parameters.block.tobytes() == parameters.block.tobytes()
    model = BertModel.load(tmp_path)
    model.save(tmp_path / "saved")
    said = json.loads((tmp_path / "saved" / "config.json").read_text())
    wanted = family.architectures[(parameters.config.task,) if job != "heads" else ("mlm",)]
    assert (said["model_type"], said["architectures"]) == (name, [wanted])
    assert model.without_heads().family is family
    for one in (family_of, closest_family):
        assert (one(WHOLE[job]), one(WHOLE[job], family)) == (ROBERTA, family)


def test_a_discriminator_is_read_without_its_own_head(tmp_path):
    parameters = filled(replace(CONFIGS["electra"], mlm_head=False))
    write_checkpoint(tmp_path, parameters, family=ELECTRA)
    said = json.loads((tmp_path / "config.json").read_text())
    said["architectures"] = ["ElectraForPreTraining"]
    (tmp_path / "config.json").write_text(json.dumps(said))
    head = {
        f"discriminator_predictions.{name}": parameters.views["layers.0.attention.output.bias"]
        for name in ("dense.bias", "dense_prediction.bias")
    }
    slices = their_tensors(parameters.config, ELECTRA)
    body = {name: part.of(parameters.views) for name, part in slices.items()}
    write_tensors(tmp_path / "model.safetensors", body | head)
    found = load_checkpoint(tmp_path)
    assert sorted(found.left_out) == sorted(head)
    assert found.parameters.block.tobytes() == parameters.block.tobytes()


def test_what_an_electra_cannot_say_is_named():
    config = CONFIGS["electra"]
    assert family_of(config) is ELECTRA
    assert refusals(replace(config, pooler=True), ELECTRA) == ["pooler (it has none)"]
    assert refusals(replace(config, share_layers="all"), ELECTRA) == ["share_layers='all'"]
    act = refusals(replace(config, hidden_act="relu"), ELECTRA)
    assert act == ["hidden_act='relu' (its MLM head always has gelu)"]
