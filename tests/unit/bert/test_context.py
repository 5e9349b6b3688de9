"""The last layer at the tokens that are asked for: what the heads find is as if all were there."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.bert.test_gradients import VARIANTS
from tokpipe.bert.context import begin_pass, behind_attention, rows_of
from tokpipe.bert.model import Model
from tokpipe.bert.weights import weights_of


def everything(inputs):
    return np.arange(len(inputs.input_ids), dtype=np.int32)


def found(model, batch):
    gradients, workspace = model.parameters.zeros_like(), model.workspace(20, 4, 6)
    return model.loss_and_gradients(batch, gradients, workspace), gradients


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_and_gradients_are_those_of_all_tokens(variant, monkeypatch):
    config = small_config(**VARIANTS[variant])
    model, batch = Model(config, random_parameters(config)), random_batch(config)
    losses, gradients = found(model, batch)
    evaluated = model.losses(batch, model.workspace(20, 4, 6, training=False))
    monkeypatch.setattr(Model, "_output_rows", lambda self, inputs: everything(inputs))
    all_losses, all_gradients = found(model, batch)
    assert losses.total == pytest.approx(all_losses.total, rel=1e-12)
    assert evaluated.total == pytest.approx(all_losses.total, rel=1e-12)
    np.testing.assert_allclose(gradients.block, all_gradients.block, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variant", ["gelu", "pre-norm", "rope"])
def test_heads_find_the_same_in_use(variant, monkeypatch):
    config = small_config(**VARIANTS[variant])
    model, batch = Model(config, random_parameters(config)), random_batch(config)
    few = model.logits("mlm", batch), model.pooled(batch)
    begin = Model._begin

    def of_all(self, *given, wanted=None):
        return begin(self, *given)

    monkeypatch.setattr(Model, "_begin", of_all)
    for ours, theirs in zip(few, (model.logits("mlm", batch), model.pooled(batch)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_only_the_last_layer_is_cut():
    config = small_config()
    parameters, batch = random_parameters(config), random_batch(config)
    workspace = Model(config, parameters).workspace(20, 4, 6)
    rows = np.array([0, 5, 9], np.int32)
    ctx = begin_pass((weights_of(parameters), None), workspace, batch, None, rows)
    assert behind_attention(ctx, 0) is ctx
    end = behind_attention(ctx, 1)
    assert [len(layer.ffn.before) for layer in end.layers] == [13, 3]
    assert len(ctx.layers[1].ffn.before) == 13
    assert rows_of(ctx, np.array([9, 0], np.int32)).tolist() == [2, 0]


def test_one_layer_is_the_last_one():
    config = replace(small_config(), num_hidden_layers=1)
    model, batch = Model(config, random_parameters(config)), random_batch(config)
    losses, gradients = found(model, batch)
    assert losses["mlm"].asked == 4
    assert gradients.block.any()
