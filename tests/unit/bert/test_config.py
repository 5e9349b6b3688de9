"""Settings of a job in a model's settings: they say nothing where there is none."""

from dataclasses import replace

import pytest

from tokpipe.bert.config import NO_JOB, PRESETS, BertConfig
from tokpipe.bert.registry import entries_of, switches
from tokpipe.cli import main
from tokpipe.foundation.errors import ConfigError


def test_a_model_without_a_job_says_nothing_of_it():
    config = BertConfig()
    assert not set(config.to_dict()) & set(NO_JOB)
    assert BertConfig.from_dict(config.to_dict()) == config
    assert config.fingerprint() == "b2d6a44d1f00efd3"


def test_a_gate_comes_back_and_its_width_leaves_as_many_weights():
    config = BertConfig(ffn="glu")
    assert config.to_dict()["ffn"] == "glu"
    assert BertConfig.from_dict(config.to_dict()) == config
    for name in PRESETS:
        plain, gated = BertConfig.preset(name), BertConfig.preset(name, ffn="glu")
        weights = [one.outer_size + one.inner_size for one in (plain, gated)]
        assert weights[1] == pytest.approx(weights[0], rel=0.02)
        assert (plain.inner_size, plain.outer_size) == (plain.intermediate_size,) * 2
    assert [BertConfig(intermediate_size=n, ffn="glu").inner_size for n in (1, 12, 96)] == [
        1,
        8,
        64,
    ]
    with pytest.raises(ConfigError, match="ffn"):
        BertConfig(ffn="gated")


def test_a_job_comes_back():
    config = BertConfig(task="text", labels=("no", "yes"), classifier_dropout=0.2)
    assert config.to_dict()["labels"] == ["no", "yes"]
    assert BertConfig.from_dict(config.to_dict()) == config
    assert [entry.name for entry in entries_of(config)] == ["mlm", "nsp", "text"]
    assert entries_of(replace(config, **switches())) == []


@pytest.mark.parametrize(
    ("changes", "outputs", "dropped"),
    [
        ({"task": "text", "labels": ("a", "b", "c")}, 3, 0.1),
        ({"task": "text", "problem": "regression"}, 1, 0.1),
        ({"task": "text", "problem": "regression", "labels": ("x", "y")}, 2, 0.1),
        ({"task": "token", "labels": ("O",), "classifier_dropout": 0.3}, 1, 0.3),
        ({"task": "span"}, 2, 0.0),
        ({"task": "span", "classifier_dropout": 0.2}, 2, 0.2),
    ],
)
def test_logits_and_dropout_follow_from_the_job(changes, outputs, dropped):
    config = BertConfig(**changes)
    assert (config.outputs, config.head_dropout) == (outputs, dropped)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"labels": ("a", "b")}, "labels=.* says nothing of task='none'"),
        ({"classifier_dropout": 0.1}, "classifier_dropout=0.1 says nothing"),
        (
            {"task": "token", "labels": ("a",), "problem": "multilabel"},
            "says nothing of task='token'",
        ),
        ({"task": "span", "labels": ("a", "b")}, "says nothing of task='span'"),
        ({"task": "text", "labels": ("a",)}, "with 1 labels"),
        ({"task": "text", "problem": "multilabel"}, "with 0 labels"),
        ({"task": "token"}, "with 0 labels"),
        ({"task": "text", "labels": ("a", "b"), "pooler": False, "nsp_head": False}, "pooler"),
        ({"task": "words"}, "task='words' is not one of"),
    ],
)
def test_jobs_that_contradict_themselves_are_refused(changes, named):
    with pytest.raises(ConfigError, match=named):
        BertConfig(**changes)


def test_pretraining_offers_no_job(capsys):
    assert main.execute(["pretrain", "--help"]) == 0
    offered = capsys.readouterr().out
    assert "--hidden-size" in offered
    assert not any(f"--{name.replace('_', '-')}" in offered for name in NO_JOB)
