"""The shards of one split as they are written, and what is known of those that are done.

Beside each finished shard stands a record, in the working folder's place for what is no content:
rows, tokens, tally, and from where the work goes on. A file without its record is written anew,
and so is one that is not as long as its record says.
"""

import hashlib
import json
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.folders import UNFINISHED
from tokpipe.foundation.manifest import describe_file
from tokpipe.foundation.shared_files import (
    at_hand,
    make_folder,
    size_of,
    write_shared_json,
    written_whole,
)
from tokpipe.shards.blocks import ResumePoint
from tokpipe.shards.making import Job, JobResult
from tokpipe.shards.schema import Column
from tokpipe.shards.writer import ShardFile

_START = (ResumePoint(), 0)
_START_OVER = "Pass --force to start over."


@dataclass(frozen=True)
class Finished:
    """A shard that is done."""

    # `rows`, `tokens`, `size`: how many it holds, and how many bytes the file has
    rows: int
    tokens: int
    size: int
    tally: dict[str, int]  # of the work that went into it
    # the block, and the copy of it, with which the next one begins; None: all is done
    next: tuple[ResumePoint, int] | None
    file_sha256: str


@dataclass(frozen=True)
class FileLayout:
    """How files are laid out: the columns, the codec, and where a file ends."""

    # `columns`, `compression`: of the files
    columns: tuple[Column, ...]
    compression: str
    shard_bytes: int  # a file ends with the job that brings it to this size …
    # … or, instead, with the one that brings the split to a multiple of so much text
    text_bytes: float | None = None

    def is_full(self, size: int, text_bytes: int, before: int) -> bool:
        """Return whether a file of some bytes ends; `text_bytes` are of the split so far.

        `before` is how many files are done.
        """
        if self.text_bytes is None:
            return size >= self.shard_bytes
        return text_bytes >= self.text_bytes * (before + 1)


@dataclass
class SplitFiles:
    """The shards of a split, `finished` ones and the next, in a folder that nobody reads yet.

    The folder may be one of a store, where each shard goes up when it is finished.
    """

    folder: Path
    name: str
    layout: FileLayout
    finished: list[Finished] = field(default_factory=list)
    text_bytes: int = 0  # that all finished ones are made from
    _file: ShardFile | None = None
    _writing: ExitStack = field(default_factory=ExitStack)
    _tally: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        refuse_leftover(self.folder / self.name, is_dir=True)
        make_folder(self.folder / self.name)
        while (shard := _read(self._record(len(self.finished)))) is not None:
            if shard.size not in self._sizes(len(self.finished)):
                return
            self._take(shard)

    @property
    def next(self) -> tuple[ResumePoint, int] | None:
        """Where the work goes on; None: it is done."""
        return self.finished[-1].next if self.finished else _START

    def write(self, result: JobResult) -> None:
        """Append what came of a job; a file that is full by now ends before it."""
        if self._file is not None and self._is_full():
            self._finish(result.job)
        file = self._opened()
        for batch in result.batches:
            file.write(batch)
        self._tally.update(result.tally)

    def close(self) -> None:
        """Finish the last shard; a split without examples gets an empty one."""
        if self.next is None:
            return
        self._opened()
        self._finish(None)

    def _opened(self) -> ShardFile:
        """Return the file that is open; the next one, if none is."""
        if self._file is None:
            path = self.path(len(self.finished))
            refuse_leftover(path, is_dir=False)
            draft = self._writing.enter_context(written_whole(path))
            self._file = ShardFile(draft, self.layout.columns, self.layout.compression)
        return self._file

    def abandon(self) -> None:
        """Close a file that is not finished, and leave nothing of it."""
        if self._file is not None:
            self._file.abandon()
            with suppress(_Abandoned), self._writing:
                raise _Abandoned

    def path(self, number: int) -> Path:
        """Return where a shard is while their number is not known yet."""
        return shard_path(self.folder, self.name, number)

    def tally(self) -> Counter[str]:
        """Return the sums over all finished shards."""
        return sum((Counter(shard.tally) for shard in self.finished), Counter())

    def add(self, shard: Finished) -> None:
        """Take the next shard for done: its file is at `path`, and on the disk."""
        content = asdict(shard)
        write_shared_json(self._record(len(self.finished)), {**content, "sha256": seal_of(content)})
        self._take(shard)

    def _take(self, shard: Finished) -> None:
        self.finished.append(shard)
        self.text_bytes += shard.tally.get("text bytes", 0)

    def _is_full(self) -> bool:
        assert self._file is not None
        text_bytes = self.text_bytes + self._tally["text bytes"]
        return self.layout.is_full(self._file.size, text_bytes, len(self.finished))

    def _finish(self, following: Job | None) -> None:
        assert self._file is not None
        self._file.finish()
        after = following.resume_point if following else None
        found = describe_file(self._file.path)
        self._writing.close()  # it is in its place before anything says that it is done
        what = (self._file.rows, self._file.tokens, found["bytes"], dict(self._tally), after)
        self.add(Finished(*what, found["sha256"]))
        self._file, self._tally = None, Counter()

    def _sizes(self, number: int) -> list[int]:
        """Return the size of a shard that is there, whether its name is final yet or not."""
        path = self.path(number)
        found = [path, *path.parent.glob(f"{path.stem}-of-*{path.suffix}")]
        return [size for size in map(size_of, found) if size is not None]

    def _record(self, number: int) -> Path:
        return self.folder / UNFINISHED / f"{self.name}-{number:05d}.json"


def shard_path(folder: Path, split: str, number: int) -> Path:
    """Return where a shard is in a folder that is not finished."""
    return folder / split / f"data-{number:05d}.arrow"


def refuse_leftover(path: Path, *, is_dir: bool) -> None:
    """Refuse what stands in a working folder where a build writes something else.

    A folder in the place of a file, or the other way round, is an `ArtifactError`.
    """
    if path.exists() and path.is_dir() != is_dir:
        raise ArtifactError(f"{path}: left by no build of shards", hint=_START_OVER)


class _Abandoned(Exception):  # noqa: N818 - what it says, and no more
    """A file is not going to be finished."""


def _read(record: Path) -> Finished | None:
    """Return what a record says; None if there is none."""
    refuse_leftover(record, is_dir=False)
    try:
        with at_hand(record) as path:
            content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        is_whole = content.pop("sha256") == seal_of(content)
        after = content.pop("next")
        start = None if after is None else (ResumePoint(*after[0]), int(after[1]))
        if is_whole:
            return Finished(**content, next=start)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    raise ArtifactError(f"{record}: no record of a finished shard", hint=_START_OVER)


def seal_of(content: dict[str, Any]) -> str:
    """Return the sha256 of a record, which says from where the work goes on: it must be true."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
