"""Sections to shards: where each shard ends, as a build in one process has it, and its file."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.files import atomic_write
from tokpipe.shards.blocks import ResumePoint
from tokpipe.shards.sections import Made, Order
from tokpipe.shards.split_files import FileLayout, Finished, shard_path
from tokpipe.shards.writer import END_MARK

_CHUNK = 1 << 20  # bytes that are copied at a time
Slice = tuple[str, int, int]  # a file of a section, and from where to where in it


@dataclass(frozen=True, slots=True)
class Planned:
    """A work item: a shard that is to be joined."""

    split: str
    number: int
    slices: tuple[Slice, ...]  # what its file is made of, end to end
    shard: Finished  # what is known of it then
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
    finished = Finished(shard.rows, shard.tokens, size, dict(shard.tally), after)
    slices = ((shard.slices[0][0], 0, header), *shard.slices)
    return Planned(split, number, slices, finished, done)


def join_shard(planned: Planned, order: Order) -> Planned:
    """Write a shard's file from slices of sections; it appears whole.

    Raises
    ------
    ArtifactError
        If a section is gone or too short.
    StorageError
        If the disk refuses.
    """
    path = shard_path(order.folder, planned.split, planned.number)
    with atomic_write(path) as file:
        for name, begin, end in planned.slices:
            for chunk in _chunks(order.place / name, begin, end):
                file.write(chunk)
        file.write(END_MARK)
    return planned


def _chunks(path: Path, begin: int, end: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end and (chunk := file.read(min(_CHUNK, end - begin))):
                yield chunk
                begin += len(chunk)
    except FileNotFoundError:
        pass
    if begin < end:
        raise ArtifactError(f"{path}: no section of a shard", hint="Pass --force to start over.")
