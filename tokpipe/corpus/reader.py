"""A corpus: files in a fixed order, cut into pieces that threads load on their own."""

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.blocks import read_range
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.inputs import InputFile, find_inputs
from tokpipe.corpus.lines import read_text

PIECE_BYTES = 4 << 20

_FILE_SHIFT = 32  # index of a piece: number of the file, then number of the piece in it


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of the corpus that is loaded at once, by any thread.

    Attributes
    ----------
    index : int
        Ascending over the corpus, not dense; the same for the same `piece_bytes`.
    stored_bytes : int
        How many bytes of `Corpus.stored_bytes` are done with it.
    load : Callable[[], TextBatch]
        Reads and checks it; the heavy part runs without the GIL.
    """

    index: int
    stored_bytes: int
    load: Callable[[], TextBatch]


class Corpus:
    """Text in files, read as often as asked.

    Parameters
    ----------
    files
        In the order in which they are read.
    config
        How they are read.
    """

    def __init__(self, files: Sequence[InputFile], config: ReadConfig) -> None:
        self.files = tuple(files)
        self.config = config
        self._tally: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def stored_bytes(self) -> int:
        """How many bytes the files hold, as they are stored; 0 for standard input."""
        return sum(file.size for file in self.files)

    @property
    def tally(self) -> dict[str, int]:
        """What was mended in all pieces loaded so far, as in `TextBatch.tally`."""
        with self._lock:
            return dict(self._tally)

    def pieces(
        self,
        piece_bytes: int = PIECE_BYTES,
        *,
        start: int = 0,
        skip: Container[int] = frozenset(),
    ) -> Iterator[Piece]:
        """Cut the corpus; the texts that come out never depend on where.

        Parameters
        ----------
        piece_bytes
            About how many bytes of text a piece holds.
        start
            Pieces with a lower index are left out, unread where that is possible.
        skip
            Indices of further pieces to leave out.
        """
        for number, file in enumerate(self.files):
            for part, (stored, load) in enumerate(self._parts(file, piece_bytes)):
                index = (number << _FILE_SHIFT) + part
                if index >= start and index not in skip:
                    yield Piece(index, stored, partial(self._counted, load))

    def _parts(
        self, file: InputFile, piece_bytes: int
    ) -> Iterator[tuple[int, Callable[[], TextBatch]]]:
        for begin in range(0, file.size, piece_bytes):
            end = min(file.size, begin + piece_bytes)
            yield end - begin, partial(self._load_range, file, begin, end)

    def _load_range(self, file: InputFile, begin: int, end: int) -> TextBatch:
        return read_text(read_range(file, begin, end, self.config.max_line_bytes), self.config)

    def _counted(self, load: Callable[[], TextBatch]) -> TextBatch:
        batch = load()
        if batch.tally:
            with self._lock:
                self._tally.update(batch.tally)
        return batch


def open_corpus(inputs: Sequence[str | Path], config: ReadConfig | None = None) -> Corpus:
    """Find the files that the inputs name.

    Parameters
    ----------
    inputs
        Files; folders and globs follow.
    config
        How they are read.

    Raises
    ------
    InputError
        If there is no such file.
    """
    config = config or ReadConfig()
    return Corpus(find_inputs(inputs, config), config)
