"""From inputs to tokenizer folders: counts, merges, files, and how good the result is."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import Corpus
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.doors import require
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import in_background
from tokpipe.foundation.version import __version__
from tokpipe.tokenizer.folder import KIND, folder_files, write_files
from tokpipe.tokenizer.from_vocabulary import spec_from_vocabulary
from tokpipe.tokenizer.quality import Quality, measure
from tokpipe.tokenizer.spec import AddedToken, ModelKind, Spec
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.vocab.vocabulary import Vocabulary
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.counts import WordCounts

SEVERAL = "tokenizers"  # kind of the manifest over folders of several sizes


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One vocabulary of a run, with what is known of it."""

    size: int  # as asked; the vocabulary may be smaller
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    quality: Quality
    text_bytes: int  # that it was trained on


def train_vocab(  # noqa: PLR0913 - the public face: all but two by name
    inputs: Sequence[str | Path] | Corpus | WordCounts,
    config: VocabConfig | None = None,
    *,
    words: WordsConfig | None = None,
    read: ReadConfig | None = None,
    output: str | Path | None = None,
    force: bool = False,
    held_out: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress = SILENT,
) -> Tokenizer:
    """Train a vocabulary, and write its folder if asked.

    Parameters
    ----------
    inputs
        Files, folders, globs; a corpus that is open already; or word counts.
    config
        Model, sizes and rules; WordPiece of 30,522 tokens by default.
    words
        What makes words of texts; by default as RoBERTa does for byte-bpe, as BERT (with its
        accents kept) otherwise. Counts know their own.
    read
        How the inputs are read.
    output
        The folder to make: a tokenizer folder, or, for several sizes, one that has a tokenizer
        folder for each, named by the size.
    force
        Whether to replace a folder that is there.
    held_out
        Share of the texts that is kept out of training and measured on. By default none, so that
        the merges are those of all texts.
    threads, memory
        As in `count_words`; the result does not depend on them.
    progress
        Told how far the work has come.

    Returns
    -------
    Tokenizer
        Of the largest size asked.

    Raises
    ------
    InputError
        If the inputs cannot be read as asked, or hold no word.
    ConfigError
        If settings contradict each other, or a size is too small for the alphabet.
    StorageError
        If `output` exists and `force` is not set, or the disk does not take it.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix=".txt") as file:
    ...     _ = file.write(b"low lower lowest new newer newest" * 9) and file.flush()
    ...     tokenizer = train_vocab([file.name], VocabConfig(model="wordpiece", vocab_size=(40,)))
    >>> tokenizer.encode("slower").tokens
    ['[CLS]', 's', '##lo', '##wer', '[SEP]']
    """
    return train_vocabularies(
        inputs,
        config,
        words=words,
        read=read,
        output=output,
        force=force,
        held_out=held_out,
        threads=threads,
        memory=memory,
        progress=progress,
    )[-1].tokenizer


def train_vocabularies(  # noqa: PLR0913 - as `train_vocab`, and who counts
    inputs: Sequence[str | Path] | Corpus | WordCounts,
    config: VocabConfig | None = None,
    *,
    words: WordsConfig | None = None,
    read: ReadConfig | None = None,
    output: str | Path | None = None,
    force: bool = False,
    held_out: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress = SILENT,
    counter: Callable[..., WordCounts] = count_words,
) -> list[Trained]:
    """Do what `train_vocab` does, and return each size with its quality, ascending.

    `counter` is called as `count_words` is, by all engines that count.
    """
    require("config", config, VocabConfig)
    require("output", output, str, os.PathLike)
    settings = config or VocabConfig()

    def count(workdir: Path | None) -> WordCounts:
        if isinstance(inputs, WordCounts):
            return inputs
        return counter(
            inputs,
            words or default_words(settings.model),
            read,
            threads=threads,
            memory=memory,
            held_out=held_out,
            progress=progress,
            workdir=workdir,
        )

    if output is None:
        return train_sizes(count(None), settings, progress, threads)
    identity = _identity(settings, words, read, held_out)
    is_counted = isinstance(inputs, WordCounts)
    with build_folder(
        Path(output), force=force, identity=None if is_counted else identity
    ) as folder:
        work = folder / UNFINISHED
        work.mkdir(exist_ok=True)
        counts = count(work)
        # merging leaves a processor free, and kernels that measure leave Python free
        inputs_digest = in_background(counts.digest)
        if memory is None:
            in_background(partial(_load_kernels, settings.model))
        cut = _cut(train(counts, settings, progress), counts)
        files = in_background(lambda: [folder_files(tokenizer.spec) for _, tokenizer in cut])
        trained = _measured(cut, settings, counts, threads)
        _write(folder, trained, files(), counts, inputs_digest())
    return trained


def default_words(model: str) -> WordsConfig:
    """Return what usually makes words for a model: RoBERTa's way for byte-bpe, BERT's otherwise."""
    return GPT2 if model == "byte-bpe" else BERT_UNCASED


def train_sizes(
    counts: WordCounts,
    config: VocabConfig,
    progress: Progress = SILENT,
    threads: int | None = None,
) -> list[Trained]:
    """Train once and cut the vocabulary to each size asked, ascending: the merges are nested."""
    return _measured(_cut(train(counts, config, progress), counts), config, counts, threads)


def _load_kernels(model: str) -> None:
    """Measure a vocabulary of one letter, so that what measuring needs is there when it is asked.

    That takes 0.08 s, of the 1.1 s in which 100 MB become a vocabulary.
    """
    tokens, no_merges = ["a", "[MASK]"], np.zeros((0, 3), np.int32)
    added = (AddedToken(1, "[MASK]"),)
    spec = Spec(ModelKind(model), tokens, no_merges, default_words(model), added_tokens=added)
    counts = WordCounts(words=Strings.from_list(["a"]), counts=np.ones(1, np.int64))
    measure(Tokenizer(spec), counts, 1)


def _cut(largest: Vocabulary, counts: WordCounts) -> list[tuple[Vocabulary, Tokenizer]]:
    prefixes = [largest.prefix(size) for size in largest.config.sizes]
    return [(part, Tokenizer(spec_from_vocabulary(part, counts.config))) for part in prefixes]


def _measured(
    cut: list[tuple[Vocabulary, Tokenizer]],
    config: VocabConfig,
    counts: WordCounts,
    threads: int | None,
) -> list[Trained]:
    return [
        Trained(size, *one, measure(one[1], counts, threads), counts.facts.get("bytes", 0))
        for size, one in zip(config.sizes, cut, strict=True)
    ]


def _identity(
    config: VocabConfig, words: WordsConfig | None, read: ReadConfig | None, held_out: float
) -> dict[str, Any]:
    return {
        "vocab": config.to_dict(),
        "words": (words or default_words(config.model)).to_dict(),
        "read": (read or ReadConfig()).to_dict(),
        "held_out": held_out,
        "version": __version__,
    }


def _write(
    folder: Path,
    trained: list[Trained],
    files: list[dict[str, bytes]],
    counts: WordCounts,
    inputs: Mapping[str, str],
) -> None:
    """Write one tokenizer folder, or one for each size."""
    if len(trained) == 1:
        write_files(files[0], folder, _manifest(trained[0], counts, inputs))
        return
    names = []
    for one, content in zip(trained, files, strict=True):
        inner = folder / str(one.size)
        inner.mkdir(exist_ok=True)
        write_files(content, inner, _manifest(one, counts, inputs))
        names += [f"{one.size}/{path.name}" for path in inner.iterdir()]
    Manifest(
        kind=SEVERAL, inputs=inputs, facts={str(one.size): one.quality.to_dict() for one in trained}
    ).write(folder, names)


def _manifest(trained: Trained, counts: WordCounts, inputs: Mapping[str, str]) -> Manifest:
    vocabulary = trained.vocabulary
    settings = {
        "vocab": vocabulary.config.to_dict(),
        "words": counts.config.to_dict(),
        **counts.settings,
    }
    facts = {
        **dict(sorted(counts.facts.items())),  # their order is that of the threads
        "unique words": len(counts),
        "tokens": len(vocabulary),
        "merges": len(vocabulary.merges),
        "quality": trained.quality.to_dict(),
    }
    return Manifest(kind=KIND, settings=settings, inputs=inputs, facts=facts)
