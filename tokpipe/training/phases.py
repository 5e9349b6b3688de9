"""Several folders of shards as the phases of one training.

References
----------
Devlin, Chang, Lee and Toutanova, 2018, "BERT: Pre-training of Deep Bidirectional Transformers for
Language Understanding", A.2: 90 % of the steps on sequences of 128 tokens, the rest on 512.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from tokpipe.foundation.doors import paths_of
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tokenizer.document import document_bytes
from tokpipe.training.config import TrainingConfig

Folders = str | Path | Sequence[str | Path]  # of shards: one, or one after the other

_BERT = (0.9, 0.1)  # short sequences, then long ones


def open_phases(shards: Folders) -> tuple[Shards, ...]:
    """Open the folders of a training.

    Raises
    ------
    ArtifactError
        If one is damaged, or two differ in more than length: names both, and in what.
    ConfigError
        If there is none.
    """
    if isinstance(shards, str | os.PathLike):
        return (open_shards(shards),)
    found = tuple(open_shards(path) for path in paths_of("shards", shards))
    if not found:
        raise ConfigError("there are no shards to train on", hint="Name a folder, or several.")
    for one in found[1:]:
        for what, first, other in zip(_KINDS, _kind_of(found[0]), _kind_of(one), strict=True):
            if first != other:
                values = "" if isinstance(first, bytes) else f": {first}, and {other}"
                raise ArtifactError(
                    f"{found[0].folder} and {one.folder} are no phases of one training, for they "
                    f"have not the same {what}{values}",
                    hint="Build them alike; only lengths and masks may differ.",
                )
    return found


_KINDS = ("tokenizer", "recipe", "objective")


def _kind_of(shards: Shards) -> tuple[bytes, str, str]:
    return document_bytes(shards.tokenizer.spec), shards.examples.recipe, shards.examples.task


def shards_digest(shards: Shards) -> str:
    """Return a hash of all that shards hold, by their manifest."""
    text = json.dumps(shards.manifest.to_dict(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def told_of(folders: Sequence[Shards]) -> dict[str, dict[str, Any]]:
    """Return what the settings of a run say of its phases, by their number."""
    return {
        str(number): {
            "sha256": shards_digest(one),
            "max_seq_length": one.examples.max_seq_length,
            "tokens": one.train.tokens,
        }
        for number, one in enumerate(folders, 1)
    }


def longest_of(folders: Sequence[Shards]) -> Shards:
    """Return the folder of the longest sequences: what fits it fits all phases."""
    return max(folders, key=lambda one: one.examples.max_seq_length)


def shares_of(config: TrainingConfig, folders: int) -> tuple[float, ...]:
    """Return the share of the training that each folder has.

    Raises
    ------
    ConfigError
        If the settings do not say it of as many folders, or leave one of them no step.
    """
    shares = config.phase_shares or ((1.0,) if folders == 1 else _BERT)
    if len(shares) != folders or (folders == 1 and config.phase_shares):
        given = ",".join(f"{share:g}" for share in config.phase_shares) or "not given"
        there = f"there are {folders} folders" if folders > 1 else "there is one folder"
        raise ConfigError(
            f"phase_shares: {given}, and {there} of shards",
            hint="Give each folder its share." if folders > 1 else "Leave it out.",
        )
    if folders > 1 and config.epochs is not None:
        raise ConfigError(
            f"epochs={config.epochs:g} counts times through one folder, and there are {folders}",
            hint="Give steps or a budget, of which each folder has its share.",
        )
    if config.most_steps is not None:
        steps, borders = config.most_steps, accumulate((0.0, *shares[:-1]))
        first = [math.ceil(steps * border - 1e-6) for border in borders]
        if any(after <= before for before, after in pairwise([*first, steps])):
            raise ConfigError(
                f"steps={steps} are too few for a step in each of {folders} folders",
                hint="Train for more steps, or give the shortest phase a larger share.",
            )
    return shares
