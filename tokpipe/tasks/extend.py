"""A tokenizer or a model with more tokens, written as the folder that it was."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.bert.parameters import Parameters
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.doors import path_of, require
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.version import __version__
from tokpipe.tasks.extend_config import RowsConfig
from tokpipe.tasks.extend_source import Source, kept_files, open_source
from tokpipe.tasks.folder import Layout, write_model_files
from tokpipe.tasks.model import BertModel
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


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a tokenizer or model is extended with: tokens learned from a text, or given words."""

    inputs: Sequence[str | Path]  # to learn from, and to measure on
    words: Path | None  # words, one a line
    tokens: ExtendConfig
    rows: RowsConfig
    read: ReadConfig
    held_out: float  # share of the texts that is measured on, and not learned from
    seed: int  # of rows that are drawn

    def __post_init__(self) -> None:
        if (self.tokens.add is None) == (self.words is None):
            raise ConfigError("give add or words, one of them")
        if not self.inputs and self.words is None:
            raise ConfigError(
                "add needs a text to learn from", hint="Name files, folders or patterns."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Extended:
    """What came of it."""

    extension: Extension
    compared: int  # old tokens that were held against the new vocabulary
    words: tuple[int, int] | None  # unique words of the text: compared, and all; None: no text
    gain: Gain | None  # None: no text was given
    known: tuple[str, ...]  # words that were tokens already
    normalised: dict[str, str]  # words that the normalizer changes
    table: tuple[int, int] | None  # rows of the model's embedding, before and after
    notes: tuple[str, ...]  # on the source: what was taken of it, and what does not go along


def extend_vocab(  # noqa: PLR0913 - the public face: all but two by name
    source: str | Path,
    output: str | Path,
    *,
    inputs: Sequence[str | Path] = (),
    words: str | Path | None = None,
    config: ExtendConfig | None = None,
    rows: RowsConfig | None = None,
    read: ReadConfig | None = None,
    held_out: float = 0.05,
    seed: int = 0,
    force: bool = False,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress = SILENT,
) -> Extended:
    """Extend the vocabulary of a tokenizer, or of a model and its tokenizer; write the folder.

    Old tokens keep their ids, and what else the folder says stays as it was.

    Parameters
    ----------
    source
        What `Tokenizer.load` or `BertModel.load` opens.
    output
        The folder to make, of the same kind.
    inputs
        Files, folders or globs of text: to learn tokens from if `config` says how many to add, and
        to measure on.
    words
        A file of words, one a line, that become tokens, in place of learned ones.
    config
        How many tokens are learned, and how.
    rows
        What a model has for new tokens.
    read
        How the inputs are read.
    held_out
        Share of the texts that is measured on, and not learned from.
    seed
        Of rows that are drawn.
    force
        Whether to replace a folder that is there.
    threads, memory
        As in `count_words`; the result does not depend on them.
    progress
        Told how far the work has come.

    Raises
    ------
    ConfigError
        If the tokenizer is not ours to extend, a setting is for models alone, or not one of
        `config.add` and `words` is given.
    InputError
        If the text or the words cannot be read as asked, or give no token.
    StorageError
        If `output` exists and `force` is not set, or the disk does not take it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
    >>> tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "card", "##io"]
    >>> with TemporaryDirectory() as folder:
    ...     Tokenizer(spec_from_bert_vocab(tokens)).save(f"{folder}/old")
    ...     _ = Path(f"{folder}/words.txt").write_text("cardio")
    ...     done = extend_vocab(f"{folder}/old", f"{folder}/new", words=f"{folder}/words.txt")
    ...     Tokenizer.load(f"{folder}/new").encode("cardio").ids, dict(done.extension.pieces)
    ([2, 7, 3], {7: [5, 6]})
    """
    require("config", config, ExtendConfig)
    require("rows", rows, RowsConfig)
    require("read", read, ReadConfig)
    asked = _Asked(
        inputs=inputs,
        words=here(path_of("words", words)) if words is not None else None,
        tokens=config or ExtendConfig(),
        rows=rows or RowsConfig(),
        read=read or ReadConfig(),
        held_out=held_out,
        seed=seed,
    )
    found = open_source(model_path("source", source))
    check_extensible(found.tokenizer, str(found.path))
    if found.model is None and asked.rows != RowsConfig():
        raise ConfigError(
            f"{found.path} is a tokenizer: new_rows and pad_to_multiple_of are for models",
            hint="Leave them out, or name a model folder.",
        )
    identity = _identity(found.tokenizer, asked)
    with build_folder(path_of("output", output), force=force, identity=identity) as folder:
        work = folder / UNFINISHED
        work.mkdir(exist_ok=True)
        counts = None
        if asked.inputs:
            counts = count_words(
                asked.inputs,
                found.tokenizer.spec.words,
                asked.read,
                threads=threads,
                memory=memory,
                held_out=asked.held_out,
                progress=progress,
                workdir=work,
            )
        done = _extend(found, asked, counts, progress, threads)
        if found.model is not None:
            return replace(done, table=_write_model(folder, found, found.model, done, asked))
        files = kept_files(found, folder_files(done.extension.new.spec))
        write_files(files, folder, _manifest(done, asked, counts))
        return done


def _extend(
    found: Source,
    asked: _Asked,
    counts: WordCounts | None,
    progress: Progress,
    threads: int | None,
) -> Extended:
    tokenizer, known = found.tokenizer, list[str]()
    normalised: dict[str, str] = {}
    if asked.words is not None:
        given = read_words(asked.words, tokenizer)
        normalised = given.normalised
        new, known = word_tokens(tokenizer, given, asked.words)
    else:
        assert counts is not None, "`_Asked` refuses to learn from nothing"
        new = learn_tokens(tokenizer, counts, asked.tokens, progress, threads)
    extension = extended(tokenizer, new, fill_unused=asked.tokens.fill_unused)
    compared, words, gain = prove_vocabulary(extension), None, None
    if counts is not None:
        parts = [part.words for part in (counts, counts.held_out) if part is not None and len(part)]
        same = sum(prove_words(extension, part, threads) for part in parts)
        words, gain = (same, sum(map(len, parts))), measure_gain(extension, counts, threads)
    return Extended(extension, compared, words, gain, tuple(known), normalised, None, found.notes)


def _write_model(
    folder: Path, found: Source, model: BertModel, done: Extended, asked: _Asked
) -> tuple[int, int]:
    made = extended_parameters(model.parameters, done.extension, asked.rows, asked.seed)
    longest, segments = model.config.longest, model.config.type_vocab_size > 1
    spec = done.extension.new.spec
    files = folder_files(spec, *([longest] if longest else []), segments=segments)
    beside = {"sentence": found.sentence, "settings": found.settings}
    layout = Layout(model.family, model.dtypes, **beside)
    write_model_files(folder, made, done.extension.new, kept_files(found, files), layout)
    return model.config.vocab_size, made.config.vocab_size


def extended_parameters(
    old: Parameters, extension: Extension, config: RowsConfig, seed: int
) -> Parameters:
    """Return a model's weights with rows for new tokens; all others are as they were, to the bit.

    Rows without a token, of which a model may have some, are the first to be taken; what is added
    to reach a multiple is the mean of all.
    """
    there = old.config.vocab_size  # a token beyond, added to the tokenizer alone, has no row yet
    count = max(there, extension.new.vocab_size)
    multiple = config.pad_to_multiple_of or 1
    count = -(-count // multiple) * multiple
    same = np.arange(count, dtype=np.int32)
    same[there:] = -1
    same[list(extension.added)] = -1
    pieces = extension.pieces.items()
    known = {id: [one for one in parts if 0 <= one < there] for id, parts in pieces}
    rows = TokenRows(same, known)
    made = Parameters(replace(old.config, vocab_size=count))
    for name, view in made.views.items():
        table = old.views[name]
        view[...] = moved(table, rows, config.new_rows, seed) if name in OF_VOCABULARY else table
    return made


def _identity(tokenizer: Tokenizer, asked: _Asked) -> dict[str, Any]:
    """Return what interrupted work must be of to be gone on with: the words that were counted."""
    return {
        "tokenizer": hashlib.sha256(document_bytes(tokenizer.spec)).hexdigest(),
        "tokens": asked.tokens.to_dict(),
        "read": asked.read.to_dict(),
        "held_out": asked.held_out,
        "version": __version__,
    }


def _manifest(done: Extended, asked: _Asked, counts: WordCounts | None) -> Manifest:
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
