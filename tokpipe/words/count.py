"""Inputs to word counts: pieces of the corpus over threads, sorted runs, one merged result.

Counts are sums, so the result depends on nothing but the texts and what makes words of them: not
on threads, the cut of the corpus, the bound on memory, or how often the work was killed.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import Corpus, Piece, open_corpus
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.pages import release_compiler_pages, release_freed_memory
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.stored_work import bring_down
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count
from tokpipe.words.budget import Budget
from tokpipe.words.config import WordsConfig
from tokpipe.words.counter import Plan, Side, ThreadCounter
from tokpipe.words.counts import WordCounts
from tokpipe.words.journal import Covered, Journal
from tokpipe.words.merging import merge_files
from tokpipe.words.runs import Run, merge_in_memory

PIECE_BYTES = 2 << 20  # 8 ms of counting: of twice as many, two threads share 20 MB as 3 : 2


def count_words(  # noqa: PLR0913  (the public face: all but three by name)
    inputs: Sequence[str | Path] | Corpus,
    words: WordsConfig | None = None,
    read: ReadConfig | None = None,
    *,
    threads: int | None = None,
    memory: int | None = None,
    held_out: float = 0.0,
    progress: Progress = SILENT,
    workdir: Path | None = None,
    commit_bytes: int = 1 << 30,
) -> WordCounts:
    """Count the words of a corpus.

    Parameters
    ----------
    inputs
        Files, folders, globs; or a corpus that is open already.
    words
        What makes words of texts.
    read
        How the inputs are read.
    threads
        How many count; None for one a usable processor.
    memory
        How many bytes the whole process should take while counting, what it takes already
        included: full tables are sorted and spilled to disk, and a result that is too large
        stays there and is mapped. None: as much as the words need.
    held_out
        Share of the texts (0 to below 1) that is counted apart, in `WordCounts.held_out`. A text
        goes there by a hash of its bytes, so equal texts go together, wherever they stand.
    progress
        Told of the bytes read.
    workdir
        Where to keep finished work, so that the same call goes on after a kill and ends with the
        same result. Its owner removes it.
    commit_bytes
        How many bytes of text a thread counts, for five seconds at most, until it puts its work
        there.

    Raises
    ------
    InputError
        If the inputs are no list of paths, or cannot be read as asked.
    ConfigError
        If a setting is of another kind than it should be, or out of range.
    ArtifactError
        If `workdir` was begun with other inputs, settings, or another version.
    MemoryLimitError
        If `memory` is less than the program itself needs.
    StorageError
        If the disk refuses what is to be spilled or committed.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix=".txt") as file:
    ...     _ = file.write(b"to be or not to be") and file.flush()
    ...     counts = count_words([file.name])
    >>> dict(zip(counts.words.iter_bytes(), counts.counts.tolist()))
    {b'be': 2, b'not': 1, b'or': 1, b'to': 2}
    """
    check_arguments(words, read, held_out, memory, workdir)
    config = words or WordsConfig()
    corpus = inputs if isinstance(inputs, Corpus) else open_corpus(inputs, read)
    threads, digest = thread_count(threads), cache(partial(corpus.digest, threads))
    settings = {"read": corpus.config.to_dict(), "held_out": held_out}
    if memory is not None:
        load_kernels(config)  # 50 MB of machine code and what numba keeps about it
        release_compiler_pages()
    budget = Budget.of(memory, threads)
    with ExitStack() as stack:
        journal = None
        if workdir is not None and not any(file.is_stream for file in corpus.files):
            described = {"words": config.to_dict(), **settings}
            bring_down(workdir, MANIFEST)
            journal = Journal(workdir, described, digest, min(PIECE_BYTES, budget.piece_bytes))
        plan = Plan(
            config=config,
            threshold=hash_threshold(held_out),
            limits=budget.limits,
            keep_bytes=budget.keep_bytes,
            spill=_spill_folder(stack, memory, workdir, journal),
            journal=journal,
            commit_bytes=commit_bytes,
        )
        counters, facts = _count(corpus, plan, budget, progress)
        sides = list(zip(*(counter.sides for counter in counters), strict=True))
        runs = [_merged(side, plan, number, budget, progress) for number, side in enumerate(sides)]
    return counts_of(runs, facts, config=config, settings=settings, digest=digest)


def check_arguments(
    words: WordsConfig | None,
    read: ReadConfig | None,
    held_out: float,
    memory: int | None,
    workdir: Path | None,
) -> None:
    """Refuse what `count_words` refuses, whoever counts.

    Raises
    ------
    ConfigError
        If an argument is of another kind than it should be, or out of range.
    """
    require("words", words, WordsConfig)
    require("read", read, ReadConfig)
    require("held_out", held_out, int, float, optional=False)
    require("memory", memory, int)
    require("workdir", workdir, Path)
    if not 0 <= held_out < 1:
        raise ConfigError(f"held_out={held_out} is not a share from 0 to below 1")


def hash_threshold(held_out: float) -> int:
    """Return below which hash a text is held out."""
    return int(held_out * 2**64)


def counts_of(runs: Sequence[Run], facts: Mapping[str, int], **shared: Any) -> WordCounts:
    """Make one result of the runs of the sides, and of what was seen on the way, in any order.

    `shared` is what both sides have: config, settings and digest.
    """
    counted, *rest = (WordCounts(words=run.words, counts=run.counts, **shared) for run in runs)
    first = ("texts", "bytes", "words")
    names = (*first, *sorted(facts.keys() - first))  # not by who met it first: bytes would differ
    ordered = {name: facts.get(name, 0) for name in names}
    return replace(counted, facts=ordered, held_out=rest[0] if rest else None)


def load_kernels(config: WordsConfig) -> None:
    """Count, spill and merge a word, so that what the program itself takes is there to measure."""
    with tempfile.TemporaryDirectory() as folder:
        counter = ThreadCounter(Plan(config=config, threshold=1, spill=Path(folder)))
        for side in counter.sides:
            side.count(Strings.from_list(["a long enough word"]), np.zeros(1, np.bool_))
            side.spill()
        files = [path for side in counter.sides for path in side.files]
        merge_files(files, budget=Budget(threads=1))


def _spill_folder(
    stack: ExitStack, memory: int | None, workdir: Path | None, journal: Journal | None
) -> Path | None:
    """Return where full tables go: the work folder, a temporary one, or None for memory."""
    if journal is not None:
        return journal.folder
    if memory is None:
        return None
    if workdir is not None:
        workdir.mkdir(parents=True, exist_ok=True)
    temporary = tempfile.TemporaryDirectory(prefix="tokpipe-counts-", dir=workdir)
    return Path(stack.enter_context(temporary))


def _count(
    corpus: Corpus, plan: Plan, budget: Budget, progress: Progress
) -> tuple[list[ThreadCounter], dict[str, int]]:
    """Count all pieces that are not committed yet; return the threads' counters, and the facts."""
    facts = Counter(corpus.tally)  # before anything is loaded: what was left out on opening
    before = plan.journal.covered if plan.journal else Covered()
    if before.pieces:
        counted = format_bytes(before.facts["bytes"])
        progress.note(f"going on: {counted} of text were counted before")

    def work(feed: Feed[Piece]) -> ThreadCounter:
        counter, is_loaded = ThreadCounter(plan), False
        for piece in feed:
            counter.count(piece.index, piece.load())
            done(piece.stored_bytes)
            if not is_loaded:  # by now the kernels are; what loaded them is not needed any more
                is_loaded = release_compiler_pages() >= 0
        if feed.closed:
            counter.commit()
        else:
            counter.finish()
        return counter

    with progress.task("counting words", corpus.stored_bytes or None, "B") as done:
        piece_bytes = min(PIECE_BYTES, budget.piece_bytes)
        pieces = corpus.pieces(plan.journal.piece_bytes if plan.journal else piece_bytes)
        left = _left(pieces, set(before.pieces), done)
        counters = run_in_threads(work, left, budget.threads)
    release_freed_memory()  # tables grew: their former selves
    covered = [counter.covered for counter in counters]
    for part in [*covered, plan.journal.covered] if plan.journal else covered:
        facts.update(part.facts)
    return counters, facts


def _left(
    pieces: Iterator[Piece], covered: set[int], done: Callable[[int], None]
) -> Iterator[Piece]:
    """Yield the pieces that are not covered yet, and tell the progress of the others."""
    for piece in pieces:
        if piece.index in covered:
            done(piece.stored_bytes)
        else:
            yield piece


def _merged(
    sides: Sequence[Side], plan: Plan, number: int, budget: Budget, progress: Progress
) -> Run:
    """Merge the runs of one side over all threads, in memory or as streams."""
    files = [path for side in sides for path in side.files]
    files += plan.journal.runs(number) if plan.journal else []
    runs = [run for side in sides for run in side.runs]
    for side in sides:
        side.runs = []
    if not files:
        return merge_in_memory(runs, budget.threads)
    return merge_files(files, runs, budget=budget, folder=plan.spill, progress=progress)
