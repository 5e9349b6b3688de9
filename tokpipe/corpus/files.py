"""The files of a corpus: opened through one door, and known again."""

import os
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol, Self, cast

from tokpipe.foundation.errors import InputError, StoreError
from tokpipe.foundation.stores.objects import StoreObject


class Ranges(Protocol):
    """What bytes can be read from, wherever they are."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes from an offset on into a view; return how many, 0 at the end."""
        ...


@dataclass(frozen=True, slots=True)
class _Plain:
    """A file of this machine that is open."""

    handle: int

    def read_into(self, view: memoryview, offset: int) -> int:
        return os.preadv(self.handle, [view], offset)


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the corpus, or a stream, or a dataset of the hub."""

    name: str  # as the user would write it, for messages
    path: Path | None = None  # None for standard input and the hub
    size: int = 0  # stored bytes; 0 where nobody knows
    format: str = "txt"  # one of `tokpipe.corpus.config.FORMATS`, or "hub"
    # how the whole file is compressed; streams tell only when they are read
    codec: str | None = None
    # how it is known again: device, inode, size and time of change, or the last of these; or the
    # version of an object
    identity: tuple[int | str, ...] = ()
    stored: StoreObject | None = None  # where it is an object of a store

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once, and from its start."""
        return not self.identity

    def from_afar(self) -> Self:
        """Return the file as another process or machine knows it again: size and time of change.

        Devices have other numbers there, and inodes may have; an object of a store is the same.
        """
        if self.stored is not None:
            return self
        path = self.path and self.path.absolute()
        return replace(self, path=path, identity=self.identity[-2:])

    @contextmanager
    def open_bytes(self) -> Generator[BinaryIO, None, None]:
        """Open the file, named pipe or standard input for reading from its start."""
        if self.stored is not None:
            with read_errors(self.name), self.stored.open() as file:
                yield file
        elif self.path is None:
            with _standard_input() as stream:
                yield stream
        elif self.is_stream:
            with read_errors(self.name), self.path.open("rb", buffering=0) as stream:
                yield cast(BinaryIO, stream)
        else:
            with self._open_same() as handle, open(handle, "rb", closefd=False) as file:
                yield file

    @contextmanager
    def open_ranges(self) -> Generator[Ranges, None, None]:
        """Open a plain file or an object of a store, to read bytes from anywhere in it.

        Raises
        ------
        InputError
            If it is gone, no longer what it was when the corpus was opened, or the system or the
            store fails to read it.
        """
        if self.stored is not None:
            with read_errors(self.name):
                yield self.stored
            return
        with self._open_same() as handle:
            yield _Plain(handle)

    @contextmanager
    def _open_same(self) -> Generator[int, None, None]:
        assert self.path is not None
        with read_errors(self.name):
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if identity_of(os.fstat(handle))[-len(self.identity) :] != self.identity:
                    raise InputError(f"{self.name}: the file changed while it was read")
                yield handle
            finally:
                os.close(handle)


@dataclass(slots=True)
class Found:
    """The files that the inputs stand for, and what was left out on the way."""

    files: list[InputFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)  # suffix or kind -> how many files


@contextmanager
def read_errors(name: str) -> Generator[None, None, None]:
    """Name the file that the system cannot read: else it is taken for a fault of the output."""
    try:
        yield
    except EOFError:
        raise InputError(f"{name}: the file became shorter while it was read") from None
    except StoreError as error:
        raise InputError(error.problem, hint=error.hint) from error
    except OSError as error:
        if error.errno is None:  # Arrow's own: the content is at fault
            raise
        raise InputError(f"{name}: {os.strerror(error.errno).lower()}") from error


@contextmanager
def _standard_input() -> Generator[BinaryIO, None, None]:
    """Open standard input without a buffer: Python aborts at its end if a thread waits in one."""
    if sys.stdin is None:
        raise InputError("standard input (-) is closed")
    try:
        handle = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # something else was put in its place
        yield sys.stdin.buffer
        return
    with open(handle, "rb", buffering=0, closefd=False) as stream:
        yield cast(BinaryIO, stream)


def identity_of(status: os.stat_result) -> tuple[int, ...]:
    """Return how a plain file is known again."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
