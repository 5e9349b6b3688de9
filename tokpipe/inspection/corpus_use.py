"""A vocabulary on a corpus: count the words, encode each different one once."""

from collections.abc import Sequence
from pathlib import Path

from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.inspection.check.corpus import check_alphabet
from tokpipe.inspection.check.finding import Finding, warning_of
from tokpipe.inspection.opening import Opened, open_tokenizer
from tokpipe.inspection.vocabulary import CorpusUse, view_corpus_use
from tokpipe.tokenizer.quality import longest_word, measure, unknown_warning
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
    """Return how a vocabulary fares on a corpus, both read or refused as by `encode`.

    Where the way to words is not one of ours, it is measured on the words between white space.
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
    """Return what a corpus has that a vocabulary lacks: characters, and words of more than 1 %."""
    opened = open_tokenizer(path)
    counts = count_as(opened, corpus, read, threads, progress)
    findings = list(check_alphabet(opened.source, counts.words, counts.counts))
    warning = _unknown_words(opened, counts, threads) if len(counts.words) else ""
    if warning:
        findings.append(warning_of(warning, f"{opened.source.path.name}: vocabulary"))
    return findings


def _unknown_words(opened: Opened, counts: WordCounts, threads: int | None) -> str:
    if opened.spec is not None:
        found = measure(opened.tokenizer, counts, threads)
        longest = longest_word(opened.spec)
        return unknown_warning(100, found.unknown_words, found.too_long_words, longest=longest)
    ids, offsets = opened.encode_words(counts.words, threads)
    use = view_corpus_use(opened.source, counts.words, counts.counts, ids, offsets)
    return unknown_warning(use.words, use.unknown)


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
