"""Sections: the examples of some neighbouring blocks of a split, each made anywhere, in a file.

A section's file is a shard file of its own. Beside it stands a record, written last: where the
bytes of each job end, and what went into them. Shards are then slices of sections, end to end.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.corpus.inputs import InputFile
from tokpipe.corpus.reader import FILE_SHIFT, can_be_entered
from tokpipe.corpus.spans import Span, span_between
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.shared_files import (
    at_hand,
    remove_files,
    size_of,
    write_shared_json,
    written_whole,
)
from tokpipe.shards.blocks import ResumePoint
from tokpipe.shards.build import recipe_of
from tokpipe.shards.config import SPLITS, BuildConfig
from tokpipe.shards.engine import documents_of, loaded_pieces
from tokpipe.shards.index import BlockIndex
from tokpipe.shards.making import COPIES, Job, Recipe, jobs_of, make
from tokpipe.shards.split_files import refuse_leftover, seal_of
from tokpipe.shards.vocabulary import same_vocabulary
from tokpipe.shards.writer import ShardFile

_TEXT = 16 << 20  # bytes of text and copies of it in a section: some seconds of work
_STORED = 256 << 20  # bytes of the corpus that are read for one, where few documents are of a split
_ENTRIES = 4  # into a file that has to be read from its start: each costs what stands before it


@dataclass(frozen=True)
class Order:
    """What all work items of a build have in common, as plain data that goes to other processes."""

    # `folder`, `place`: of the shards, unfinished, and for what items leave; all see them, and
    # they may be in a store
    folder: Path
    place: Path
    tokenizer: Path
    tokenizer_sha256: str
    config: BuildConfig
    piece_bytes: int


@dataclass(frozen=True, slots=True)
class Section:
    """A work item: neighbouring blocks of a split, or some copies of one block."""

    split: int
    # `first`, `count`: the number of the first block, and how many there are
    first: int
    count: int
    copies: range  # of each block
    start: ResumePoint  # where the first one begins
    span: Span  # holds them
    text_bytes: int

    @property
    def name(self) -> str:
        """Of its file: by the hash of what it is, in a folder of one corpus and settings."""
        what = [self.first, self.count, self.copies.start, self.copies.stop, *self.start]
        digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        return f"{SPLITS[self.split]}-{self.first:08d}-{digest[:16]}.arrow"


class Made(NamedTuple):
    """What a job left in the file of its section."""

    end: int  # where its bytes end
    # `rows`, `tokens`: how many it gave
    rows: int
    tokens: int
    tally: dict[str, int]
    resume_point: ResumePoint
    copy: int  # with which it begins


def sections_of(
    split: int, index: BlockIndex, files: Sequence[InputFile], config: BuildConfig
) -> Iterator[Section]:
    """Cut the blocks of a split into sections: a function of the corpus and the settings alone."""
    copies, borders = config.masks.copies, list(_borders(index, files, config.masks.copies))
    for first, end in zip(borders, [*borders[1:], len(index)], strict=False):
        last = int(index.points[end, 0]) if end < len(index) else None
        start, text = index.point(first), int(index.text_bytes[first:end].sum())
        span = span_between(files, start.piece, last)
        step = COPIES if end - first == 1 and text * copies > _TEXT else copies
        for copy in range(0, copies, step):
            ranged = range(copy, min(copies, copy + step))
            share = text * len(ranged) // copies
            yield Section(split, first, end - first, ranged, start, span, share)


def _borders(index: BlockIndex, files: Sequence[InputFile], copies: int) -> Iterator[int]:
    """Yield with which blocks sections begin."""
    text, begin = 0, 0
    for block in range(len(index)):
        stored = int(index.stored_bytes[block] - index.stored_bytes[begin])
        is_full = text * copies >= _TEXT or stored >= _STORED
        if not block or (is_full and _may_enter(files, int(index.points[block, 0]), stored)):
            yield block
            text, begin = 0, block
        text += int(index.text_bytes[block])


def _may_enter(files: Sequence[InputFile], piece: int, stored: int) -> bool:
    """Return whether a section may begin with a piece, so many stored bytes behind the last one."""
    file = files[piece >> FILE_SHIFT]
    is_first = piece % (1 << FILE_SHIFT) == 0
    return is_first or can_be_entered(file) or stored * _ENTRIES >= file.size


def make_section(section: Section, order: Order) -> str:
    """Make the examples of a section, and return its name; file and record appear whole.

    Raises
    ------
    InputError
        If the input cannot be read as asked.
    ArtifactError
        If the index does not fit the input, or the vocabulary is another here.
    StorageError
        If the disk refuses.
    """
    recipe, path = recipe_for(order), order.place / section.name
    refuse_leftover(path, is_dir=False)
    with written_whole(path) as draft:
        file = ShardFile(draft, recipe.columns, order.config.shards.compression)
        try:
            made = [_made(job, recipe, file) for job in _jobs(section, order)]
            file.finish()
        except BaseException:
            file.abandon()
            raise
        content = {"size": draft.stat().st_size, "made": made}
    write_shared_json(path.with_suffix(".json"), {**content, "sha256": seal_of(content)})
    return section.name


def read_section(section: Section, order: Order) -> list[Made]:
    """Return what the jobs of a section left.

    Raises
    ------
    ArtifactError
        If the section is not there, or not as `make_section` left it.
    """
    path = order.place / section.name
    try:
        with at_hand(path.with_suffix(".json")) as record:
            content = json.loads(record.read_text("utf-8"))
        is_whole = content.pop("sha256") == seal_of(content)
        made = [_as_made(*job) for job in content["made"]]
        if is_whole and size_of(path) == content["size"]:
            return made
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    raise ArtifactError(f"{path}: no section of a shard", hint="Pass --force to start over.")


def _as_made(
    end: int, rows: int, tokens: int, tally: dict[str, int], point: list[Any], copy: int
) -> Made:
    return Made(end, rows, tokens, tally, ResumePoint(*point), copy)


def is_made(section: Section, order: Order) -> bool:
    """Return whether a section is there, whole."""
    try:
        return bool(read_section(section, order))
    except ArtifactError:
        return False


def remove_section(place: Path, name: str) -> None:
    """Remove a section that is no longer needed: its record first, without which it is none."""
    remove_files([(place / name).with_suffix(".json")])
    remove_files([place / name])


def _jobs(section: Section, order: Order) -> Iterator[Job]:
    """Read the blocks of a section; yield the jobs that make its examples."""
    starts = (section.start, None) if section.split == 0 else (None, section.start)
    documents = documents_of(order.config, starts)
    _, pieces = section.span.pieces(order.config.read, order.piece_bytes)
    blocks = islice(documents.blocks(loaded_pieces(pieces, 1)), section.count)
    found = 0
    for block in blocks:
        found += 1
        yield from jobs_of(block, section.copies.stop, section.copies.start)
    if found != section.count:
        raise ArtifactError(
            f"{order.place}: its index does not fit the input", hint="Pass --force to start over."
        )


def _made(job: Job, recipe: Recipe, file: ShardFile) -> Made:
    """Write what comes of a job."""
    result, rows, tokens = make(job, recipe), file.rows, file.tokens
    for batch in result.batches:
        file.write(batch)
    point, copy = job.resume_point
    return Made(file.size, file.rows - rows, file.tokens - tokens, dict(result.tally), point, copy)


@lru_cache(maxsize=1)
def recipe_for(order: Order) -> Recipe:
    """Return what examples are made by; one process works for one build at a time."""
    vocabulary = same_vocabulary(order.tokenizer, order.tokenizer_sha256)
    return recipe_of(vocabulary, order.config)
