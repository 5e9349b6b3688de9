"""Word counts by the workers of a cluster: the bytes, the folder and the journal of one process.

The coordinator reads none of the text. It cuts the corpus into items, enters what the workers have
made into the journal, from which a plain counting may go on, and merges the last few runs.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.files import InputFile
from tokpipe.corpus.reader import (
    FILE_SHIFT,
    PIECE_BYTES,
    Corpus,
    can_be_entered,
    nothing_to_read,
    open_corpus,
)
from tokpipe.corpus.spans import refuse_streams
from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask.cluster import Cluster, open_cluster
from tokpipe.engines.dask.count_items import (
    Counted,
    CountItem,
    Digest,
    DigestItem,
    Merged,
    MergeItem,
    Range,
    do_item,
)
from tokpipe.engines.dask.crew import Crew, tell_of_lost
from tokpipe.engines.dask.items import run_items
from tokpipe.engines.dask.results import ITEMS
from tokpipe.engines.dask.seen import require_shared
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.shared_files import at_hand, make_folder
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.stored_work import bring_up, shared_folder
from tokpipe.words.budget import Budget
from tokpipe.words.config import WordsConfig
from tokpipe.words.count import check_arguments, counts_of, hash_threshold
from tokpipe.words.counts import WordCounts
from tokpipe.words.journal import Covered, Journal, as_ranges
from tokpipe.words.merging import merge_files
from tokpipe.words.runs import Run

# Each item sorts and stores its own words, and all are merged: a gigabyte took 19.2 seconds of
# processors in 64 items and 15.1 in 16. A worker that is lost costs one of them.
_ITEMS = 6  # that a corpus is cut into, unless they would become larger than
_ITEM_BYTES = 256 << 20  # which take two seconds
_FAN_IN = 64  # runs that a worker merges at once
_LAST_RUNS = 8  # that the coordinator merges: 2 MB each
_RESULT_BYTES = 64 << 20  # of a result in the coordinator's memory; a larger one is mapped
_COMMIT_SECONDS = 1.0  # between two commits: each writes the whole journal


def count_words(  # noqa: PLR0913  (as `words.count.count_words`)
    inputs: Sequence[str | Path] | Corpus,
    words: WordsConfig | None = None,
    read: ReadConfig | None = None,
    *,
    engine: EngineConfig,
    crew: Crew | None = None,
    threads: int | None = None,
    memory: int | None = None,
    held_out: float = 0.0,
    progress: Progress = SILENT,
    workdir: Path | None = None,
) -> WordCounts:
    """Do what `words.count.count_words` does, by the workers of a Dask cluster.

    Parameters
    ----------
    engine
        Where the workers are.
    crew
        Told of workers and items.
    threads
        For nothing: a worker is one thread.
    memory
        How many bytes each process should take.
    workdir
        As there; all workers must see it under its path, unless it is built for a store, and the
        inputs under theirs.

    Raises
    ------
    InputError
        If an input can be read by one process only: a stream, or a dataset of the hub.
    ClusterError
        If the cluster cannot be reached, is lost, or has workers of another version.
    """
    check_arguments(words, read, held_out, memory, workdir)
    corpus = inputs if isinstance(inputs, Corpus) else open_corpus(inputs, read)
    refuse_streams(corpus)
    with ExitStack() as stack:
        if workdir is None:
            # a worker elsewhere may write into it when it goes: what stays is the system's to clear
            folder = tempfile.TemporaryDirectory("", "tokpipe-counts-", ignore_cleanup_errors=True)
            workdir = Path(stack.enter_context(folder))
        cluster = stack.enter_context(open_cluster(engine, crew))
        counting = _Counting(
            cluster=cluster,
            corpus=corpus,
            words=words or WordsConfig(),
            held_out=held_out,
            memory=memory,
            budget=Budget.of(memory, 1),
            folder=shared_folder(workdir.absolute()),
            scratch=workdir.absolute(),
            progress=progress,
        )
        return _counted(counting)


@dataclass(kw_only=True)
class _Counting:
    """What belongs to one counting."""

    cluster: Cluster
    corpus: Corpus
    words: WordsConfig
    held_out: float
    memory: int | None
    budget: Budget
    folder: Path  # all workers see it; it may be in a store
    scratch: Path  # on this machine
    progress: Progress
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        return {"read": self.corpus.config.to_dict(), "held_out": self.held_out}

    @property
    def sides(self) -> int:
        return 2 if hash_threshold(self.held_out) else 1

    def digest(self) -> dict[str, str]:
        """Return the sha256 of each input, by its name; the workers read them, once."""
        if len(self.digests) < len({file.name for file in self.corpus.files}):
            for found in run_items(self.cluster, do_item, self.digest_items()):
                self.take_digest(found)
        return {file.name: self.digests[file.name] for file in self.corpus.files}

    def digest_items(self) -> list[DigestItem]:
        files = {file.name: file for file in self.corpus.files if file.name not in self.digests}
        return [DigestItem(file.from_afar()) for file in files.values()]

    def take_digest(self, found: Any) -> None:
        assert isinstance(found, Digest)
        self.digests[found.name] = found.sha256


def _counted(counting: _Counting) -> WordCounts:
    bring_up(counting.scratch, counting.folder, MANIFEST)
    make_folder(counting.folder / ITEMS)
    require_shared(counting.cluster, counting.folder / ITEMS, counting.corpus.files)
    piece_bytes = min(PIECE_BYTES, counting.budget.piece_bytes)
    described = {"words": counting.words.to_dict(), **counting.settings}
    journal = Journal(counting.folder, described, counting.digest, piece_bytes)
    _count(counting, journal)
    runs = _merged(counting, journal)
    facts = Counter(counting.corpus.tally)
    facts.update(journal.covered.facts)
    tell_of_lost(counting.cluster.crew, counting.progress)
    return counts_of(
        runs,
        facts,
        config=counting.words,
        settings=counting.settings,
        digest=counting.digest,
    )


def _count(counting: _Counting, journal: Journal) -> None:
    """Have all pieces counted that are not committed yet."""
    corpus, covered = counting.corpus, journal.covered
    if covered.pieces:
        counted = format_bytes(covered.facts["bytes"])
        counting.progress.note(f"going on: {counted} of text were counted before")
    ledger = _Ledger(journal, counting)
    with counting.progress.task("counting words", corpus.stored_bytes or None, "B") as done:
        items = _items(counting, journal.piece_bytes, covered, done)
        try:
            for found in run_items(
                counting.cluster, do_item, _both(counting.digest_items(), items)
            ):
                if isinstance(found, Counted):
                    ledger.take(found)
                    done(found.stored_bytes)
                else:
                    counting.take_digest(found)
        finally:
            ledger.commit()
    if not journal.covered.pieces:
        raise nothing_to_read(corpus)


def _both(digests: Iterable[DigestItem], counts: Iterable[CountItem]) -> Iterator[Any]:
    yield from digests
    yield from counts


def _items(
    counting: _Counting, piece_bytes: int, covered: Covered, done: Callable[[int], None]
) -> Iterator[CountItem]:
    """Cut what is not covered yet into items, and tell the progress of the rest."""
    ranges, ended = defaultdict[int, list[Range]](list), set(covered.ended)
    for first, last in as_ranges(covered.pieces):
        ranges[first >> FILE_SHIFT].append((first, last))
    covered.pieces.clear()
    share = min(counting.corpus.stored_bytes // _ITEMS, _ITEM_BYTES)
    for number, file in enumerate(counting.corpus.files):
        own, below = ranges.pop(number, []), number << FILE_SHIFT
        item = _whole_file(counting, number, file, piece_bytes, tuple(own))
        if not can_be_entered(file):
            if number in ended:
                done(file.size)
            else:
                yield item
            continue
        size, count = -(-share // piece_bytes) or 1, -(-file.size // piece_bytes)
        for start, stop in _gaps(below, below + count, size, own):
            yield replace(item, start=start, stop=stop, left_out=())
        done(sum(_stored(file, first - below, last - below, piece_bytes) for first, last in own))


def _whole_file(
    counting: _Counting, number: int, file: InputFile, piece_bytes: int, own: tuple[Range, ...]
) -> CountItem:
    return CountItem(
        folder=counting.folder / ITEMS,
        file=file.from_afar(),
        number=number,
        start=number << FILE_SHIFT,
        stop=(number + 1) << FILE_SHIFT,
        left_out=own,
        state=_state(file),
        piece_bytes=piece_bytes,
        words=counting.words,
        read=counting.corpus.config,
        threshold=hash_threshold(counting.held_out),
        memory=counting.memory,
    )


def _state(file: InputFile) -> tuple[int | str, ...]:
    """Return by what a changed file is known: nobody sets the last of it back."""
    if file.stored is not None:
        return file.identity
    assert file.path is not None
    status = file.path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _gaps(start: int, stop: int, size: int, covered: Sequence[Range]) -> Iterator[Range]:
    """Yield what is not covered of a range, cut where multiples of `size` end.

    Examples
    --------
    >>> list(_gaps(0, 10, 4, [(1, 1), (8, 8)]))
    [(0, 1), (2, 4), (4, 8), (9, 10)]
    """
    origin = start
    for first, last in [*covered, (stop, stop)]:
        while start < first:
            border = origin + ((start - origin) // size + 1) * size
            yield start, min(border, first)
            start = min(border, first)
        start = last + 1


def _stored(file: InputFile, first: int, last: int, piece_bytes: int) -> int:
    """Return how many bytes some pieces of a file take, numbered within it."""
    return min(file.size, (last + 1) * piece_bytes) - first * piece_bytes


class _Ledger:
    """Enters results into the journal, several at a time, once the hashes of the inputs are known.

    Until then they are not lost: the workers keep what they have made, and find it again.
    """

    def __init__(self, journal: Journal, counting: _Counting) -> None:
        self._journal, self._counting = journal, counting
        self._waiting: list[Counted] = []
        self._last = -_COMMIT_SECONDS

    def take(self, found: Counted) -> None:
        """Keep a result, and commit when it is time."""
        self._waiting.append(found)
        if time.monotonic() - self._last >= _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Enter all that is there, if it can be."""
        counting = self._counting
        if not self._waiting or counting.digest_items():
            return
        waiting, self._waiting = self._waiting, []  # first: nothing is ever entered twice
        covered, described = Covered(), dict[Path, Any]()
        sides: list[list[Path]] = [[] for _ in range(counting.sides)]
        for found in waiting:
            covered.pieces += [p for first, last in found.pieces for p in range(first, last + 1)]
            covered.facts.update(found.facts)
            covered.ended += [] if found.ended is None else [found.ended]
            for side, runs in zip(sides, found.runs, strict=True):
                side += runs
                described |= runs
        self._journal.commit(covered, sides, described)
        self._last = time.monotonic()


def _merged(counting: _Counting, journal: Journal) -> list[Run]:
    """Merge the runs of each side: on the workers until few are left, and those here."""
    hashes = {counting.folder / name: file["sha256"] for name, file in journal.files.items()}
    sides = [
        [(path, hashes[path]) for path in journal.runs(number)] for number in range(counting.sides)
    ]
    while any(len(side) > _LAST_RUNS for side in sides):
        items = [item for n, side in enumerate(sides) for item in _merges(counting, n, side)]
        left = [side if len(side) <= _LAST_RUNS else [] for side in sides]
        with counting.progress.task("merging runs", len(items), "items") as done:
            for found in run_items(counting.cluster, do_item, items, ordered=True):
                assert isinstance(found, Merged)
                left[found.side].append((found.path, found.sha256))
                done(1)
        sides = left
    result_bytes = min(_RESULT_BYTES, counting.budget.result_bytes or _RESULT_BYTES)
    budget = replace(counting.budget, result_bytes=result_bytes)
    with ExitStack() as stack:
        return [
            merge_files(
                [stack.enter_context(at_hand(path)) for path, _ in side],
                budget=budget,
                folder=counting.scratch,
                progress=counting.progress,
            )
            for side in sides
        ]


def _merges(
    counting: _Counting, number: int, side: Sequence[tuple[Path, str]]
) -> Iterator[MergeItem]:
    """Cut the runs of a side into groups of the same size, few enough for the next round."""
    if len(side) <= _LAST_RUNS:
        return
    size = min(_FAN_IN, -(-len(side) // _LAST_RUNS))
    for begin in range(0, len(side), size):
        paths, hashes = zip(*side[begin : begin + size], strict=True)
        yield MergeItem(folder=counting.folder / ITEMS, side=number, paths=paths, hashes=hashes)
