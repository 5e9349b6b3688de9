"""Stretches of a corpus that other processes read: neighbouring pieces, and the files with them.

Where they end depends on the files and the size of pieces alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.inputs import Found, InputFile
from tokpipe.corpus.reader import FILE_SHIFT, Corpus, Piece, can_be_entered
from tokpipe.foundation.errors import InputError

SPAN_BYTES = 64 << 20  # most of stored text: a second of reading; a lost worker costs little
_SPANS = 32  # that a corpus is cut into, unless they would become smaller than a piece
_MOST_FILES = 1_000  # that a span names: some hundred kB of them


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring pieces, as plain data that goes to another process."""

    files: tuple[InputFile, ...]  # those that hold them
    first_file: int  # the number of the first of these in the corpus
    # `start`, `stop`: indices of pieces, from the one on and below the other; None: to the end
    start: int
    stop: int | None
    stored_bytes: int = 0  # how much of `Corpus.stored_bytes` it holds

    def pieces(self, config: ReadConfig, piece_bytes: int) -> tuple[Corpus, Iterator[Piece]]:
        """Return its pieces, and the corpus of its files, whose `tally` counts what is loaded."""
        corpus = Corpus(Found(list(self.files)), config, self.first_file)
        return corpus, corpus.pieces_between(self.start, self.stop, piece_bytes)


def refuse_streams(corpus: Corpus) -> None:
    """Refuse (`InputError`) a corpus that only one process can read."""
    for file in corpus.files:
        if file.is_stream:
            raise InputError(
                f"{file.name}: only one process can read it, and --engine dask has several",
                hint="Store it in a file that all machines see, or leave --engine dask away.",
            )


def span_between(files: Sequence[InputFile], start: int, last: int | None) -> Span:
    """Return the span from a piece to another, that one included; None: to the end."""
    first = start >> FILE_SHIFT
    end = len(files) if last is None else (last >> FILE_SHIFT) + 1
    held = tuple(file.from_afar() for file in files[first:end])
    return Span(held, first, start, None if last is None else last + 1)


def spans_of(files: Sequence[InputFile], piece_bytes: int) -> Iterator[Span]:
    """Cut a corpus into spans: many small files, or a part of a large one that can be entered.

    Any other file, such as a compressed one, is in one span whole.
    """
    most = _span_bytes(files, piece_bytes)
    first, held = 0, 0  # the first file that no span holds yet, and the bytes from there on
    for number, file in enumerate(files):
        parted = can_be_entered(file) and file.size > most
        if number > first and (parted or held + file.size > most or number - first >= _MOST_FILES):
            yield _whole(files, first, number, held)
            first, held = number, 0
        if parted:
            yield from _parts(file, number, piece_bytes, most)
            first = number + 1
        else:
            held += file.size
    if first < len(files):
        yield _whole(files, first, len(files), held)


def _whole(files: Sequence[InputFile], first: int, end: int, stored_bytes: int) -> Span:
    held = tuple(file.from_afar() for file in files[first:end])
    return Span(held, first, first << FILE_SHIFT, end << FILE_SHIFT, stored_bytes)


def _span_bytes(files: Sequence[InputFile], piece_bytes: int) -> int:
    return max(piece_bytes, min(SPAN_BYTES, sum(file.size for file in files) // _SPANS))


def _parts(file: InputFile, number: int, piece_bytes: int, most: int) -> Iterator[Span]:
    """Yield the spans of a large file."""
    step, held = max(1, most // piece_bytes), (file.from_afar(),)
    pieces, begin = -(-file.size // piece_bytes), number << FILE_SHIFT
    for piece in range(0, pieces, step):
        end = min(pieces, piece + step)
        stored = min(file.size, end * piece_bytes) - piece * piece_bytes
        yield Span(held, number, begin + piece, begin + end, stored)
