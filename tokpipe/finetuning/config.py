"""Settings of fine-tuning.

References
----------
M. Mosbach, M. Andriushchenko, D. Klakow: On the Stability of Fine-tuning BERT, ICLR 2021: bias
correction, warm-up, a small rate, and 20 epochs where rows are few.
J. Dodge et al.: Fine-Tuning Pretrained Language Models: Weight Initializations, Data Orders, and
Early Stopping, 2020: head and order drawn apart, the best epoch kept.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.processors import PRECISIONS, precision_for
from tokpipe.training.config import PRECISION_HELP, TrainingConfig, seconds_of

_NARROW, _WIDE = (128, 3e-4), (768, 3e-5)  # width of a model, and a rate that suits it
_SEEN = 60_000  # rows that a training goes over, all epochs together, between the limits
_EPOCHS = (3, 20)  # as in BERT; as Mosbach et al. for few rows
_BATCHES = (8, 16, 32)  # rows: as in BERT, and half of that for few rows
_STEPS = 500  # of a training, if the batches can be made small enough for it


@dataclass(frozen=True, kw_only=True)
class WindowConfig(Config):
    """How rows become windows."""

    max_seq_length: int = setting(
        512, "Most tokens of a window, special ones included; never more than the model takes.",
        least=1,
    )  # fmt: skip
    stride: int | None = setting(
        None,
        "Tokens that two windows share. None: 128, or a third of a window where that is less.",
        least=0,
    )
    long_texts: str = setting(
        "head",
        "What is read of a text that is too long: its head, its head (a quarter) and its tail, or "
        "all of it in windows, whose mean is taken.",
        choices=("head", "head-tail", "mean"),
    )


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(Config):
    """How a model is fine-tuned.

    How long: `epochs` or `budget`; without either, 20 epochs for few rows and 3 for many.
    """

    epochs: int | None = setting(
        None,
        "Times through the training part. None: 20 for up to 3,000 rows, 3 from 20,000 rows on, "
        "and so many between that 60,000 rows are seen.",
        least=1,
    )
    budget: str | None = setting(
        None, "Time to train for, such as 10m, in place of epochs: the rate follows the clock."
    )
    batch_size: int | None = setting(
        None,
        "Texts, sentences or windows in a batch. None: 32, or 16 or 8 where a training has less "
        "than 500 steps otherwise.",
        least=1,
    )
    gradient_accumulation_steps: int = setting(1, "Batches to a step of the optimizer.", least=1)
    learning_rate: float | None = setting(
        None,
        "Greatest learning rate. None: by the model's width, 3e-4 at 128 to 3e-5 at 768.",
        least=0.0,
    )
    schedule: str = setting(
        "linear",
        "Learning rate after the warm-up: down to zero in a line or a cosine, or constant.",
        choices=("linear", "cosine", "constant"),
    )
    warmup_proportion: float = setting(
        0.1, "Share of the training in which the learning rate rises.", least=0.0, most=1.0
    )
    weight_decay: float = setting(
        0.01, "Decay of weights, times the learning rate; none of biases and LayerNorms.", least=0.0
    )
    adam_epsilon: float = setting(1e-6, "Added to the root of the second moment.", least=0.0)
    max_grad_norm: float = setting(
        1.0, "Longest gradient; a longer one is scaled down. 0: no limit.", least=0.0
    )
    dropout: float = setting(
        0.1, "Share of hidden values and attention weights dropped.", least=0.0, most=0.9
    )
    freeze: str = setting(
        "none",
        "What stays as it is: none, embeddings, the embeddings and so many of the lowest layers "
        "(a number), or the whole encoder.",
    )
    reinit_layers: int = setting(
        0, "Draw so many of the highest layers anew before the training.", least=0
    )
    layer_decay: float = setting(
        1.0,
        "What the learning rate is multiplied by from each layer to the one below it.",
        least=0.01,
        most=1.0,
    )
    class_weights: str = setting(
        "none",
        "What the loss of each class counts: all the same, or balanced: the rarer, the more.",
        choices=("none", "balanced"),
    )
    label_smoothing: float = setting(
        0.0, "Share of a target that all classes have alike.", least=0.0, most=0.99
    )
    validation_fraction: float = setting(
        0.1,
        "Share of the training part that is held out where no validation part is given.",
        least=0.001,
        most=0.9,
    )
    seeds: int = setting(
        1, "Trainings with other heads and orders; the best one becomes the model.", least=1
    )
    gradient_shards: int = setting(
        2,
        "Parts of a batch that threads work on side by side; the weights depend on it.",
        least=1,
        most=256,
    )
    precision: str = setting(
        "float32",
        PRECISION_HELP,
        choices=PRECISIONS,
    )
    seed: int = setting(0, "Seed of what is held out, of heads, orders and dropout.")

    def check(self) -> None:
        """Refuse lengths that contradict each other, and what cannot be frozen."""
        if self.epochs is not None and self.budget is not None:
            raise ConfigError("epochs and budget both say how long to train", hint="Give one.")
        if self.budget is not None:
            seconds_of(self.budget)
        frozen_layers(self.freeze)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, in field order; what came later only where it acts."""
        found = super().to_dict()
        if found["precision"] == "float32":
            del found["precision"]
        return found

    def decided(self) -> "FinetuneConfig":
        """Return the settings with what `auto` is on this processor.

        Raises
        ------
        ConfigError
            If the processor has not what is asked for.
        """
        return replace(self, precision=precision_for(self.precision))

    def epochs_for(self, rows: int, most: int = _EPOCHS[1]) -> int:
        """Return how many epochs so many rows are trained on for.

        Examples
        --------
        >>> [FinetuneConfig().epochs_for(rows) for rows in (100, 3_000, 10_000, 67_000)]
        [20, 20, 6, 3]
        """
        if self.epochs is not None:
            return self.epochs
        return max(_EPOCHS[0], min(_EPOCHS[1], most, round(_SEEN / max(rows, 1))))

    def batch_for(self, rows: int, epochs: int) -> int:
        """Return how many of so many rows make a batch: few steps teach nothing, see Mosbach et al.

        Examples
        --------
        >>> [FinetuneConfig().batch_for(rows, 20) for rows in (100, 400, 799, 800)]
        [8, 16, 16, 32]
        """
        if self.batch_size is not None:
            return self.batch_size
        enough = [size for size in _BATCHES if rows * epochs >= _STEPS * size]
        return max(enough, default=_BATCHES[0])

    def rate_for(self, width: int) -> float:
        """Return the greatest learning rate for a model of some width.

        Examples
        --------
        >>> [FinetuneConfig().rate_for(width) for width in (128, 384, 768)]
        [0.0003, 7.3e-05, 3e-05]
        """
        if self.learning_rate is not None:
            return self.learning_rate
        (narrow, high), (wide, low) = _NARROW, _WIDE
        share = math.log(width / narrow) / math.log(wide / narrow)
        rate = high * (low / high) ** min(max(share, 0.0), 1.5)
        return float(f"{rate:.2g}")

    def training(
        self, *, width: int, epochs: int, batch_size: int, epoch_batches: int, seed: int
    ) -> TrainingConfig:
        """Return the settings of the loop: it measures and saves after each epoch.

        Parameters
        ----------
        width
            Of the model.
        epochs
            How many, where no budget is given.
        batch_size
            Of how many rows.
        epoch_batches
            How many batches an epoch has.
        seed
            Of order and dropout.
        """
        a_step = self.gradient_accumulation_steps
        epoch = max(1, epoch_batches // a_step)
        steps = max(1, epochs * epoch_batches // a_step)
        return TrainingConfig(
            steps=None if self.budget else steps,
            budget=self.budget,
            batch_size=batch_size,
            gradient_accumulation_steps=a_step,
            gradient_shards=self.gradient_shards,
            learning_rate=self.rate_for(width),
            schedule=self.schedule,
            warmup_proportion=self.warmup_proportion,
            weight_decay=self.weight_decay,
            adam_epsilon=self.adam_epsilon,
            max_grad_norm=self.max_grad_norm,
            save_steps=epoch,
            eval_steps=epoch,
            keep_checkpoints=1,
            precision=self.precision,
            seed=seed,
        )


def frozen_layers(freeze: str) -> int | None:
    """Read what stays as it is: -1 nothing, 0 the embeddings, n so many layers, None all.

    Raises
    ------
    ConfigError
        If the text says something else.
    """
    names = {"none": -1, "embeddings": 0, "encoder": None}
    if freeze in names:
        return names[freeze]
    if freeze.isascii() and freeze.isdigit() and len(freeze) < 6:
        return int(freeze)
    raise ConfigError(
        f"freeze={freeze!r} is none of none, embeddings, encoder and a number of layers"
    )
