"""Work items of counting: what a worker does with a range of pieces, and with runs to merge."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.files import Found, InputFile
from tokpipe.corpus.reader import Corpus, Piece, can_be_entered, sha256_of
from tokpipe.engines.dask.results import Made, item_name, made_once
from tokpipe.foundation.pages import release_compiler_pages, release_freed_memory
from tokpipe.foundation.shared_files import at_hand
from tokpipe.foundation.version import __version__
from tokpipe.words.budget import Budget
from tokpipe.words.config import WordsConfig
from tokpipe.words.count import load_kernels
from tokpipe.words.counter import Plan, ThreadCounter
from tokpipe.words.journal import as_ranges, write_temporary_run
from tokpipe.words.run_files import read_run
from tokpipe.words.runs import merge_streams

Range = tuple[int, int]  # indices of pieces, the first and the last


@dataclass(frozen=True, slots=True, kw_only=True)
class CountItem:
    """Pieces of a file that are to be counted."""

    folder: Path  # where the result goes
    file: InputFile  # as it is known from afar
    number: int  # of the file in the corpus
    start: int  # index of the first piece
    stop: int  # index behind the last; behind the file, where nobody knows how many there are
    left_out: tuple[Range, ...]  # what was counted before
    state: tuple[int | str, ...]  # of the file: another one has another result
    piece_bytes: int
    words: WordsConfig
    read: ReadConfig
    threshold: int  # as in `words.counter.Plan`
    memory: int | None

    @property
    def name(self) -> str:
        """The name of the result."""
        return item_name(
            "count",
            version=__version__,
            settings=[self.words.to_dict(), self.read.to_dict(), self.threshold],
            file=[self.number, self.file.format, self.file.codec, *self.state],
            pieces=[self.piece_bytes, self.start, self.stop, *self.left_out],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeItem:
    """Runs that are to become one."""

    folder: Path
    side: int
    paths: tuple[Path, ...]
    hashes: tuple[str, ...]  # of the files

    @property
    def name(self) -> str:
        """The name of the result."""
        hashes = hashlib.sha256(" ".join(self.hashes).encode()).hexdigest()
        return item_name("merge", version=__version__, runs=hashes)


@dataclass(frozen=True, slots=True)
class DigestItem:
    """A file whose hash is asked for."""

    file: InputFile


@dataclass(frozen=True, slots=True)
class Digest:
    """What came of a `DigestItem`."""

    name: str  # of the file
    sha256: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a `MergeItem`."""

    side: int
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a `CountItem`.

    Attributes
    ----------
    pieces
        Ranges of the pieces that were counted.
    stored_bytes
        Of the corpus, that are done with it, what was left out included.
    ended
        The number of the file if it was read to an end that nobody knew; else None.
    runs
        Of each side, the files and what they are: bytes and sha256.
    """

    pieces: tuple[Range, ...]
    facts: Mapping[str, int]
    stored_bytes: int
    ended: int | None
    runs: tuple[Mapping[Path, Mapping[str, Any]], ...]


def do_item(item: CountItem | MergeItem | DigestItem) -> Counted | Merged | Digest:
    """Do an item, on a worker."""
    if isinstance(item, DigestItem):
        return Digest(item.file.name, sha256_of(item.file))
    if isinstance(item, CountItem):
        made = made_once(item.folder, item.name, lambda scratch: _count(item, scratch))
        return _counted(item, made)
    made = made_once(item.folder, item.name, lambda scratch: _merge(item, scratch))
    (file,) = made.files
    return Merged(item.side, item.folder / file["name"], file["sha256"])


def _counted(item: CountItem, made: Made) -> Counted:
    facts, sides = made.facts, 2 if item.threshold else 1
    runs: tuple[dict[Path, Any], ...] = tuple({} for _ in range(sides))
    for side, file in zip(facts["sides"], made.files, strict=True):
        runs[side][item.folder / file["name"]] = {k: file[k] for k in ("bytes", "sha256")}
    pieces = tuple((first, last) for first, last in facts["pieces"])
    return Counted(pieces, facts["facts"], facts["stored_bytes"], facts["ended"], runs)


def _count(item: CountItem, scratch: Path) -> tuple[list[Path], dict[str, Any]]:
    """Count the pieces of an item into at most one run a side."""
    if item.memory is not None:
        _load_kernels_once(item.words)
    budget = Budget.of(item.memory, 1)
    plan = Plan(
        config=item.words,
        threshold=item.threshold,
        limits=budget.limits,
        keep_bytes=0,  # all goes to files
        spill=scratch,
    )
    counter, stored = ThreadCounter(plan), 0
    for piece in _pieces(item):
        stored += piece.stored_bytes
        if not _is_in(piece.index, item.left_out):
            counter.count(piece.index, piece.load())
    counter.finish()
    runs = [(n, _joined(side.files, scratch)) for n, side in enumerate(counter.sides) if side.files]
    return [path for _, path in runs], {
        "pieces": as_ranges(counter.covered.pieces),
        "facts": {name: int(number) for name, number in counter.covered.facts.items()},
        "stored_bytes": stored,
        "ended": None if can_be_entered(item.file) else item.number,
        "sides": [number for number, _ in runs],
    }


def _pieces(item: CountItem) -> Iterator[Piece]:
    corpus = Corpus(Found([item.file]), item.read, item.number)
    return corpus.pieces_between(item.start, item.stop, item.piece_bytes)


def _is_in(index: int, ranges: Sequence[Range]) -> bool:
    return any(first <= index <= last for first, last in ranges)


@cache
def _load_kernels_once(words: WordsConfig) -> None:
    """Have the kernels in memory before what is left of it is shared out."""
    load_kernels(words)
    release_compiler_pages()


def _joined(files: Sequence[Path], scratch: Path) -> Path:
    if len(files) == 1:
        return files[0]
    # Not after each item: the next one had to ask for 80 MB of pages again.
    release_freed_memory()
    return write_temporary_run(scratch, merge_streams([read_run(path) for path in files]))


def _merge(item: MergeItem, scratch: Path) -> tuple[list[Path], dict[str, Any]]:
    with ExitStack() as stack:
        paths = [stack.enter_context(at_hand(path)) for path in item.paths]
        run = merge_streams([read_run(path) for path in paths])
        return [write_temporary_run(scratch, run)], {}
