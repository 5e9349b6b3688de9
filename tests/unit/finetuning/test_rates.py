from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import small_config
from tokpipe.bert.parameters import Parameters, parameter_table
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.rates import draw_highest, rates_of
from tokpipe.foundation.errors import ConfigError

MODEL = replace(small_config(), num_hidden_layers=3)


def frozen(freeze, model=MODEL):
    rates = rates_of(model, FinetuneConfig(freeze=freeze))
    return {name for name, rate in rates.items() if rate == 0}


def test_what_is_frozen_is_named_by_how_low_it_stands():
    names = set(parameter_table(MODEL))
    assert frozen("none") == set()
    assert frozen("embeddings") == {name for name in names if name.startswith("embeddings.")}
    assert frozen("0") == frozen("embeddings")
    assert frozen("2") - frozen("1") == {name for name in names if name.startswith("layers.1.")}
    assert names - frozen("encoder") == {n for n in names if n.startswith(("pooler", "mlm", "nsp"))}


def test_the_last_norm_belongs_to_the_encoder():
    model = replace(MODEL, norm_position="pre")
    assert "final_norm.weight" in frozen("encoder", model)
    assert "final_norm.weight" not in frozen("3", model)


def test_rates_fall_layer_by_layer_from_the_head_down():
    rates = rates_of(MODEL, FinetuneConfig(layer_decay=0.5))
    assert rates["pooler.weight"] == rates["nsp.weight"] == 1.0
    assert rates["layers.2.ffn.output.weight"] == 0.5
    assert rates["layers.0.attention.qkv.bias"] == 0.125
    assert rates["embeddings.token"] == 0.0625


def test_only_the_highest_layers_are_drawn_anew():
    parameters = Parameters.initialised(MODEL, 1)
    before = {name: view.copy() for name, view in parameters.views.items()}
    draw_highest(parameters, 2, 7)
    moved = {n for n, view in parameters.views.items() if not np.array_equal(view, before[n])}
    assert moved and all(name.startswith(("layers.1.", "layers.2.")) for name in moved)


@pytest.mark.parametrize("settings", [{"freeze": "1"}, {"layer_decay": 0.9}, {"reinit_layers": 1}])
def test_layers_with_the_same_weights_are_not_told_apart(settings):
    shared = replace(MODEL, share_layers="all")
    with pytest.raises(ConfigError, match=f"{next(iter(settings))} is about single layers"):
        rates_of(shared, FinetuneConfig(**settings))
    assert rates_of(shared, FinetuneConfig(freeze="encoder"))["layers.0.ffn.input.weight"] == 0
