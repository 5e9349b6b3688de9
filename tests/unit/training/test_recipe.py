import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.registry import family_of
from tokpipe.examples.config import ExampleConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.training.fitting import fitted
from tokpipe.training.recipe import kind_note, refuse_contradictions


def shards(recipe="roberta", pad=1, **examples):
    facts = SimpleNamespace(vocab_size=300, pad_id=pad)
    return SimpleNamespace(facts=facts, examples=ExampleConfig(recipe=recipe, **examples))


@pytest.mark.parametrize("pad", [0, 1, 7])
def test_shards_of_robertas_recipe_make_a_roberta(pad):
    found = fitted(BertConfig(), shards(pad=pad))
    assert family_of(found).name == "roberta" and kind_note(found, shards(pad=pad)) is None
    assert (found.position_offset, found.type_vocab_size, found.longest) == (pad + 1, 1, 512)
    assert not found.nsp_head


def test_settings_of_ones_own_stay():
    config = BertConfig(position_offset=2, max_position_embeddings=130, type_vocab_size=3)
    found = fitted(config, shards())
    assert (found.position_offset, found.longest, found.type_vocab_size) == (2, 128, 3)
    assert family_of(found).name == "roberta"


@pytest.mark.parametrize("objective", ["recipe", "none", "sop"])
def test_shards_of_berts_recipe_make_a_bert(objective):
    found = fitted(BertConfig(), shards("bert", objective=objective))
    assert family_of(found).name == "bert"
    assert kind_note(found, shards("bert", objective=objective)) is None
    wanted = BertConfig(vocab_size=300, pad_token_id=1, nsp_head=objective != "none")
    assert found == wanted


@pytest.mark.parametrize(
    ("changes", "made", "reason"),
    [
        ({}, shards(objective="sop"), "will be bert, not roberta .*: nsp_head"),
        ({}, shards(objective="nsp"), "will be bert, not roberta .*: nsp_head"),
        ({}, shards(pad=-1), "will be bert, not roberta .*no padding token"),
        ({"position_offset": 5}, shards(), "will be tokpipe, .*: position_offset=5, which is"),
        ({"position": "rope"}, shards(), r"will be tokpipe, .*: position='rope' \([^;]*$"),
        ({"hidden_act": "relu"}, shards(), "will be tokpipe, .*always has gelu"),
        ({"share_layers": "all", "position": "none"}, shards(), "share_layers='all'"),
        ({"norm_position": "pre"}, shards("bert"), "export will refuse it: norm_position='pre'"),
    ],
)
def test_a_model_of_another_kind_is_announced_with_the_reason(changes, made, reason):
    note = kind_note(fitted(BertConfig(**changes), made), made)
    assert note is not None
    assert re.search(reason, note), note


@pytest.mark.parametrize(
    "given", [{"position_offset": 0}, {"position_offset": 3}, {"type_vocab_size": 2}]
)
def test_what_a_person_gave_is_not_changed_in_silence(given):
    found = fitted(BertConfig(), shards())
    with pytest.raises(ConfigError, match="recipe of the shards"):
        refuse_contradictions(given, found)
    refuse_contradictions({"position_offset": 2, "type_vocab_size": 1, "hidden_size": 3}, found)


def test_too_few_rows_are_told_in_the_rows_that_were_asked_for():
    config = replace(BertConfig(), max_position_embeddings=100)
    with pytest.raises(ConfigError, match="gives 100 places") as caught:
        fitted(config, shards())
    assert "Set max_position_embeddings=128 or more" in caught.value.hint
    found = fitted(replace(config, max_position_embeddings=128), shards())
    assert found.longest == 128


def test_shards_hold_no_labels_to_learn_a_job_from():
    job = {"task": "text", "labels": ("no", "yes"), "classifier_dropout": 0.2}
    assert fitted(BertConfig(**job), shards("bert")) == fitted(BertConfig(), shards("bert"))


@pytest.mark.parametrize("recipe", ["bert", "roberta"])
@pytest.mark.parametrize("pad", [0, 1])
def test_places_told_by_distances_make_an_mpnet_where_there_are_no_pairs(recipe, pad):
    made = shards(recipe, pad=pad, objective="none")
    found = fitted(BertConfig(position="relative"), made)
    assert family_of(found).name == "mpnet"
    assert (found.position_offset, found.type_vocab_size, found.longest) == (0, 0, None)
    assert found.max_position_embeddings == 512
    note = kind_note(found, made)
    assert note is None if recipe == "bert" else "will be mpnet, not roberta" in note
    long = shards(recipe, pad=pad, objective="none", max_seq_length=700)
    assert fitted(BertConfig(position="relative"), long).max_position_embeddings == 700
    assert fitted(BertConfig(position="relative", type_vocab_size=1), made).type_vocab_size == 1
    with pytest.raises(ConfigError, match="position='relative' on shards without pairs makes it 0"):
        refuse_contradictions({"type_vocab_size": 2}, found)


def test_both_kinds_of_places_make_an_mpnet_where_padding_is_token_1():
    config = BertConfig(position="learned-relative")
    found = fitted(config, shards(objective="none"))
    assert family_of(found).name == "mpnet" and found.longest == 512
    found = fitted(config, shards(objective="none", pad=0))
    assert (found.position_offset, family_of(found).name) == (0, "tokpipe")


def test_places_told_by_distances_keep_segments_for_pairs():
    made = shards("bert")
    found = fitted(BertConfig(position="relative"), made)
    assert (found.type_vocab_size, family_of(found).name) == (2, "tokpipe")
    assert "type_vocab_size=2 (it has no segments); nsp_head" in kind_note(found, made)
