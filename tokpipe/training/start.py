"""A pretraining that goes out from a model: its settings and first weights, fitted to shards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import refusals
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.registry import all_heads, entries_of, heads_of
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.hub import shown_name
from tokpipe.shards.reader import Shards
from tokpipe.training.config import TrainingConfig
from tokpipe.training.fitting import check_fits
from tokpipe.training.frequencies import frequencies_of
from tokpipe.training.lesson import Lesson
from tokpipe.training.phases import longest_of
from tokpipe.training.pretrain import Pretraining
from tokpipe.training.source_model import Source, open_source, weights_of
from tokpipe.training.start_config import StartConfig
from tokpipe.training.token_rows import OF_VOCABULARY, TokenRows, matched_rows, moved


class Start(NamedTuple):
    """A pretraining from a model that can begin."""

    source: Source
    asked: Pretraining
    rows: TokenRows | None  # None: shards and model have the same vocabulary
    new_heads: tuple[str, ...]  # names of the heads that the model has not

    @property
    def grown(self) -> tuple[int, int] | None:
        """Sequences that the position table took, and takes; None: it is as it was."""
        before, after = self.source.config.longest, self.asked.model.longest
        return None if before == after or not before or not after else (before, after)

    @property
    def reasons(self) -> list[str]:
        """Why the model cannot stay of the family that it is of; none if it can."""
        return refusals(self.asked.model, self.source.family)


def prepare_start(
    source: str | Path,
    folders: Sequence[Shards],
    config: StartConfig,
    training: TrainingConfig,
    then: str = "rewarm",
) -> Start:
    """Read a model, and fit its settings to shards; its weights are read when training begins.

    Parameters
    ----------
    folders
        To train on, one after the other, as `open_phases` returns them.
    then
        As `pretrain` has it.

    Raises
    ------
    ArtifactError
        If a file is not what a manifest of ours beside it says.
    ConfigError
        If the model cannot take such sequences.
    InputError
        If a file is missing, damaged, or of a kind that may run code.
    """
    found = open_source(source)
    shards = longest_of(folders)
    ours, theirs = shards.tokenizer, found.tokenizer
    known = found.config.vocab_size
    is_same = theirs.tokens == ours.tokens and known >= ours.vocab_size
    rows = None if is_same else matched_rows(theirs, ours, known)
    model = _fitted(found, shards, config, is_same=is_same)
    has = {entry.name for entry in entries_of(found.config)}
    new_heads = tuple(entry.name for entry in entries_of(model) if entry.name not in has)
    asked = Pretraining(tuple(folders), model, training, then=then, own=found.family)
    start = Start(found, asked, rows, new_heads)
    inputs = {**start.asked.inputs, "model": found.digest}
    name = shown_name(found.folder)
    settings: dict[str, Any] = {"inputs": inputs, "start": {"model": name, **config.to_dict()}}
    lesson = Lesson(partial(first_weights, start, config), settings)
    return start._replace(asked=start.asked._replace(lesson=lesson))


def first_weights(start: Start, config: StartConfig) -> Parameters:
    """Return the model's weights as the shards want them; what it has not is drawn by the seed."""
    old, (folders, model, training, *_) = weights_of(start.source), start.asked
    made = Parameters.initialised(model, training.seed)
    if training.mlm_bias == "frequency":
        frequencies = frequencies_of(folders[0].train, folders[0].facts)
        for name, head in heads_of(model).items():
            if name in start.new_heads:
                head.prime(made.views, frequencies)
    for name, view in made.views.items():
        if name in old.views:
            view[...] = _taken(name, old.views, start, config, view.shape)
    return made


def _taken(
    name: str,
    old: Mapping[str, NDArray[np.float32]],
    start: Start,
    config: StartConfig,
    shape: tuple[int, ...],
) -> NDArray[np.float32]:
    table = old[name]
    if name in OF_VOCABULARY and start.rows is not None:
        return moved(table, start.rows, config.new_rows, start.asked.config.seed)
    if name == "embeddings.position":
        first, offset = start.source.config.position_offset, start.asked.model.position_offset
        before, places = table[:first], table[first:]
        if first != offset:  # no place is told by what stands before the first one
            before = longer(before, offset, "repeat")
        if start.grown:
            places = longer(places, shape[0] - offset, config.grow_positions)
        return np.concatenate([before, places])
    return table


def longer(table: NDArray[np.float32], length: int, how: str) -> NDArray[np.float32]:
    """Return a position table with more rows: repeated, or stretched between its own.

    Parameters
    ----------
    table : float32[P, E]
    length
        L, rows wanted.
    how
        "repeat": row i is row i mod P, so that near neighbours stay as they were (Beltagy et al.
        2020, "Longformer", 5). "interpolate": the first and the last row stay the ends, and the
        rows between lie on lines between the old ones.

    Returns
    -------
    float32[L, E]

    Examples
    --------
    >>> longer(np.float32([[0], [2]]), 3, "repeat").tolist()
    [[0.0], [2.0], [0.0]]
    >>> longer(np.float32([[0], [2]]), 3, "interpolate").tolist()
    [[0.0], [1.0], [2.0]]
    """
    if how == "repeat":
        return table[np.arange(length) % len(table)]
    places = np.arange(length) * ((len(table) - 1) / max(1, length - 1))
    low = np.minimum(places.astype(np.int64), max(0, len(table) - 2))
    share = (places - low)[:, None]
    high = np.minimum(low + 1, len(table) - 1)
    return (table[low] * (1 - share) + table[high] * share).astype(np.float32)


def _fitted(source: Source, shards: Shards, config: StartConfig, *, is_same: bool) -> BertConfig:
    """Return the settings of a model for shards; its vocabulary is theirs, its dropouts asked."""
    model = source.config
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
    fitted = replace(model, mlm_head=True, **given)  # the one that all pretraining is for
    if not is_same:
        pad = max(shards.facts.pad_id, 0)
        fitted = replace(_padded(fitted, source.family, pad), vocab_size=shards.facts.vocab_size)
    for head in all_heads().values():
        fitted = head.fitted(fitted, shards.examples.pairs)
    longest, wanted = fitted.longest, shards.examples.max_seq_length
    if longest is not None and longest < wanted:
        if config.grow_positions == "refuse":
            raise ConfigError(
                f"the model takes {longest} tokens, and the shards have max_seq_length={wanted}",
                hint="Build shorter shards, or set grow_positions to repeat or interpolate.",
            )
        fitted = replace(fitted, max_position_embeddings=wanted + fitted.position_offset)
    check_fits(fitted, shards, fitted.position_offset, "Build shards with --no-nsp for it.")
    return fitted


def _padded(model: BertConfig, family: Family, pad: int) -> BertConfig:
    """Return the settings of a model with another padding, which RoBERTa's places begin after."""
    first, offset = (
        family.implied({"pad_token_id": one}).get("position_offset", -1)
        for one in (model.pad_token_id, pad)
    )
    if model.position_offset != first:
        return replace(model, pad_token_id=pad)
    rows = model.max_position_embeddings - first + offset
    return replace(model, pad_token_id=pad, position_offset=offset, max_position_embeddings=rows)
