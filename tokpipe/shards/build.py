"""Inputs to a shard folder: read, cut into blocks, made into examples by threads, written in order.

Each shard is a function of inputs, settings and its number alone, and finished ones are kept, so
that a killed run goes on where it stood and ends with the same bytes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.corpus.reader import PIECE_BYTES, Corpus, open_corpus
from tokpipe.examples.build import text_window
from tokpipe.examples.masking import check_facts
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stored_work import shared_folder
from tokpipe.foundation.threads import thread_count, usable_cpus
from tokpipe.foundation.version import __version__
from tokpipe.shards.config import BuildConfig
from tokpipe.shards.engine import BuildTask, Engine, InThreads
from tokpipe.shards.finishing import finish_folder
from tokpipe.shards.making import Recipe
from tokpipe.shards.quality import build_warnings
from tokpipe.shards.schema import columns_of
from tokpipe.shards.split_files import refuse_leftover
from tokpipe.shards.vocabulary import Vocabulary, load_vocabulary, row_template, token_facts
from tokpipe.tokenizer.quality import longest_word

_THREADS_A_PROCESSOR = 8  # at most: more only hold more of the text in memory
_DISK_SHARE = 0.6  # bytes of a shard a byte of text and copy: ids of two bytes, four bytes a token


@dataclass(frozen=True)
class BuildReport:
    """What came of a build.

    Attributes
    ----------
    folder : Path
        The shard folder.
    tallies : dict
        Of each split, what `tokpipe.json` says under "tally".
    shards : dict
        Of each split, how many files.
    file_bytes : int
        Of all shards together.
    warnings : tuple of str
        Where vocabulary, masks or pairs do not fit the text: causes and cures.
    """

    folder: Path
    tallies: dict[str, Counter[str]]
    shards: dict[str, int]
    file_bytes: int
    warnings: tuple[str, ...] = ()


def build_shards(  # noqa: PLR0913 - the public face: all but three by name
    inputs: Sequence[str | Path] | Corpus,
    tokenizer: str | Path,
    output: str | Path,
    config: BuildConfig | None = None,
    *,
    force: bool = False,
    threads: int | None = None,
    piece_bytes: int = PIECE_BYTES,
    progress: Progress = SILENT,
    engine: Engine | None = None,
) -> BuildReport:
    """Build pretraining shards.

    Parameters
    ----------
    inputs
        Files, folders, globs; or a corpus that is open already.
    tokenizer
        A tokenizer folder, or a ``tokenizer.json``, ``vocab.txt`` or ``vocab.json``.
    output
        The folder to make.
    config
        Recipe, masks, sentences, files, reading, seed; BERT's recipe with dynamic masks by default.
    force
        Replace a shard folder that is there, and start over.
    threads
        How many; the result does not depend on it.
    piece_bytes
        How much text is read at once; nor on this.
    progress
        Told of the bytes read.
    engine
        What does the work, in place of threads of this process.

    Raises
    ------
    ConfigError
        If settings contradict one another, or the vocabulary lacks what they need.
    InputError
        If inputs cannot be read as asked, or give no example.
    ArtifactError
        If interrupted work was begun with other inputs, settings, or another version.
    StorageError
        If the output exists, or the disk refuses.
    """
    config = BuildConfig() if config is None else config
    _check_arguments(tokenizer, output, config, {"threads": threads, "piece_bytes": piece_bytes})
    workers = min(thread_count(threads), _THREADS_A_PROCESSOR * usable_cpus())
    corpus = inputs if isinstance(inputs, Corpus) else open_corpus(inputs, config.read)
    vocabulary = load_vocabulary(Path(tokenizer))
    recipe = recipe_of(vocabulary, config)
    is_stream = any(file.is_stream for file in corpus.files)
    if is_stream and config.shards.num_shards:
        raise ConfigError(
            "num_shards needs the length of the text, and a stream can be read only once",
            hint="Leave --num-shards out, or give a file.",
        )
    engine = engine or InThreads(workers)
    digest = engine.digest(corpus)
    identity = _identity(config, digest, vocabulary) | {"piece_bytes": piece_bytes}
    needed = _disk_needed(output, corpus, config)
    with build_folder(
        Path(output), force=force, identity=None if is_stream else identity, needed_bytes=needed
    ) as folder:
        work = folder / UNFINISHED
        refuse_leftover(work, is_dir=True)
        work.mkdir(exist_ok=True)
        read_from = (Path(tokenizer), vocabulary.digest)
        task = BuildTask(
            shared_folder(folder), corpus, recipe, config, *read_from, piece_bytes, progress
        )
        splits = engine.build(task)
        if not sum(shard.rows for shard in splits[0].finished):
            raise InputError(
                f"{corpus.files[0].name}: no training examples in the input",
                hint="Is it blank, or is every document held back for validation?",
            )
        settings = {**config.to_dict(), "seed": config.seed}
        skipped = corpus.tally.get("files skipped", 0)
        tallies = finish_folder(
            folder, splits, vocabulary, settings, digest, {"files skipped": skipped}
        )
    files = {split.name: len(split.finished) for split in splits}
    file_bytes = sum(shard.size for split in splits for shard in split.finished)
    whole = sum(tallies.values(), Counter())
    warnings = tuple(
        build_warnings(whole, config.examples, config.masks, longest_word(recipe.tokenizer.spec))
    )
    return BuildReport(Path(output), tallies, files, file_bytes, warnings)


def _disk_needed(output: str | Path, corpus: Corpus, config: BuildConfig) -> int:
    """Return how many bytes the shards may take here: to a store they go up one by one."""
    share = _DISK_SHARE if address_of(output) is None else 0
    return int(corpus.stored_bytes * share * config.masks.copies)


def _check_arguments(
    tokenizer: Any, output: Any, config: Any, numbers: dict[str, int | None]
) -> None:
    require("tokenizer", tokenizer, str, Path, optional=False)
    require("output", output, str, Path, optional=False)
    require("config", config, BuildConfig, optional=False)
    for part in fields(BuildConfig):
        wanted: Any = int if part.name == "seed" else part.default_factory
        require(f"config.{part.name}", getattr(config, part.name), wanted, optional=False)
    for name, number in numbers.items():
        require(name, number, int)
        if number is not None and number < 1:
            raise ConfigError(f"{name}: {number}; allowed are whole numbers from 1 on")


def recipe_of(vocabulary: Vocabulary, config: BuildConfig) -> Recipe:
    """Check that vocabulary and settings go together."""
    facts = token_facts(vocabulary.tokenizer)
    check_facts(facts, config.masks)
    template = row_template(vocabulary.tokenizer.spec.template, pairs=config.examples.pairs)
    for id in np.concatenate(template[:3]).tolist():
        if not 0 <= id < facts.vocab_size:
            raise InputError(
                f"the tokenizer puts the id {id} around a text, outside of its vocabulary of "
                f"{facts.vocab_size:,} tokens"
            )
    text_window(config.examples, template)
    return Recipe(
        tokenizer=vocabulary.tokenizer,
        facts=facts,
        template=template,
        sentences=config.sentences,
        examples=config.examples,
        masks=config.masks,
        columns=columns_of(config.examples, config.masks, config.shards, facts.vocab_size),
        seed=config.seed,
    )


def _identity(
    config: BuildConfig, digest: dict[str, str], vocabulary: Vocabulary
) -> dict[str, Any]:
    return {
        "version": __version__,
        "settings": config.to_dict(),
        "seed": config.seed,
        "inputs": digest,
        "tokenizer": vocabulary.digest,
    }
