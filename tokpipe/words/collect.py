"""A stream of batches as one run: in memory while it is small, else on disk and mapped."""

import mmap
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import PADDING, Strings
from tokpipe.foundation.storage import storage_errors
from tokpipe.words.runs import EMPTY, Run

_FIRST = 1 << 12  # words, and bytes of them: the arrays grow by half at a time


def collect(
    batches: Iterable[Run], most_bytes: int | None = None, folder: Path | None = None
) -> Run:
    """Join the batches of a stream that is sorted as a whole.

    A result of more than `most_bytes` (None: any) is kept in files of `folder` (None: the system's
    place for temporary ones) that are gone once it is no longer used, and its arrays show them: the
    system reads and drops their pages as it sees fit.
    """
    grown, files = _Grown(), None
    for batch in batches:
        if files is None and most_bytes is not None and grown.nbytes + batch.nbytes > most_bytes:
            files = _Files(folder)
            files.append(grown.finish())
        (files or grown).append(batch)
    return (files or grown).finish()


def release(run: Run) -> None:
    """Drop what is in memory of a run that stands on disk; it is read again where it is needed."""
    for array in (run.words.data, run.words.offsets, run.counts):
        base: object = array
        while isinstance(base, np.ndarray):
            base = base.base
        base = base.obj if isinstance(base, memoryview) else base
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)


class _Grown:
    """A run that grows in memory; `ndarray.resize` is realloc, which moves pages, not bytes."""

    def __init__(self) -> None:
        self._data = np.empty(_FIRST, np.uint8)
        self._offsets, self._counts = np.zeros(_FIRST, np.int64), np.empty(_FIRST, np.int64)
        self._words = self._used = 0

    @property
    def nbytes(self) -> int:
        return self._used + 16 * self._words

    def append(self, run: Run) -> None:
        words, used = self._words + len(run.counts), self._used + run.words.nbytes
        self._reserve(words + 1, used)
        first, last = run.words.offsets[0], run.words.offsets[-1]
        self._data[self._used : used] = run.words.data[first:last]
        self._offsets[self._words : words + 1] = run.words.offsets - first + self._used
        self._counts[self._words : words] = run.counts
        self._words, self._used = words, used

    def _reserve(self, rows: int, used: int) -> None:
        if rows > len(self._counts):
            self._offsets.resize(rows + rows // 2, refcheck=False)
            self._counts.resize(rows + rows // 2, refcheck=False)
        if used > len(self._data):
            self._data.resize(used + used // 2, refcheck=False)

    def finish(self) -> Run:
        self._data.resize(self._used + PADDING, refcheck=False)
        self._data[self._used :] = 0
        self._offsets.resize(self._words + 1, refcheck=False)
        self._counts.resize(self._words, refcheck=False)
        return Run(Strings(self._data, self._offsets), self._counts)


class _Files:
    """A run that grows in three unnamed files."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = Path(tempfile.gettempdir() if folder is None else folder)
        with storage_errors(self._folder):
            self._data, self._offsets, self._counts = (self._open() for _ in range(3))
            self._offsets.write(bytes(8))
        self._used = 0

    def _open(self) -> BinaryIO:
        return tempfile.TemporaryFile(dir=self._folder)

    def append(self, run: Run) -> None:
        first, last = run.words.offsets[0], run.words.offsets[-1]
        with storage_errors(self._folder):
            self._data.write(run.words.data[first:last].tobytes())
            self._offsets.write((run.words.offsets[1:] - first + self._used).tobytes())
            self._counts.write(run.counts.tobytes())
        self._used += int(last - first)

    def finish(self) -> Run:
        with storage_errors(self._folder):
            self._data.write(bytes(PADDING))
            data = _mapped(self._data, np.uint8)
            offsets, counts = _mapped(self._offsets, np.int64), _mapped(self._counts, np.int64)
        return Run(Strings(data, offsets), counts)


def _mapped(file: BinaryIO, kind: type) -> NDArray:
    with file:
        file.flush()
        if file.tell() == 0:
            return EMPTY.counts
        # a private copy in name only: kernels are compiled for arrays that may be written
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), kind)
