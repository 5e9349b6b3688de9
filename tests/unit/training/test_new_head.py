"""A new head is its file and a line in the list: the rest of the program goes over the list."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.unit.bert import length_head
from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.training.folders import MODEL, train, write_shards
from tokpipe.bert import registry
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.own import TOKPIPE
from tokpipe.bert.families.registry import family_of, refusals
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.bert.huggingface.names import heads_among
from tokpipe.bert.huggingface.parts import parts_of
from tokpipe.bert.huggingface.settings import config_json
from tokpipe.bert.model import Model
from tokpipe.foundation.config import setting
from tokpipe.inspection.run_page import run_page
from tokpipe.inspection.runs import metrics_of, read_run
from tokpipe.training.log import read_log

ROPE = replace(MODEL, position="rope")  # under our own names: transformers has no such head


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(registry, "ENTRIES", [*registry.ENTRIES, length_head.ENTRY])


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path / "shards")


def test_its_gradient_is_the_slope_of_the_loss():
    config = small_config(position="rope")
    model, batch = Model(config, random_parameters(config)), random_batch(config)
    workspace, gradients = model.workspace(20, 4, 6), model.parameters.zeros_like()
    losses = model.loss_and_gradients(batch, gradients, workspace)
    assert list(losses) == ["mlm", "nsp", "length"]
    assert losses["length"].accuracy is None
    assert losses.total == sum(tally.mean for tally in losses.values())
    assert gradients.views["length.weight"].any()
    for name in ("length.weight", "layers.0.attention.qkv.weight"):
        view, step = model.parameters.views[name], 1e-5
        slope = 0.0
        for sign in (1, -1):
            view[0, 0] += sign * step
            slope += sign * model.losses(batch, workspace).total / (2 * step)
            view[0, 0] -= sign * step
        assert slope == pytest.approx(gradients.views[name][0, 0], rel=1e-5)


def test_a_model_says_its_logits():
    config = small_config(position="rope")
    model, batch = Model(config, random_parameters(config)), random_batch(config)
    hidden = model.hidden_states(batch)[0][batch.offsets[:-1]]
    views = model.parameters.views
    expected = hidden @ views["length.weight"].T + views["length.bias"]
    np.testing.assert_allclose(model.logits("length", batch), expected, rtol=1e-12)


def test_it_is_trained_logged_and_saved(shards, tmp_path):
    train(shards, tmp_path / "run", model=ROPE, steps=60, batch_tokens=400, learning_rate=0.01)
    lines = list(read_log(tmp_path / "run/log.jsonl"))
    losses = [line.heads["length"].loss for line in lines if not line.split]
    assert np.mean(losses[-10:]) < 0.2 * np.mean(losses[:10])
    assert {"mlm", "nsp", "length"} == set(lines[-1].heads)
    found = load_checkpoint(tmp_path / "run").parameters
    assert found.views["length.weight"].any()


def test_a_stopped_run_goes_on_to_the_same_weights(shards, tmp_path):
    train(shards, tmp_path / "whole", model=ROPE)
    train(shards, tmp_path / "run", model=ROPE)
    files = json.loads((tmp_path / "run/tokpipe.json").read_text())["files"]
    for name in [*files, "tokpipe.json"]:  # as if it had been stopped before it was finished
        (tmp_path / "run" / name).unlink(missing_ok=True)
    name = "checkpoint-000008"
    train(shards, tmp_path / "run", model=ROPE, resume=name)
    one, other = (load_checkpoint(tmp_path / run).parameters.block for run in ("whole", "run"))
    np.testing.assert_array_equal(one, other)


def test_its_curve_is_drawn_even_when_the_head_is_gone(shards, tmp_path, monkeypatch):
    train(shards, tmp_path / "run", model=ROPE)
    view = read_run(tmp_path / "run")
    assert metrics_of([view], losses_only=True) == ["mlm_loss", "nsp_loss", "length_loss"]
    assert "loss of lengths of sequences" in run_page([view], metrics_of([view]))
    monkeypatch.setattr(registry, "ENTRIES", registry.ENTRIES[:-1])
    assert "loss of length<" in run_page([view], metrics_of([view]))


@dataclass(frozen=True, kw_only=True)
class LengthBert(BertConfig):
    """A BERT that may have the head, by a switch of its settings."""

    length_head: bool = setting(True, "")


@pytest.fixture
def switched(monkeypatch):
    entry = length_head.ENTRY._replace(setting="length_head")
    monkeypatch.setattr(registry, "ENTRIES", [*registry.ENTRIES[:-1], entry])
    return LengthBert()


def test_its_switch_takes_it_out_of_parts_and_of_families_without_a_row(switched):
    assert refusals(switched, BERT) == ["length_head (it has none)"]
    assert family_of(switched) is TOKPIPE
    assert family_of(replace(switched, length_head=False)) is BERT
    assert not any(part.length_head for part in parts_of(switched, BERT).values())
    assert registry.beside_encoder(switched) == "pooler, MLM head, NSP head, LENGTH head"
    assert heads_among({"length.weight"}, TOKPIPE)["length_head"]


def test_a_family_has_it_by_a_row_and_a_class(switched):
    names = {**BERT.architectures, ("mlm", "nsp", "length"): "BertForLengths"}
    family = replace(BERT, heads={**BERT.heads, "length": "cls.length"}, architectures=names)
    assert refusals(switched, family) == []
    assert config_json(switched, family)["architectures"] == ["BertForLengths"]
    assert heads_among({"cls.length.bias"}, family)["length_head"]
