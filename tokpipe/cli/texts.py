"""Texts as arguments, or as lines of standard input or of files."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from tokpipe.foundation.errors import InputError

if TYPE_CHECKING:
    from tokpipe.corpus.reader import Corpus

_MOST_BYTES = 16 << 20  # of stdin: it is held in memory whole; more belongs into a file


def given_texts(texts: Sequence[str], stdin: TextIO) -> list[str]:
    """Return the texts of a command line; a single ``-`` stands for the lines of stdin.

    Raises
    ------
    InputError
        If standard input is not UTF-8, too long, or has no line.
    """
    if tuple(texts) != ("-",):
        return list(texts)
    data = stdin.buffer.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InputError(f"standard input is longer than {_MOST_BYTES >> 20} MiB")
    try:
        lines = [line.removesuffix("\r") for line in data.decode().split("\n")]
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: byte {error.start} is not UTF-8") from None
    found = [line for line in lines if line.strip()]
    if not found:
        raise InputError("standard input has no text")
    return found


def text_batches(corpus: "Corpus") -> Iterator[tuple[list[str], int]]:
    """Yield the texts of a corpus in parts, blank lines left out, and the stored bytes of each.

    A corpus without any is an `InputError`, after all.
    """
    has_text = False
    for piece in corpus.pieces():
        decoded = (text.decode() for text in piece.load().texts.iter_bytes())
        texts = [text.rstrip("\r\n") for text in decoded if text.strip()]
        has_text = has_text or bool(texts)
        yield texts, piece.stored_bytes
    if not has_text:
        raise InputError("the input holds no text", hint="Blank lines are left out.")
