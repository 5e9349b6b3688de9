"""A vocabulary on a corpus: count the words, encode each different one once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.inspection.check.corpus import check_alphabet
from tokpipe.inspection.check.finding import WARNING, Finding
from tokpipe.inspection.opening import Opened, open_tokenizer
from tokpipe.inspection.vocabulary import CorpusUse, view_corpus_use
from tokpipe.tokenizer.quality import unknown_warning
from tokpipe.words.config import WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.counts import WordCounts

_BETWEEN_SPACE = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")


def count_corpus_use(
    path: Path,
    corpus: Sequence[str | Path],
    read: ReadConfig | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> CorpusUse:
    """Return how a vocabulary fares on a corpus.

    Where the way to words is not one of ours, it is measured on the words between white space.

    Raises
    ------
    InputError
        If the tokenizer or the corpus cannot be read.
    """
    opened = open_tokenizer(path)
    counts = count_as(opened, corpus, read, threads, progress)
    ids, offsets = opened.encode_words(counts.words, threads)
    return view_corpus_use(opened.source, counts.words, counts.counts, ids, offsets)


def check_corpus(
    path: Path,
    corpus: Sequence[str | Path],
    read: ReadConfig | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> list[Finding]:
    """Return what a corpus has that a vocabulary lacks, and whether that is much.

    Raises
    ------
    InputError
        If the tokenizer or the corpus cannot be read.
    """
    opened = open_tokenizer(path)
    counts = count_as(opened, corpus, read, threads, progress)
    findings = list(check_alphabet(opened.source, counts.words, counts.counts))
    unknown, too_long = _unknown_words(opened, counts, threads)
    longest = opened.tokenizer.spec.max_input_chars_per_word
    warning = unknown_warning(int(counts.counts.sum()), unknown, too_long, longest=longest)
    if warning:
        problem, _, hint = warning.partition("; ")
        place = f"{opened.source.path.name}: vocabulary"
        findings.append(Finding(WARNING, place, problem, f"{hint[0].upper()}{hint[1:]}."))
    return findings


def _unknown_words(opened: Opened, counts: WordCounts, threads: int | None) -> tuple[int, int]:
    """Return how many words are unknown, and how many of those because they are too long."""
    unknown = opened.source.ids.get(opened.source.unk_token or "")
    if unknown is None:  # then they are errors, or leave no trace
        return 0, 0
    words = counts.words
    ids, offsets = opened.encode_words(words, threads)
    borders = np.concatenate([[0], np.cumsum(ids == unknown)])[offsets]
    is_unknown = np.diff(borders) > 0
    begins = np.concatenate([[0], np.cumsum(words.data[: words.offsets[-1]] & 0xC0 != 0x80)])
    is_long = np.diff(begins[words.offsets]) > opened.tokenizer.spec.max_input_chars_per_word
    is_long &= opened.model == "wordpiece"
    return int(counts.counts[is_unknown].sum()), int(counts.counts[is_unknown & is_long].sum())


def count_as(
    opened: Opened,
    corpus: Sequence[str | Path],
    read: ReadConfig | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> WordCounts:
    """Count the words of a corpus as a tokenizer would split them."""
    words = opened.words or _BETWEEN_SPACE
    return count_words(corpus, words, read, threads=threads, progress=progress)
