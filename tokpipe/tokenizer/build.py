"""From inputs to tokenizer folders: counts, merges, files, and how good the result is."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import Corpus
from tokpipe.foundation.doors import require
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import in_background
from tokpipe.foundation.version import __version__
from tokpipe.vocab.config import VocabConfig
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.counts import WordCounts

if TYPE_CHECKING:
    from tokpipe.tokenizer.tokenizer import Tokenizer
    from tokpipe.tokenizer.trained import Trained


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
) -> "Tokenizer":
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
) -> "list[Trained]":
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

    later = in_background(_loaded)  # beside the counting, whose kernels leave Python free
    if memory is not None:
        later()  # before it is looked at how much the program itself takes
    if output is None:
        return later().train_sizes(count(None), settings, progress, threads)
    identity = _identity(settings, words, read, held_out)
    is_counted = isinstance(inputs, WordCounts)
    with build_folder(
        Path(output), force=force, identity=None if is_counted else identity
    ) as folder:
        work = folder / UNFINISHED
        work.mkdir(exist_ok=True)
        counts, few = count(work), memory is not None
        return later().train_into(folder, counts, settings, progress, threads, spares_memory=few)


def _loaded() -> Any:
    """Import what makes tokenizers of counts: 0.03 s."""
    from tokpipe.tokenizer import trained

    return trained


def default_words(model: str) -> WordsConfig:
    """Return what usually makes words for a model: RoBERTa's way for byte-bpe, BERT's otherwise."""
    return GPT2 if model == "byte-bpe" else BERT_UNCASED


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
