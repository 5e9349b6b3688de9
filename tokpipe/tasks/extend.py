"""A tokenizer or a model with more tokens, written as the folder that it was."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.bert.parameters import Parameters
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.version import __version__
from tokpipe.tasks.extend_config import RowsConfig
from tokpipe.tasks.folder import Layout, write_model_files
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import sentence_files
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.extend import Extension, check_extensible, extended, learn_tokens
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.extend_proof import Gain, measure_gain, prove_vocabulary, prove_words
from tokpipe.tokenizer.extend_words import read_words, word_tokens
from tokpipe.tokenizer.folder import KIND, folder_files, write_files
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.training.token_rows import OF_VOCABULARY, TokenRows, moved
from tokpipe.words.count import count_words
from tokpipe.words.counts import WordCounts

_WEIGHTS = ("*.safetensors", "*.bin")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a tokenizer or model is extended with: tokens learned from a text, or given words."""

    inputs: Sequence[str | Path] = ()  # to learn from, and to measure on
    words: Path | None = None  # words, one a line
    tokens: ExtendConfig = field(default_factory=ExtendConfig)
    rows: RowsConfig = field(default_factory=RowsConfig)
    read: ReadConfig = field(default_factory=ReadConfig)
    held_out: float = 0.05  # share of the texts that is measured on, and not learned from
    seed: int = 0  # of rows that are drawn

    def __post_init__(self) -> None:
        if (self.tokens.add is None) == (self.words is None):
            raise ConfigError("give add or words, one of them")
        if not self.inputs and self.words is None:
            raise ConfigError(
                "add needs a text to learn from", hint="Name files, folders or patterns."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What came of it."""

    extension: Extension
    compared: int  # old tokens that were held against the new vocabulary
    gain: Gain | None  # None: no text was given
    known: tuple[str, ...]  # words that were tokens already
    normalised: dict[str, str]  # words that the normalizer changes
    table: tuple[int, int] | None  # rows of the model's embedding, before and after


def is_model(path: Path) -> bool:
    """Say whether a folder holds a model, not a tokenizer alone."""
    has_weights = any(next(path.glob(pattern), None) for pattern in _WEIGHTS)
    return has_weights and (path / "config.json").exists()


def extend_vocab(  # noqa: PLR0913 - the public face: all but three by name
    source: str | Path,
    asked: Asked,
    output: str | Path,
    *,
    force: bool = False,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress = SILENT,
) -> Done:
    """Extend the vocabulary of a tokenizer, or of a model and its tokenizer; write the folder.

    Parameters
    ----------
    source
        What `Tokenizer.load` or `BertModel.load` opens.
    threads, memory
        As in `count_words`; the result does not depend on them.

    Raises
    ------
    ConfigError
        If the tokenizer is not ours to extend, or a setting is for models alone.
    InputError
        If the text or the words cannot be read as asked, or give no token.
    StorageError
        If `output` exists and `force` is not set, or the disk does not take it.
    """
    path = model_path("source", source)
    model = BertModel.load(path) if is_model(path) else None
    tokenizer = model.tokenizer if model else Tokenizer.load(path)
    check_extensible(tokenizer, str(path))
    if model is None and asked.rows != RowsConfig():
        raise ConfigError(
            f"{path} is a tokenizer: new_rows and pad_to_multiple_of are for models",
            hint="Leave them out, or name a model folder.",
        )
    identity = _identity(tokenizer, asked)
    with build_folder(Path(output), force=force, identity=identity) as folder:
        work = folder / UNFINISHED
        work.mkdir(exist_ok=True)
        counts = None
        if asked.inputs:
            counts = count_words(
                asked.inputs,
                tokenizer.spec.words,
                asked.read,
                threads=threads,
                memory=memory,
                held_out=asked.held_out,
                progress=progress,
                workdir=work,
            )
        done = _extend(tokenizer, asked, counts, progress, threads)
        if model is None:
            write_files(
                folder_files(done.extension.new.spec), folder, _manifest(done, asked, counts)
            )
            return done
        return replace(done, table=_write_model(folder, model, done.extension, asked))


def _extend(
    tokenizer: Tokenizer,
    asked: Asked,
    counts: WordCounts | None,
    progress: Progress,
    threads: int | None,
) -> Done:
    known: list[str] = []
    normalised: dict[str, str] = {}
    if asked.words is not None:
        given = read_words(asked.words, tokenizer)
        normalised = given.normalised
        new, known = word_tokens(tokenizer, given, asked.words)
    else:
        assert counts is not None, "`Asked` refuses to learn from nothing"
        new = learn_tokens(tokenizer, counts, asked.tokens, progress, threads)
    extension = extended(tokenizer, new, fill_unused=asked.tokens.fill_unused)
    compared = prove_vocabulary(extension)
    for part in (counts, counts and counts.held_out):
        if part is not None and len(part):
            prove_words(extension, part.words, threads)
    gain = measure_gain(extension, counts, threads) if counts is not None else None
    return Done(extension, compared, gain, tuple(known), normalised, None)


def _write_model(
    folder: Path, model: BertModel, extension: Extension, asked: Asked
) -> tuple[int, int]:
    made = extended_parameters(model.parameters, extension, asked.rows, asked.seed)
    longest = model.config.longest
    files = folder_files(extension.new.spec, *([longest] if longest else []))
    sentence = sentence_files(model.folder) if model.folder else {}
    layout = Layout(model.family, model.dtypes, sentence=sentence)
    write_model_files(folder, made, extension.new, files, layout)
    return model.config.vocab_size, made.config.vocab_size


def extended_parameters(
    old: Parameters, extension: Extension, config: RowsConfig, seed: int
) -> Parameters:
    """Return a model's weights with rows for new tokens; all others are as they were, to the bit.

    Rows without a token, of which a model may have some, are the first to be taken; what is added
    to reach a multiple is the mean of all.
    """
    count = max(old.config.vocab_size, extension.new.vocab_size)
    multiple = config.pad_to_multiple_of or 1
    count = -(-count // multiple) * multiple
    same = np.arange(count, dtype=np.int32)
    same[old.config.vocab_size :] = -1
    same[list(extension.added)] = -1
    known = {id: [one for one in old if one >= 0] for id, old in extension.pieces.items()}
    rows = TokenRows(same, known)
    made = Parameters(replace(old.config, vocab_size=count))
    for name, view in made.views.items():
        table = old.views[name]
        view[...] = moved(table, rows, config.new_rows, seed) if name in OF_VOCABULARY else table
    return made


def _identity(tokenizer: Tokenizer, asked: Asked) -> dict[str, Any]:
    """Return what interrupted work must be of to be gone on with: the words that were counted."""
    return {
        "tokenizer": hashlib.sha256(document_bytes(tokenizer.spec)).hexdigest(),
        "tokens": asked.tokens.to_dict(),
        "read": asked.read.to_dict(),
        "held_out": asked.held_out,
        "version": __version__,
    }


def _manifest(done: Done, asked: Asked, counts: WordCounts | None) -> Manifest:
    spec, gain = done.extension.new.spec, done.gain
    inputs: Callable[[], Any] = counts.digest if counts is not None else dict
    facts = {
        "tokens": done.extension.new.vocab_size,
        "merges": len(spec.merges),
        "added": len(done.extension.added),
        **({"quality": gain.after.to_dict()} if gain else {}),
    }
    settings = {"words": spec.words.to_dict(), "tokens": asked.tokens.to_dict()}
    return Manifest(kind=KIND, settings=settings, inputs=inputs(), facts=facts)
