"""From what the user names to the files that are read, in a fixed order."""

import os
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import InputError


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the corpus.

    Attributes
    ----------
    name : str
        As the user would write it, for messages.
    path : Path
    size : int
        Stored bytes; 0 for a stream.
    identity : tuple
        Device, inode, size and time of change: how the file is known again.
    """

    name: str
    path: Path
    size: int
    identity: tuple[int, ...]

    @contextmanager
    def open_same(self) -> Generator[int, None, None]:
        """Open the file and yield its handle.

        Raises
        ------
        InputError
            If it is gone, or is no longer what it was when the corpus was opened.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror}") from error
        try:
            if _identity(os.fstat(handle)) != self.identity:
                raise InputError(f"{self.name}: the file changed while it was read")
            yield handle
        finally:
            os.close(handle)


def find_inputs(inputs: Sequence[str | Path], config: ReadConfig) -> list[InputFile]:
    """List the files that the inputs stand for."""
    return [_input_file(Path(item)) for item in inputs]


def _input_file(path: Path) -> InputFile:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is no file")
    return InputFile(str(path), path, status.st_size, _identity(status))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
