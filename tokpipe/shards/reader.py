"""Shard folders, opened: mapped columns, what they were made with, and whether they are whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.foundation.doors import path_of
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.stores.copies import here
from tokpipe.shards.config import SPLITS, ShardConfig
from tokpipe.shards.parts import Part, read_parts
from tokpipe.shards.schema import columns_of, schema_of
from tokpipe.shards.vocabulary import TOKENIZER, token_facts
from tokpipe.tokenizer.tokenizer import Tokenizer

KIND = "shards"  # of the manifest


@dataclass(frozen=True)
class Split:
    """The examples of one split.

    Attributes
    ----------
    name : str
        "train" or "validation".
    parts : sequence of Part
        All rows, in order, as views of the mapped files.
    files : list of str
        The files, inside the folder; `Part.shard` is an index into them.
    tokens : int
        How many all rows hold, special tokens included.
    """

    name: str
    parts: Sequence[Part]
    files: list[str]
    tokens: int

    @cached_property
    def borders(self) -> NDArray[np.int64]:
        """int64[parts + 1]: row r of the split is in the part p with borders[p] <= r < …[p + 1]."""
        rows = [part.rows for part in self.parts]
        return np.cumsum([0, *rows], dtype=np.int64)

    @property
    def rows(self) -> int:
        """How many examples there are."""
        return int(self.borders[-1])

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """int32[rows]: how many tokens each example has."""
        found = [np.diff(part.input_ids.offsets) for part in self.parts]
        return np.concatenate([np.zeros(0, np.int32), *found])


@dataclass(frozen=True)
class Shards:
    """A shard folder.

    Attributes
    ----------
    folder : Path
    manifest : Manifest
    train, validation : Split
    examples, masks, shards
        The settings that it was made with.
    tokenizer : Tokenizer
        The vocabulary of the ids.
    facts : TokenFacts
        What examples and masks need to know of it.
    """

    folder: Path
    manifest: Manifest
    train: Split
    validation: Split
    examples: ExampleConfig
    masks: MaskConfig
    shards: ShardConfig
    tokenizer: Tokenizer
    facts: TokenFacts

    @property
    def splits(self) -> tuple[Split, Split]:
        """Both splits."""
        return self.train, self.validation


def open_shards(folder: str | Path, *, hashes: bool = True) -> Shards:
    """Open a shard folder.

    The files, and the number of rows and tokens in every shard are compared with the manifest.

    Parameters
    ----------
    folder
        As `build_shards` made it; of a store, it is fetched.
    hashes
        Whether to compare the content of all files, and not their sizes alone.

    Raises
    ------
    ArtifactError
        If a file is missing, damaged, or not what the manifest says.
    """
    folder = here(path_of("folder", folder))
    manifest = Manifest.read(folder, KIND)
    manifest.check_files(folder, hashes=hashes)
    examples, masks, shards = _settings(folder, manifest)
    tokenizer = _tokenizer(folder, manifest)
    columns = columns_of(examples, masks, shards, tokenizer.vocab_size)
    schema = schema_of(columns)
    train, validation = (
        _split(folder, manifest, name, schema, examples.max_seq_length) for name in SPLITS
    )
    return Shards(
        folder,
        manifest,
        train,
        validation,
        examples,
        masks,
        shards,
        tokenizer,
        token_facts(tokenizer),
    )


def shard_name(split: str, number: int, count: int) -> str:
    """Return the name of a shard file inside the folder, as `datasets` names them.

    Examples
    --------
    >>> shard_name("train", 3, 12)
    'train/data-00003-of-00012.arrow'
    """
    return f"{split}/data-{number:05d}-of-{count:05d}.arrow"


def _settings(folder: Path, manifest: Manifest) -> tuple[ExampleConfig, MaskConfig, ShardConfig]:
    try:
        examples, masks, shards = (
            manifest.settings[key] for key in ("examples", "masks", "shards")
        )
        return (
            ExampleConfig.from_dict(examples),
            MaskConfig.from_dict(masks),
            ShardConfig.from_dict(shards),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{folder}: the manifest has no settings of shards") from error
    except ConfigError as error:
        raise ArtifactError(f"{folder}: the manifest: {error.problem}") from error


def _tokenizer(folder: Path, manifest: Manifest) -> Tokenizer:
    if TOKENIZER not in manifest.files:
        raise ArtifactError(f"{folder}: the manifest names no {TOKENIZER}")
    tokenizer = Tokenizer.load(folder / TOKENIZER)
    stated, size = manifest.facts.get("vocab_size"), tokenizer.vocab_size
    if size != stated:
        raise ArtifactError(f"{folder / TOKENIZER} has {size:,} tokens, the manifest says {stated}")
    return tokenizer


def _split(folder: Path, manifest: Manifest, name: str, schema: Any, longest: int) -> Split:
    """Open the shards of a split, and compare rows and tokens with the manifest."""
    stated = _stated_counts(folder, manifest, name)
    parts, files, tokens = [], [], 0
    for number, (rows, wanted) in enumerate(stated):
        file = shard_name(name, number, len(stated))
        if file not in manifest.files:
            raise ArtifactError(f"{folder}: the manifest names no {file}")
        found = list(read_parts(folder / file, schema, number))
        counts = [sum(p.rows for p in found), sum(len(p.input_ids.values) for p in found)]
        if counts != [rows, wanted]:
            raise ArtifactError(
                f"{folder / file}: {counts[0]} examples of {counts[1]} tokens, "
                f"the manifest says {rows} of {wanted}",
                hint="The file is damaged or was changed; make the folder again.",
            )
        for part in found:
            _check_lengths(folder / file, np.diff(part.input_ids.offsets), longest)
        parts += [part for part in found if part.rows]
        files.append(file)
        tokens += counts[1]
    return Split(name, parts, files, tokens)


def _check_lengths(path: Path, lengths: NDArray[np.int32], longest: int) -> None:
    if len(lengths) and not 0 < lengths.min() <= lengths.max() <= longest:
        found = "no token" if not lengths.min() else f"{lengths.max():,} tokens"
        raise ArtifactError(
            f"{path}: an example of {found}, longer than max_seq_length={longest} or empty",
            hint="The file is damaged or was changed; make the folder again.",
        )


def _stated_counts(folder: Path, manifest: Manifest, split: str) -> list[tuple[int, int]]:
    """Return rows and tokens of each shard of a split, as the manifest says."""
    try:
        return [(shard["rows"], shard["tokens"]) for shard in manifest.facts["shards"][split]]
    except (KeyError, TypeError) as error:
        text = json.dumps(split)
        raise ArtifactError(f"{folder}: the manifest has no shards of {text}") from error
