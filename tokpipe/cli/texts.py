"""Texts as arguments, or as lines of standard input or of files."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from tokpipe.foundation.errors import InputError

if TYPE_CHECKING:
    from tokpipe.corpus.reader import Corpus

_MOST_BYTES = 16 << 20  # of stdin: it is held in memory whole; more belongs into a file
_CHUNK = 64 << 10  # bytes of lines that are answered together, where so many are there


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
        lines = [line.removesuffix("\r") for line in data.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: byte {error.start} is not UTF-8") from None
    found = [line for line in lines if line.strip()]
    if not found:
        raise InputError("standard input has no text")
    return found


def arriving_lines(stdin: TextIO) -> Iterator[list[str]]:
    """Yield the lines of standard input as they come: one that is typed, all that a pipe holds.

    Blank lines are lines, too; line ends are no part of them.

    Raises
    ------
    InputError
        If a line is not UTF-8 or too long.
    """
    held, number = bytearray(), 1
    while chunk := stdin.buffer.read1(_CHUNK):  # type: ignore[union-attr]
        body, end, rest = chunk.rpartition(b"\n")
        held += body if end else rest
        if len(held) > _MOST_BYTES:
            raise InputError(f"standard input:{number}: longer than {_MOST_BYTES >> 20} MiB")
        if end:
            lines = _decoded_lines(held, number)
            number += len(lines)
            held = bytearray(rest)
            yield lines
    if held:
        yield _decoded_lines(held, number)


def _decoded_lines(data: bytearray, first: int) -> list[str]:
    lines = []
    for number, line in enumerate(bytes(data).split(b"\n"), first):
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\r"))
        except UnicodeDecodeError as error:
            raise InputError(f"standard input:{number}: byte {error.start} is not UTF-8") from None
    return lines


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
