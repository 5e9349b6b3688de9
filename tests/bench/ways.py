"""The ways to pretrain that `recipe` compares: ours, tricks added to it, papers', transformers'.

Their settings say all that a loss follows from, defaults with it: they are keys of what is kept.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from tokpipe.bert.config import BertConfig
from tokpipe.training.config import TrainingConfig
from tokpipe.training.settings import OURS, SETTINGS, model_settings, training_settings

NEUTRAL = "neutral"
RELATIVE, PLAIN = 0.1, 8 / 30  # of the time of the neutral run
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_DROPOUT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}  # BERT's
# what `pretrain` did before it had settings of its own
_BEFORE = {
    "batch_tokens": 4_096,
    "learning_rate": 5e-4,
    "adam_beta2": 0.999,
    "attention_start": "random",
}
# Of the model or of its training (one entry each), beside the same minutes without it. What others
# found to help, kept only for a gain: GLU. And what ours have, left out again: Muon (at AdamW's own
# rate), the share of masks, the size of batches.
_TRICKS: dict[str, dict[str, dict[str, Any]]] = {
    "glu": {"model": {"ffn": "glu"}},
    "adamw": {"training": {"optimizer": "adamw"}},
    "few-masks": {"training": {"masked_lm_prob": 0.15}},
    "small-batches": {"training": {"batch_tokens": 2_048}},
}
# run_mlm.py as it is called most often, and with what is known to be better for so little time
_THEIRS = {
    "run-mlm": (
        "its defaults",
        {"rate": 5e-5, "batch_size": 8, "warmup": 0.0, "beta2": 0.999, "dropout": 0.1},
    ),
    "run-mlm-good": (
        "good settings",
        {"rate": 1e-3, "batch_size": 32, "warmup": 0.1, "beta2": 0.98, "dropout": 0.0},
    ),
}
# what says how long, and how it is looked at, but touches no weight
_NOT_OF_A_WAY = {
    *("steps", "epochs", "budget", "seed"),
    *("eval_steps", "eval_batches", "save_steps", "keep_checkpoints"),
}


class Way(NamedTuple):
    """One way to train: who, for how large a share of the time, and how."""

    name: str
    title: str
    settings: dict[str, Any]  # as `reach` of its side takes them
    share: float = 1.0
    is_held: bool = False  # to what `beside` reaches
    is_peer: bool = False
    beside: str = NEUTRAL

    @property
    def side(self) -> str:
        """The file of its side."""
        return "peers_train" if self.is_peer else "ours_train"


def groups_for(preset: str) -> tuple[list[Way], ...]:
    """Return the ways to train a preset, what the floors are about first; "neutral" leads."""
    before = TrainingConfig(**_BEFORE)
    neutral = {"model": _DROPOUT, "training": _of_a_way(before)}
    near = {"position": "relative"}
    relative, plain = settings_of(OURS, preset, near), settings_of(OURS, preset)
    held = [
        Way(NEUTRAL, "neutral", neutral),
        Way("relative", f"{OURS}, relative", relative, RELATIVE, is_held=True),
        Way("plain", f"{OURS}, a plain BERT", plain, PLAIN, is_held=True),
    ]
    tricks = [
        Way(
            name, f"{OURS}, relative, {name}", _with(preset, near, how), RELATIVE, beside="relative"
        )
        for name, how in _TRICKS.items()
    ]
    papers = [
        Way(name, f"--settings {name}", settings_of(name, preset))
        for name in SETTINGS
        if name != OURS
    ]
    peers = [
        Way(name, f"transformers, {how}", settings, is_peer=True)
        for name, (how, settings) in _THEIRS.items()
    ]
    return held, tricks, papers, peers


def ways_for(preset: str) -> list[Way]:
    """Return all ways to train a preset, in the order of `groups_for`."""
    return [way for group in groups_for(preset) for way in group]


def settings_of(
    name: str,
    preset: str,
    model: Mapping[str, Any] = _NOTHING,
    training: Mapping[str, Any] = _NOTHING,
) -> dict[str, Any]:
    """Return what named settings make of a preset and its training, as `reach` takes it."""
    shape = {**_DROPOUT, **model_settings(name, model)}
    config = training_settings(name, BertConfig.preset(preset, **shape), training)
    if config.masked_lm_prob is None:  # the shards leave it open: see `fitted_training`
        config = replace(config, masked_lm_prob=SETTINGS[name].masked_lm_prob)
    return {"model": shape, "training": _of_a_way(config)}


def _with(
    preset: str, model: Mapping[str, Any], trick: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    shape = {**model, **trick.get("model", {})}
    return settings_of(OURS, preset, shape, trick.get("training", {}))


def _of_a_way(config: TrainingConfig) -> dict[str, Any]:
    """Return what of a training touches weights; `auto` is float32, so that any machine goes on."""
    asked = "float32" if config.precision == "auto" else config.precision
    told = replace(config, precision=asked).to_dict()
    return {key: value for key, value in told.items() if key not in _NOT_OF_A_WAY}


NAMES = tuple(way.name for way in ways_for("tiny"))
