"""Shards as batches to train on: their loaders, how many steps they give, how large a part gets."""

from collections.abc import Sequence
from dataclasses import replace

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.bert.head import Capacity
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.shards.reader import Shards
from tokpipe.training.config import TrainingConfig
from tokpipe.training.source import BatchSource


def loaders(
    shards: Shards, config: TrainingConfig, *, same_masks: bool = False
) -> tuple[Loader, Loader | None]:
    """Return the batches of the training split, and of the validation split if it has rows.

    Parameters
    ----------
    same_masks
        Whether the training split has the same masks in all epochs.

    Raises
    ------
    ConfigError
        If `masked_lm_prob` is set where it changes nothing.
    """
    batches = BatchConfig(batch_tokens=config.batch_tokens, batch_size=config.batch_size)
    facts, masks, seed = shards.facts, masks_to_learn(shards, config), config.seed
    validation = shards.validation if shards.validation.rows else None
    train = Loader(shards.train, batches, facts, masks, seed, same_masks=same_masks)
    return train, Loader(validation, batches, facts, shards.masks, seed) if validation else None


def masks_to_learn(shards: Shards, config: TrainingConfig) -> MaskConfig:
    """Return how the training split is masked: as the shards say, but for the share that is set.

    Raises
    ------
    ConfigError
        If a share is set that changes nothing.
    """
    share, masks = config.masked_lm_prob, shards.masks
    if share is None:
        return masks
    if masks.masking == "static":
        raise ConfigError(
            f"masked_lm_prob={share:g} has no effect on {shards.folder}, which holds masked copies "
            "of the text",
            hint="Leave it out, or build shards with --masking dynamic.",
        )
    limit, longest = masks.max_predictions_per_seq, shards.examples.max_seq_length
    if limit is not None and round(share * longest) > limit:
        raise ConfigError(
            f"masked_lm_prob={share:g} asks for {round(share * longest)} of {longest} tokens, and "
            f"{shards.folder} has max_predictions_per_seq={limit}",
            hint="Leave it out, or build shards without that limit.",
        )
    return replace(masks, masked_lm_prob=share)


def steps_in(config: TrainingConfig, train: BatchSource) -> int | None:
    """Return how many steps there will be; None where the clock decides."""
    if config.epochs is None:
        return config.most_steps
    batches = int(config.epochs) * train.count(0)
    batches += round((config.epochs - int(config.epochs)) * train.count(0))
    return max(1, batches // config.gradient_accumulation_steps)


def capacity_of(config: TrainingConfig, folders: Sequence[Shards]) -> Capacity:
    """Return how large a part of a batch gets, about: memory is taken for it before the start."""
    found = (_capacity_of(config, one) for one in folders)
    return Capacity(*map(max, zip(*found, strict=True)))


def _capacity_of(config: TrainingConfig, shards: Shards) -> Capacity:
    lengths = shards.train.lengths
    if not len(lengths):
        raise InputError(f"{shards.folder}: the train split holds no examples")
    longest, mean = int(lengths.max()), float(lengths.mean())
    tokens = min(max(config.batch_tokens, longest), int(lengths.sum()))
    if config.batch_size is not None:
        tokens = min(tokens, config.batch_size * longest)
    part = min(tokens, tokens // config.gradient_shards + longest)
    about = Capacity.about(part, mean, masks_to_learn(shards, config).masked_lm_prob)
    return about._replace(sequences=min(config.batch_size or part, about.sequences))
