import pytest

from tests.unit.bert.huggingface.models import CONFIGS, family_in
from tokpipe.bert.families.albert import ALBERT
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.bert.huggingface.names import (
    TensorSlice,
    canonical,
    fillers,
    heads_among,
    their_tensors,
)
from tokpipe.bert.parameters import parameter_table


@pytest.mark.parametrize("name", CONFIGS)
def test_every_row_of_ours_has_one_place_in_theirs(name):
    config, family = CONFIGS[name], FAMILIES[family_in(name)]
    table = parameter_table(config)
    covered = {ours: [] for ours in table}
    slices = their_tensors(config, family)
    for filler in fillers(config, family).values():
        if filler.repeats:  # a row of ours that stands in all of theirs
            slices["table"] = TensorSlice(filler.repeats, table[filler.repeats].shape)
    for place in slices.values():
        covered[place.name].append((place.first, place.first + place.shape[0], place.shape[1:]))
    for ours, slot in table.items():
        borders = sorted(covered[ours])
        assert [b[0] for b in borders] == [0, *(b[1] for b in borders[:-1])]
        assert borders[-1][1] == slot.shape[0]
        assert {b[2] for b in borders} == {slot.shape[1:]}


def test_names_are_those_of_transformers():
    names = set(their_tensors(CONFIGS["bert"], BERT))
    assert "bert.encoder.layer.1.attention.self.value.weight" in names
    assert "bert.encoder.layer.0.output.LayerNorm.bias" in names
    assert "cls.seq_relationship.weight" in names
    names = set(their_tensors(CONFIGS["roberta"], ROBERTA))
    assert "lm_head.layer_norm.weight" in names and "roberta.pooler.dense.bias" not in names
    names = set(their_tensors(CONFIGS["albert"], ALBERT))
    assert "albert.encoder.embedding_hidden_mapping_in.bias" in names
    group = "albert.encoder.albert_layer_groups.0.albert_layers.0."
    assert {f"{group}ffn.weight", f"{group}attention.query.bias"} <= names
    assert not any("groups.1" in name for name in names)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"),
        (
            "bert.encoder.layer.0.output.LayerNorm.beta",
            "bert.encoder.layer.0.output.LayerNorm.bias",
        ),
        ("cls.predictions.transform.LayerNorm.gamma", "cls.predictions.transform.LayerNorm.weight"),
        ("pooler.dense.weight", "bert.pooler.dense.weight"),
        ("cls.predictions.bias", "cls.predictions.bias"),
        ("classifier.weight", "classifier.weight"),
        ("something.gamma", "something.gamma"),
    ],
)
def test_old_and_bare_names_become_those_of_today(found, wanted):
    assert canonical(found, BERT) == wanted


def test_heads_are_known_by_any_of_their_tensors():
    heads = heads_among({"cls.predictions.bias"}, BERT)
    assert heads == {"pooler": False, "mlm_head": True, "nsp_head": False}
    heads = heads_among({"sop_classifier.classifier.bias"}, ALBERT)
    assert heads == {"pooler": True, "mlm_head": False, "nsp_head": True}
    heads = heads_among({"pooler.weight", "mlm.norm.bias"}, FAMILIES["tokpipe"])
    assert heads == {"pooler": True, "mlm_head": True, "nsp_head": False}
