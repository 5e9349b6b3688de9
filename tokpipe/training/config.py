"""Settings of training."""

import math
import re
from dataclasses import dataclass, fields, replace
from typing import Any

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.processors import PRECISIONS, precision_for

PRECISION_HELP = (
    "Numbers that are multiplied, in linear maps and attention; weights, sums, norms, losses and "
    "moments are float32 in any case. auto is bfloat16 where that is faster (AMD from Zen 4 on)."
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_STEPS = 10_000  # where nothing says how long
# What runs of before had not: where they do nothing, settings are written as they were then.
_YOUNGER = (
    *("phase_shares", "batch_ramp_tokens", "attention_start", "precision"),
    *("masked_lm_prob", "muon_momentum"),
)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Config):
    """How a model is trained.

    How long: `steps`, or `epochs`, or `budget`, one of them; 10,000 steps without any.
    """

    steps: int | None = setting(None, "Steps of the optimizer.", least=1)
    epochs: float | None = setting(None, "Times through the training split.", least=0.001)
    budget: str | None = setting(
        None,
        "Time to train for, such as 30m or 1h30m: the learning rate then follows the clock, not "
        "the steps. What a stopped run has used counts.",
    )
    batch_tokens: int = setting(4_096, "Most tokens in a batch.", least=1)
    batch_size: int | None = setting(
        None, "Most sequences in a batch. None: as many as batch_tokens allows.", least=1
    )
    gradient_accumulation_steps: int = setting(1, "Batches to a step of the optimizer.", least=1)
    gradient_shards: int = setting(
        2,
        "Parts of a batch that threads work on side by side; more threads than that help nothing. "
        "The weights depend on it, as they do not on threads.",
        least=1,
        most=256,
    )
    optimizer: str = setting(
        "adamw",
        "Rule by which weights move. muon: maps between hidden states by an orthogonal matrix, the "
        "rest by AdamW; more work a step, which pays for narrow models.",
        choices=("adamw", "lamb", "muon"),
    )
    learning_rate: float = setting(5e-4, "Greatest learning rate.", least=0.0)
    schedule: str = setting(
        "linear",
        "Learning rate after the warm-up: down to zero in a line or a cosine, or constant.",
        choices=("linear", "cosine", "constant"),
    )
    warmup_proportion: float = setting(
        0.1, "Share of the training in which the learning rate rises.", least=0.0, most=1.0
    )
    warmup_steps: int | None = setting(
        None, "Steps in which it rises, in place of warmup_proportion.", least=0
    )
    weight_decay: float = setting(
        0.01, "Decay of weights, times the learning rate; none of biases and LayerNorms.", least=0.0
    )
    adam_beta1: float = setting(0.9, "Decay of the first moment.", least=0.0, most=0.999999)
    adam_beta2: float = setting(0.999, "Decay of the second moment.", least=0.0, most=0.999999)
    adam_epsilon: float = setting(1e-6, "Added to the root of the second moment.", least=0.0)
    muon_momentum: float = setting(
        0.95, "Decay of the mean of gradients that Muon goes by.", least=0.0, most=0.999999
    )
    max_grad_norm: float = setting(
        1.0, "Longest gradient; a longer one is scaled down. 0: no limit.", least=0.0
    )
    save_steps: int = setting(
        500,
        "Steps from checkpoint to checkpoint; every five minutes there is one in any case.",
        least=1,
    )
    eval_steps: int = setting(
        500, "Steps from evaluation to evaluation on the validation split; 0: only at the end."
    )
    eval_batches: int = setting(50, "Most batches of an evaluation; 0: all there are.", least=0)
    keep_checkpoints: int = setting(
        2, "Latest checkpoints that are kept, besides the best.", least=1
    )
    mlm_bias: str = setting(
        "frequency",
        "First bias of the MLM head: zero, as BERT has it, or the log of each token's share of "
        "the training split, which saves the steps to learn it.",
        choices=("frequency", "zero"),
    )
    attention_start: str = setting(
        "random",
        "How heads begin: drawn at random, as BERT's, or each looking near by on one side (local), "
        "which leaves guessing by frequency far sooner.",
        choices=("random", "local"),
    )
    masked_lm_prob: float | None = setting(
        None,
        "Share of an example's tokens to predict in training, where masks are drawn at load; "
        "evaluations have the shards' share, so that runs compare. None: training has it, too.",
        least=0.001,
        most=1,
    )
    precision: str = setting(
        "float32",
        PRECISION_HELP,
        choices=PRECISIONS,
    )
    seed: int = setting(0, "Seed of weights, order, masks and dropout.")
    phase_shares: tuple[float, ...] = setting(
        (),
        "Share of the training that each of several folders of shards has, one after the other, "
        "such as 0.7,0.2,0.1. Of two it is 0.9,0.1 by default, as BERT had it.",
    )
    batch_ramp_tokens: int = setting(
        0,
        "Over so many tokens the batches of a step grow from one to gradient_accumulation_steps; "
        "0: they are as many from the start.",
        least=0,
    )

    def check(self) -> None:
        """Refuse lengths that contradict each other, and a budget that is no time."""
        given = [name for name in ("steps", "epochs", "budget") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} both say how long to train", hint="Give one.")
        if self.eval_steps < 0:
            raise ConfigError(f"eval_steps={self.eval_steps} is below the least allowed value, 0")
        if self.budget is not None:
            seconds_of(self.budget)
            if self.warmup_steps is not None:
                raise ConfigError(
                    f"warmup_steps={self.warmup_steps} counts steps; a budget follows the clock",
                    hint="Set warmup_proportion.",
                )
        self._check_ramp()
        shares = self.phase_shares
        if shares and (min(shares) <= 0 or abs(math.fsum(shares) - 1) > 1e-6):
            raise ConfigError(
                f"phase_shares={','.join(f'{share:g}' for share in shares)}: each must be above 0, "
                "and together they must be 1"
            )

    def _check_ramp(self) -> None:
        """Refuse a ramp that does nothing, or that nobody can tell the steps of beforehand."""
        if not self.batch_ramp_tokens:
            return
        asked = f"batch_ramp_tokens={self.batch_ramp_tokens}"
        if self.gradient_accumulation_steps == 1:
            raise ConfigError(
                f"{asked} has no effect with gradient_accumulation_steps=1: a step has one batch",
                hint="Set gradient_accumulation_steps to the batches of a step after the ramp.",
            )
        if self.epochs is not None:
            raise ConfigError(
                f"{asked} with epochs={self.epochs:g}: how many steps that is depends on the "
                "lengths of what comes first",
                hint="Give steps or a budget.",
            )

    def batches_at(self, tokens: int) -> int:
        """Return how many batches the step has before which so many tokens were trained on.

        References
        ----------
        Brown et al., 2020, "Language Models are Few-Shot Learners", appendix B: batches that grow
        in a line from a small size to the full one, over the first billions of tokens.

        Examples
        --------
        >>> config = TrainingConfig(gradient_accumulation_steps=4, batch_ramp_tokens=900)
        >>> [config.batches_at(tokens) for tokens in (0, 299, 300, 600, 900, 5000)]
        [1, 1, 2, 3, 4, 4]
        """
        most, ramp = self.gradient_accumulation_steps, self.batch_ramp_tokens
        return most if tokens >= ramp else 1 + (most - 1) * tokens // ramp

    def most_tokens(self, steps: int) -> int:
        """Return how many tokens so many steps have at most."""
        done = tokens = 0
        while done < steps and tokens < self.batch_ramp_tokens:
            tokens += self.batch_tokens * self.batches_at(tokens)
            done += 1
        return tokens + (steps - done) * self.batch_tokens * self.gradient_accumulation_steps

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, in field order; settings that came later only where they act."""
        without = {one.name for one in fields(self) if getattr(self, one.name) == one.default}
        values = super().to_dict().items()
        return {name: value for name, value in values if name not in {*_YOUNGER} & without}

    def decided(self) -> "TrainingConfig":
        """Return the settings with what `auto` is on this processor.

        Raises
        ------
        ConfigError
            If the processor has not what is asked for.
        """
        return replace(self, precision=precision_for(self.precision))

    @property
    def most_steps(self) -> int | None:
        """How many steps, where that does not follow from the shards or the clock."""
        if self.epochs is not None or self.budget is not None:
            return None
        return self.steps or _STEPS

    @property
    def budget_seconds(self) -> float | None:
        """The time to train for."""
        return None if self.budget is None else seconds_of(self.budget)


def seconds_of(text: str) -> float:
    """Read a time: ``30m``, ``1h30m``, ``90s``, ``90``.

    Raises
    ------
    ConfigError
        If the text is no time above zero.

    Examples
    --------
    >>> seconds_of("1h30m")
    5400.0
    """
    matched = re.fullmatch(r"(?:\d{1,9}(?:\.\d{1,3})?[smhd])+|\d{1,9}", text.strip().lower())
    parts = re.findall(r"([\d.]+)([smhd]?)", text.lower()) if matched else []
    seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    if not seconds:
        raise ConfigError(f"budget={text!r} is no time", hint="Write it like 30m, 90s or 1h30m.")
    return float(seconds)
