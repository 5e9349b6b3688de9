"""Whether a model and shards fit together, and what the shards decide of it and of its training."""

from collections.abc import Sequence
from dataclasses import replace

from tokpipe.bert.config import BertConfig
from tokpipe.bert.registry import all_heads
from tokpipe.foundation.errors import ConfigError
from tokpipe.shards.reader import Shards
from tokpipe.training.config import TrainingConfig
from tokpipe.training.recipe import config_for_recipe
from tokpipe.training.settings import SETTINGS

_PAIRS = "Leave it at 2, or build shards with --no-nsp."


def fitted(model: BertConfig, shards: Shards) -> BertConfig:
    """Return the model's settings with what the shards decide filled in.

    Raises
    ------
    ConfigError
        If they contradict the shards.
    """
    vocab = shards.facts.vocab_size
    default = BertConfig().vocab_size
    if model.vocab_size not in (vocab, default):
        raise ConfigError(
            f"vocab_size={model.vocab_size:,}, and the shards' tokenizer has {vocab:,} tokens",
            hint="Leave it out: it follows the shards.",
        )
    pad = max(shards.facts.pad_id, 0)
    fitted = replace(config_for_recipe(model, shards), vocab_size=vocab, pad_token_id=pad)
    for head in all_heads().values():
        fitted = head.fitted(fitted, shards.examples.pairs)
    check_fits(fitted, shards, model.position_offset)
    return fitted


def check_fits(model: BertConfig, shards: Shards, offset: int, hint: str = _PAIRS) -> None:
    """Refuse a model that cannot take the sequences of shards.

    Parameters
    ----------
    offset
        The `position_offset` that was given: the recipe may have added to it and to the table.
    hint
        What is to be done where it knows no pairs.

    Raises
    ------
    ConfigError
        If so.
    """
    if shards.examples.pairs and model.type_vocab_size < 2:
        raise ConfigError(
            f"type_vocab_size={model.type_vocab_size}, and the shards hold pairs of two segments",
            hint=hint,
        )
    longest, wanted = model.longest, shards.examples.max_seq_length
    if longest is not None and longest < wanted:
        raise ConfigError(
            f"max_position_embeddings={longest + offset} gives {longest} places, and "
            f"the shards have max_seq_length={wanted}",
            hint=f"Set max_position_embeddings={wanted + offset} or more.",
        )


def fitted_training(name: str, config: TrainingConfig, folders: Sequence[Shards]) -> TrainingConfig:
    """Return settings with the share of masks that a name sets, where nobody set one.

    Shards with stored masks, or with a limit of their own, keep their share.
    """
    share, masks = SETTINGS[name].masked_lm_prob, [one.masks for one in folders]
    if share is None or config.masked_lm_prob is not None:
        return config
    if any(one.masking == "static" or one.max_predictions_per_seq for one in masks):
        return config
    return replace(config, masked_lm_prob=share)
