"""Minutes of two cores to a held-out loss: our settings, the neutral ones, papers', transformers.

The neutral run is what `pretrain` did before it had settings of its own: BERT's heads at random,
dropout 0.1, a rate of 5e-4. What the others reach in a tenth of its time, or in 8 of 30 minutes
for a plain BERT, is held against what it reaches in the whole.
"""

import statistics
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from tests.bench import corpus
from tests.bench.finetune_jobs import Limits
from tests.bench.harness import Worker
from tests.bench.report import Row
from tokpipe.bert.config import BertConfig
from tokpipe.examples.config import ExampleConfig
from tokpipe.foundation.errors import TokpipeError
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tokenizer.build import default_words, train_vocab
from tokpipe.training.settings import OURS, SETTINGS, model_settings, training_settings
from tokpipe.vocab.config import VocabConfig

PRESETS = ("tiny", "mini")
_RELATIVE, _PLAIN = 0.1, 8 / 30  # of the time of the neutral run
_VOCABULARY = 8_192
_UNCASED = replace(default_words("wordpiece"), lowercase=True)
NEUTRAL = {
    "batch_tokens": 4_096,
    "learning_rate": 5e-4,
    "adam_beta2": 0.999,
    "attention_start": "random",
}
# what others found to help, beside the same run without it; kept only for a gain: GLU has 0.033,
# 0.027 and 0.048 nats less after 1,000 steps (tiny, three seeds, the same weights in number)
_TRICKS: dict[str, dict[str, Any]] = {"GLU": {"ffn": "glu"}}
# run_mlm.py as it is called most often, and with what is known to be better for so little time
_THEIRS = {
    "its defaults": {"rate": 5e-5, "batch_size": 8, "warmup": 0.0, "beta2": 0.999, "dropout": 0.1},
    "good settings": {"rate": 1e-3, "batch_size": 32, "warmup": 0.1, "beta2": 0.98, "dropout": 0.0},
}


class Trial(NamedTuple):
    """One way to train: who, for how large a share of the time, and how."""

    name: str
    share: float
    settings: dict[str, Any]
    is_held: bool = False  # against what the neutral run reaches
    is_peer: bool = False


def rows(peers: str, rounds: int, limits: Limits) -> list[Row]:
    """Train every way with `rounds` seeds, for as many minutes as `limits` has, or a part."""
    shards, presets = str(learning_shards().folder), limits.tasks or PRESETS
    return [
        row
        for preset in presets
        for row in _rows(peers, rounds, limits.minutes, shards=shards, preset=preset)
    ]


def learning_shards() -> Shards:
    """Return shards of 100 MB of English: 8,192 tokens, no pairs, sequences of 128."""
    folder = corpus.folder() / "learning-shards"
    with suppress(TokpipeError):  # none yet, or of an older format
        return open_shards(folder)
    vocabulary = corpus.folder() / "wordpiece-8192"
    if not vocabulary.exists():
        config = VocabConfig(model="wordpiece", vocab_size=(_VOCABULARY,))
        train_vocab([corpus.text_file()], config, words=_UNCASED, output=vocabulary)
    config = BuildConfig(examples=ExampleConfig(objective="none"))
    build_shards([corpus.text_file()], vocabulary, folder, config, force=True)
    return open_shards(folder)


def _trials(preset: str) -> list[Trial]:
    plain, relative = BertConfig.preset(preset), BertConfig.preset(preset, position="relative")
    ways = {
        f"{OURS}, relative": (_RELATIVE, OURS, relative),
        f"{OURS}, a plain BERT": (_PLAIN, OURS, plain),
        **{f"--settings {name}": (1.0, name, plain) for name in SETTINGS if name != OURS},
    }
    ours = [
        Trial(name, share, settings_of(settings, model), share < 1)
        for name, (share, settings, model) in ways.items()
    ]
    ours += [
        Trial(
            f"{OURS}, relative, {name}",
            _RELATIVE,
            settings_of(OURS, replace(relative, **one)),
            False,
        )
        for name, one in _TRICKS.items()
    ]
    neutral = Trial("neutral", 1.0, {"model": {}, "training": NEUTRAL})
    peers = [Trial(f"transformers, {name}", 1.0, how, False, True) for name, how in _THEIRS.items()]
    return [neutral, *ours, *peers]


def settings_of(name: str, model: BertConfig) -> dict[str, Any]:
    """Return what named settings make of a model and its training, as `reach` takes it."""
    training = training_settings(name, model).to_dict()
    wanted = {key: value for key, value in training.items() if key not in ("steps", "seed")}
    variant = {"position": model.position, "ffn": model.ffn}
    return {"model": model_settings(name, variant), "training": wanted}


def _rows(peers: str, rounds: int, minutes: float, **on: str) -> list[Row]:
    found: dict[str, list[float]] = {}
    trials = _trials(on["preset"])
    for seed in range(rounds):
        for trial in trials:
            python = peers if trial.is_peer else sys.executable
            loss = _loss(trial, python, seed=seed, seconds=60 * minutes * trial.share, **on)
            print(on["preset"], seed, trial.name, f"{loss:.3f}", file=sys.stderr, flush=True)
            found.setdefault(trial.name, []).append(loss)
    neutral = found.pop(trials[0].name)
    return [_row(trial, found[trial.name], neutral, minutes, on["preset"]) for trial in trials[1:]]


def _loss(trial: Trial, python: str, **on: Any) -> float:
    side = "peers_train" if trial.is_peer else "ours_train"
    with Worker(python, side, "reach", **on, **trial.settings) as one:
        return one.run().result["loss"]


def _row(
    trial: Trial, losses: list[float], neutral: list[float], minutes: float, preset: str
) -> Row:
    loss, wanted = statistics.median(losses), statistics.median(neutral)
    mine = _shown(losses)
    return Row(
        f"held-out loss, {preset}: {trial.name}, {minutes * trial.share:.3g} minutes",
        "" if trial.is_peer else mine,
        mine if trial.is_peer else f"neutral, {minutes:.3g} minutes: {_shown(neutral)}",
        f"{loss - wanted:+.3f} to neutral",
        f"at most {wanted:.3f}" if trial.is_held else "",
        not trial.is_held or loss <= wanted,
    )


def _shown(losses: list[float]) -> str:
    return " ".join(f"{loss:.3f}" for loss in losses)
