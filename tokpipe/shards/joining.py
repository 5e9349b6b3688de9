"""Sections to shards: where each shard ends, as a build in one process has it, and its file."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import describe_file
from tokpipe.foundation.shared_files import at_hand, written_whole
from tokpipe.foundation.storage import storage_errors
from tokpipe.shards.blocks import ResumePoint
from tokpipe.shards.sections import Made, Order
from tokpipe.shards.split_files import FileLayout, Finished, refuse_leftover, shard_path
from tokpipe.shards.writer import END_MARK

_CHUNK = 1 << 20  # bytes that are copied at a time
Slice = tuple[str, int, int]  # a file of a section, and from where to where in it


@dataclass(frozen=True, slots=True)
class Planned:
    """A work item: a shard that is to be joined."""

    split: str
    number: int
    slices: tuple[Slice, ...]  # what its file is made of, end to end
    shard: Finished  # what is known of it then, but for the hash until it is joined
    done: tuple[str, ...]  # sections that are needed no longer when it is there


class Begun(NamedTuple):
    """What is done of a split."""

    shards: int
    text_bytes: int  # that they are made from
    next: tuple[ResumePoint, int] | None  # the job with which the next one begins


@dataclass
class _Open:
    """The shard that comes next, as far as it is known."""

    rows: int = 0
    tokens: int = 0
    size: int = 0  # of the bytes so far
    tally: Counter[str] = field(default_factory=Counter)
    slices: list[Slice] = field(default_factory=list)


def planned_shards(
    split: str,
    sections: Iterable[tuple[str, list[Made]]],
    layout: FileLayout,
    header: int,
    begun: Begun,
) -> Iterator[Planned]:
    """Yield the shards of a split as soon as it is known where they end.

    Parameters
    ----------
    split
        Its name.
    sections
        Name and content of each, in order, from the one on that holds the next job.
    layout
        Where files end.
    header
        How many bytes stand in front of the first batch of a file.
    begun
        What is done.
    """
    number, text_bytes, start = begun
    shard, names, has_begun = _Open(size=header), deque[str](), not number
    for name, jobs in sections:
        begin = header
        for job in jobs:
            point = (job.resume_point, job.copy)
            has_begun = has_begun or point == start
            if has_begun:
                so_far = text_bytes + shard.tally["text bytes"]
                if shard.slices and layout.is_full(shard.size, so_far, number):
                    yield _planned(split, number, shard, header, (point, names))
                    text_bytes, number, shard = so_far, number + 1, _Open(size=header)
                _take(shard, name, begin, job)
            begin = job.end
        names.append(name)
    if shard.slices:
        yield _planned(split, number, shard, header, (None, names))


def _take(shard: _Open, name: str, begin: int, job: Made) -> None:
    shard.rows += job.rows
    shard.tokens += job.tokens
    shard.size += job.end - begin
    shard.tally.update(job.tally)
    if shard.slices and shard.slices[-1][::2] == (name, begin):
        begin = shard.slices.pop()[1]
    shard.slices.append((name, begin, job.end))


def _planned(
    split: str,
    number: int,
    shard: _Open,
    header: int,
    what: tuple[tuple[ResumePoint, int] | None, deque[str]],
) -> Planned:
    after, names = what
    done = tuple(names)
    names.clear()
    size = shard.size + len(END_MARK)
    finished = Finished(shard.rows, shard.tokens, size, dict(shard.tally), after, "")
    slices = ((shard.slices[0][0], 0, header), *shard.slices)
    return Planned(split, number, slices, finished, done)


def join_shard(planned: Planned, order: Order) -> Planned:
    """Write a shard's file from slices of sections; it appears whole.

    Raises
    ------
    ArtifactError
        If a section is gone or too short, or no file is in the place.
    StorageError
        If the disk refuses.
    """
    path = shard_path(order.folder, planned.split, planned.number)
    refuse_leftover(path, is_dir=False)
    with written_whole(path) as draft:
        with storage_errors(draft), draft.open("wb") as file:
            for name, slices in groupby(planned.slices, key=itemgetter(0)):
                for chunk in _chunks(order.place / name, slices):
                    file.write(chunk)
            file.write(END_MARK)
        sha256 = describe_file(draft)["sha256"]
    return replace(planned, shard=replace(planned.shard, file_sha256=sha256))


def _chunks(path: Path, slices: Iterable[Slice]) -> Iterator[bytes]:
    """Yield what some slices of a section hold."""
    left = 0
    try:
        with at_hand(path) as copy, copy.open("rb") as file:
            for _, begin, end in slices:
                file.seek(begin)
                left = end - begin
                while left and (chunk := file.read(min(_CHUNK, left))):
                    yield chunk
                    left -= len(chunk)
                if left:
                    break
    except FileNotFoundError:
        left = 1
    if left:
        raise ArtifactError(f"{path}: no section of a shard", hint="Pass --force to start over.")
