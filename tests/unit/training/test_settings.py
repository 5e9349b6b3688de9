"""Settings by name: what they set, what counts before them, and where they do not fit."""

from itertools import pairwise

import pytest

from tokpipe.bert.config import PRESETS, BertConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.training.config import TrainingConfig
from tokpipe.training.settings import (
    OURS,
    SETTINGS,
    model_settings,
    optimizer_for,
    rate_for,
    training_settings,
)

OPTIMIZERS = ["adamw", "lamb", "muon"]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_name_has_settings_for_every_preset(name, preset):
    model = BertConfig.preset(preset, **model_settings(name, {}))
    assert isinstance(training_settings(name, model), TrainingConfig)


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_given_counts_before_the_name(name):
    given = {"learning_rate": 0.125, "batch_tokens": 77, "attention_start": "random", "steps": 3}
    found = training_settings(name, BertConfig.preset("tiny"), given)
    assert {key: getattr(found, key) for key in given} == given
    assert model_settings(name, {"hidden_dropout_prob": 0.25})["hidden_dropout_prob"] == 0.25


@pytest.mark.parametrize(
    ("model", "start"),
    [
        ({}, "local"),
        ({"position": "relative"}, "local"),
        ({"position": "rope"}, "random"),
        ({"position": "sinusoidal"}, "random"),
        ({"position": "none"}, "random"),
        ({"embedding_size": 64}, "random"),
        ({"position": "relative", "embedding_size": 64}, "local"),
    ],
)
def test_heads_begin_near_by_where_the_model_allows_it(model, start):
    found = training_settings(OURS, BertConfig.preset("tiny", **model))
    assert found.attention_start == start


def test_the_papers_settings_are_the_papers():
    model = BertConfig.preset("base", **model_settings("bert", {}))
    assert model.hidden_dropout_prob == model.attention_probs_dropout_prob == 0.1
    bert, roberta = (training_settings(name, model) for name in ("bert", "roberta"))
    assert (bert.learning_rate, bert.adam_beta2, bert.weight_decay) == (1e-4, 0.999, 0.01)
    assert bert.batch_tokens * bert.gradient_accumulation_steps == 256 * 512
    assert (roberta.learning_rate, roberta.adam_beta2) == (6e-4, 0.98)
    assert roberta.batch_tokens * roberta.gradient_accumulation_steps == 8_192 * 512
    assert {bert.attention_start, roberta.attention_start} == {"random"}


@pytest.mark.parametrize("position", ["learned", "relative", "learned-relative", "rope"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_wider_models_learn_at_lower_rates(position, optimizer):
    models = [BertConfig.preset(preset, position=position) for preset in PRESETS]
    rates = [rate_for(model, optimizer) for model in models]
    assert all(high >= low for high, low in pairwise(rates))
    assert rates[0] > 2 * rates[-1]
    narrow = BertConfig.preset("tiny", position=position, hidden_size=16)
    assert rate_for(narrow, optimizer) == rates[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("preset", PRESETS)
def test_an_optimizer_that_is_given_has_the_rate_that_is_its_own(preset, optimizer):
    model = BertConfig.preset(preset)
    found = training_settings(OURS, model, {"optimizer": optimizer})
    assert found.learning_rate == rate_for(model, optimizer)
    assert training_settings(OURS, model).optimizer == optimizer_for(model)


def test_muon_has_higher_rates_than_adamw():
    for preset in PRESETS:
        model = BertConfig.preset(preset)
        assert rate_for(model, "muon") > rate_for(model, "adamw") == rate_for(model, "lamb")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="no settings 'brt'") as error:
        model_settings("brt", {})
    assert "bert" in error.value.hint
