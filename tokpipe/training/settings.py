"""Settings to train with, by name: those that learn most a minute here, and those of the papers.

What a name does not set is at its default, and what a person sets counts before it.

References
----------
J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2018), A.2: batches of
256 sequences of 512 tokens, Adam with a rate of 1e-4 and betas of 0.9 and 0.999, a warm-up of
10,000 of 1,000,000 steps, dropout 0.1.
Y. Liu et al., "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (2019), 3.1 and table 9:
batches of 8,192 sequences, a rate of 6e-4 at the width of BERT-base, beta2 0.98, a warm-up of
24,000 of 500,000 steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.local_start import allows_local_start
from tokpipe.foundation.config import unknown_name
from tokpipe.training.config import TrainingConfig

OURS = "tokpipe"
_SEQUENCE = 512  # tokens, in both papers
_BATCH_TOKENS = 4_096  # of the papers' batches at once; the rest are further ones of the same step
# The best rate at the width of 128, and how it falls with the width: measured at 128, 256 and 512.
# With a learned table and AdamW twice the rate ends at guessing by frequency (tiny 5e-3, mini 2e-3:
# 6.7 and 6.4 nats after a million tokens, where 3e-3 and 1e-3 reach 5.57 and 5.69).
_RATES = {  # by optimizer, and whether distances have a bias
    ("muon", True): (5e-3, 0.5),
    ("muon", False): (3e-3, 0.5),
    ("adamw", True): (3e-3, 0.8),
    ("adamw", False): (2e-3, 1.0),
}
_NARROW = 256  # the greatest width at which Muon's products are worth what they take


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a name sets: of the model, and of the training of such a model."""

    model: Mapping[str, Any] = field(default_factory=dict)
    # of a model's training, beside what was given for it
    training: Callable[[BertConfig, Mapping[str, Any]], Mapping[str, Any]]
    # of the training, where shards leave it open (`fitting.fitted_training`); None: the shards' own
    masked_lm_prob: float | None = None


def optimizer_for(model: BertConfig) -> str:
    """Return the rule by which a model of some width learns most a minute."""
    return "muon" if model.hidden_size <= _NARROW else "adamw"


def rate_for(model: BertConfig, optimizer: str) -> float:
    """Return the greatest learning rate for a model of some width, two digits of it.

    Examples
    --------
    >>> presets = [BertConfig.preset(name) for name in ("tiny", "mini", "small", "base")]
    >>> [rate_for(model, "adamw") for model in presets]
    [0.002, 0.001, 0.0005, 0.00033]
    """
    rule = "muon" if optimizer == "muon" else "adamw"
    rate, fall = _RATES[rule, model.has_distances]
    return float(f"{rate * min(1.0, 128 / model.hidden_size) ** fall:.2g}")


def _fast(model: BertConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    optimizer = given.get("optimizer") or optimizer_for(model)
    return {
        "optimizer": optimizer,
        "learning_rate": rate_for(model, optimizer),
        "batch_tokens": 4_096,
        "adam_beta2": 0.98,
        "precision": "auto",
        "attention_start": "local" if allows_local_start(model) else "random",
    }


def _papers(sequences: int, **settings: Any) -> Callable[..., dict[str, Any]]:
    batches = sequences * _SEQUENCE // _BATCH_TOKENS
    fixed = {
        "batch_tokens": _BATCH_TOKENS,
        "gradient_accumulation_steps": batches,
        "mlm_bias": "zero",
        **settings,
    }
    return lambda model, given: fixed


SETTINGS = {
    OURS: Settings(
        model={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
        training=_fast,
        masked_lm_prob=0.3,
    ),
    "bert": Settings(training=_papers(256, learning_rate=1e-4, warmup_proportion=0.01)),
    "roberta": Settings(
        training=_papers(8_192, learning_rate=6e-4, warmup_proportion=0.048, adam_beta2=0.98)
    ),
}


def model_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a model: what was given, and else what the name sets.

    Raises
    ------
    ConfigError
        If there is no such name.
    """
    return {**_named(name).model, **given}


def training_settings(
    name: str, model: BertConfig, given: Mapping[str, Any] | None = None
) -> TrainingConfig:
    """Return how a model is trained: what was given, and else what the name sets.

    Raises
    ------
    ConfigError
        If there is no such name, or settings contradict one another.

    Examples
    --------
    >>> training_settings("tokpipe", BertConfig.preset("tiny"), {"steps": 9}).learning_rate
    0.003
    """
    given = given or {}
    return TrainingConfig(**{**_named(name).training(model, given), **given})


def unnamed_fields() -> frozenset[str]:
    """Return the settings of a training that no name sets: they are at their defaults with all."""
    model = BertConfig.preset("tiny")
    named = {key for one in SETTINGS.values() for key in one.training(model, {})} | {
        "masked_lm_prob"
    }
    return frozenset(field.name for field in fields(TrainingConfig)) - named


def _named(name: str) -> Settings:
    if name not in SETTINGS:
        raise unknown_name("no settings", name, list(SETTINGS))
    return SETTINGS[name]
