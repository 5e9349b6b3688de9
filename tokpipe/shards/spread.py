"""A build as work items that may run anywhere: the engine of other processes.

First other processes take outlines of the corpus, from which it follows here where blocks begin.
Then they make sections, and join what follows from their sizes into shards. Nothing of the text
comes here. What an item leaves is a file in the folder's place for unfinished work, whole or not at
all: any number of processes, kills and engines end with the same bytes.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.reader import Corpus, nothing_to_read
from tokpipe.corpus.spans import Span, spans_of
from tokpipe.corpus.workers import Workers
from tokpipe.foundation.folders import UNFINISHED
from tokpipe.foundation.hub import path_from_afar
from tokpipe.foundation.shared_files import make_folder, names_in, remove_files, size_of
from tokpipe.shards.config import SPLITS
from tokpipe.shards.engine import BuildTask, documents_of
from tokpipe.shards.index import BlockIndex, index_row, read_index, write_index
from tokpipe.shards.joining import Begun, Planned, join_shard, planned_shards
from tokpipe.shards.outlines import outline, read_outlines, write_outlines
from tokpipe.shards.schema import schema_of
from tokpipe.shards.sections import (
    Made,
    Order,
    Section,
    is_made,
    make_section,
    read_section,
    recipe_for,
    remove_section,
    sections_of,
)
from tokpipe.shards.split_files import SplitFiles, refuse_leftover

_PLACE = "sections"  # in the place for unfinished work
_INDEX = "index"
_OUTLINES = ".outlines"


@dataclass(frozen=True)
class Spread:
    """The engine whose work items other processes do."""

    workers: Workers

    def digest(self, corpus: Corpus) -> dict[str, str]:
        """Return what `Corpus.digest` does; a stream is an `InputError`."""
        return self.workers.digest(corpus)

    def build(self, task: BuildTask) -> tuple[SplitFiles, ...]:
        """Write the shards that are not there yet, and return each split's."""
        place = task.folder / UNFINISHED / _PLACE
        refuse_leftover(place, is_dir=True)
        make_folder(place)
        self.workers.look(place, task.corpus.files)
        tokenizer = (path_from_afar(task.tokenizer), task.tokenizer_sha256)
        order = Order(task.folder, place, *tokenizer, task.config, task.piece_bytes)
        indexes = self._indexes(task, order)
        layout = task.layout(indexes[0].text_bytes.tolist)
        splits = tuple(SplitFiles(task.folder, name, layout) for name in SPLITS)
        self._write(task, order, [_Left.of(*found) for found in zip(splits, indexes, strict=True)])
        for split in splits:
            split.close()
        return splits

    def _indexes(self, task: BuildTask, order: Order) -> tuple[BlockIndex, BlockIndex]:
        """Return where blocks begin, from what an earlier run has left or from the corpus."""
        path = order.place / _INDEX
        refuse_leftover(path, is_dir=False)
        if size_of(path) is None:
            write_index(path, self._index_rows(task, order))
            left = (name for name in names_in(order.place) if name.endswith(_OUTLINES))
            remove_files(order.place / name for name in left)
        return read_index(path)

    def _index_rows(self, task: BuildTask, order: Order) -> Iterator[list[int]]:
        read = _Read()
        for block in documents_of(task.config).gathered(self._outlines(task, order, read)):
            yield index_row(block, read.before(block.resume_point.piece))
        if not read.pieces:
            raise nothing_to_read(task.corpus)

    def _outlines(
        self, task: BuildTask, order: Order, read: "_Read"
    ) -> Iterator[tuple[int, TextBatch]]:
        spans = spans_of(task.corpus.files, task.piece_bytes)
        work, there = partial(_make_outlines, order=order), names_in(order.place)
        taken = self.workers.done(work, spans, lambda span: _outlines(span, order).name in there)
        with task.progress.task("indexing", task.corpus.stored_bytes or None, "B") as advance:
            for span in taken:
                for index, stored_bytes, batch in read_outlines(_outlines(span, order)):
                    read.add(index, stored_bytes)
                    yield index, batch
                    advance(stored_bytes)

    def _write(self, task: BuildTask, order: Order, left: list["_Left"]) -> None:
        """Make the sections that are left, and join them as soon as it is known how."""
        total = sum(part.text_bytes for part in left)
        with task.progress.task("building shards", total, "B") as advance:
            wanted = (section for part in left for section in part.sections(task))
            planned = _planned(self._made(wanted, order, advance), left)
            shard: Planned
            for shard in self.workers.run(partial(join_shard, order=order), planned):
                left[SPLITS.index(shard.split)].split.add(shard.shard)
                for name in shard.done:
                    remove_section(order.place, name)

    def _made(
        self, wanted: Iterator[Section], order: Order, advance: Callable[[int], None]
    ) -> Iterator[tuple[Section, list[Made]]]:
        work, there = partial(make_section, order=order), names_in(order.place)

        def is_done(section: Section) -> bool:
            return section.name in there and is_made(section, order)

        for section in self.workers.done(work, wanted, is_done):
            yield section, read_section(section, order)
            advance(section.text_bytes)


@dataclass
class _Read:
    """Which pieces have been read, and how many stored bytes stand before each."""

    stored_bytes: int = 0
    pieces: "array[int]" = field(default_factory=lambda: array("q"))
    _before: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, piece: int, stored_bytes: int) -> None:
        self.pieces.append(piece)
        self._before.append(self.stored_bytes)
        self.stored_bytes += stored_bytes

    def before(self, piece: int) -> int:
        return self._before[bisect_left(self.pieces, piece)]


@dataclass(frozen=True)
class _Left:
    """What is left to do of a split, as it stands before anything is done."""

    split: SplitFiles
    index: BlockIndex
    begun: Begun
    # `first`, `copy`: with which block, and which copy of it, the work goes on
    first: int
    copy: int

    @classmethod
    def of(cls, split: SplitFiles, index: BlockIndex) -> "_Left":
        """Find out where a split goes on."""
        begun = Begun(len(split.finished), split.text_bytes, split.next)
        if split.next is None:
            return cls(split, index, begun, len(index), 0)
        point, copy = split.next
        return cls(split, index, begun, index.find(point) if split.finished else 0, copy)

    @property
    def text_bytes(self) -> int:
        return int(self.index.text_bytes[self.first :].sum())

    def sections(self, task: BuildTask) -> Iterator[Section]:
        """Yield the sections that hold what is left."""
        number = SPLITS.index(self.split.name)
        for section in sections_of(number, self.index, task.corpus.files, task.config):
            end = section.first + section.count
            is_open = section.first == self.first and section.copies.stop <= self.copy
            if end > self.first and not is_open:
                yield section


def _planned(made: Iterator[tuple[Section, list[Made]]], left: list[_Left]) -> Iterator[Planned]:
    """Yield the shards of both splits, as soon as it is known where they end."""
    for number, found in groupby(made, key=lambda found: found[0].split):
        named = ((section.name, jobs) for section, jobs in found)
        split = left[number].split
        header = len(schema_of(split.layout.columns).serialize())
        yield from planned_shards(split.name, named, split.layout, header, left[number].begun)


def _make_outlines(span: Span, order: Order) -> None:
    """Write the outlines of a span; on a worker, which finds out if it lacks the vocabulary."""
    recipe_for(order)
    _, pieces = span.pieces(order.config.read, order.piece_bytes)
    limit = order.config.shards.block_bytes
    outlines = ((piece.index, piece.stored_bytes, outline(piece.load(), limit)) for piece in pieces)
    write_outlines(_outlines(span, order), outlines)


def _outlines(span: Span, order: Order) -> Path:
    assert span.stop is not None
    return order.place / f"{span.start:x}-{span.stop:x}{_OUTLINES}"
