"""Texts of a corpus to lines, JSON lines or Arrow: what `encode` does, by threads or workers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tokpipe.cli.token_writers import ArrowStream, IdLines, JsonLines, TokenLines, Writer
from tokpipe.corpus.reader import PIECE_BYTES, Piece
from tokpipe.foundation.arrays import add_counts
from tokpipe.foundation.threads import map_ordered
from tokpipe.shards.vocabulary import token_facts
from tokpipe.tokenizer.encoding import pad
from tokpipe.tokenizer.files import encode_pieces
from tokpipe.tokenizer.quality import longest_word, unknown_warning
from tokpipe.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from tokpipe.cli.command import Session
    from tokpipe.tokenizer.encoding import Encoding

_OBJECT_BYTES = 1 << 19  # of text whose encodings are Python objects: 30 MB


@dataclass(frozen=True, kw_only=True)
class How:
    """What `encode` is asked for; plain data that goes to other processes."""

    kind: str  # "ids", "tokens", "jsonl" or "arrow"
    add_special_tokens: bool
    max_length: int | None
    offsets: bool

    @property
    def piece_bytes(self) -> int:
        """How much text is read at once."""
        return _OBJECT_BYTES if self.offsets else PIECE_BYTES


def writer_of(file: BinaryIO, kind: str, tokenizer: Tokenizer) -> Writer:
    """Return what writes encoded texts into a file."""
    if kind == "ids":
        return IdLines(file)
    if kind == "arrow":
        return ArrowStream(file)
    return (JsonLines if kind == "jsonl" else TokenLines)(file, tokenizer.tokens)


def encode_into(
    writer: Any,
    tokenizer: Tokenizer,
    pieces: Iterable[Piece],
    seen: NDArray[np.int64],
    how: How,
    threads: int,
) -> Iterator[int]:
    """Write the encoded texts of pieces; yield the stored bytes of each that is done.

    `seen`, int64[V], counts the ids.
    """
    encode = _encode_in_full if how.offsets else _encode_ids
    return encode(writer, tokenizer, pieces, seen, how, threads)


def _encode_ids(
    writer: Any,
    tokenizer: Tokenizer,
    pieces: Iterable[Piece],
    seen: NDArray[np.int64],
    how: How,
    threads: int,
) -> Iterator[int]:
    encoded = encode_pieces(
        tokenizer,
        pieces,
        add_special_tokens=how.add_special_tokens,
        max_length=how.max_length,
        threads=threads,
    )
    for piece in encoded:
        for column in piece.columns:
            writer.write(column)
            add_counts(column.values.to_numpy(), seen)
        yield piece.stored_bytes


def _encode_in_full(
    writer: Any,
    tokenizer: Tokenizer,
    pieces: Iterable[Piece],
    seen: NDArray[np.int64],
    how: How,
    threads: int,
) -> Iterator[int]:
    """Encode to Python objects, for what ids alone do not tell."""
    padding = tokenizer.spec.padding

    def encode(piece: Piece) -> "tuple[list[Encoding], int]":
        batch = piece.load()
        lines = [text.decode() for text in batch.texts.iter_bytes()]
        if batch.is_lines:
            lines = [line.removesuffix("\n") for line in lines]
        encodings = tokenizer.encode_batch(
            lines,
            add_special_tokens=how.add_special_tokens,
            max_length=how.max_length,
            padding=False,
        )
        if padding is not None:
            for encoding in encodings:  # as `encode_pieces` fills: each text a batch of its own
                pad([encoding], padding)
        return encodings, piece.stored_bytes

    for encodings, stored_bytes in map_ordered(encode, pieces, threads):
        for encoding in encodings:
            writer.write_record(_record(encoding))
            seen += np.bincount(encoding.ids, minlength=len(seen))
        yield stored_bytes


def _record(encoding: "Encoding") -> dict[str, Any]:
    return {
        "input_ids": encoding.ids,
        "tokens": encoding.tokens,
        "offsets": encoding.offsets,  # pairs, which JSON writes as lists
        "word_ids": encoding.word_ids,
    }


def words_seen(tokenizer: Tokenizer, seen: NDArray[np.int64]) -> tuple[int, int]:
    """Return how many words were among the ids, and how many unknown ones."""
    facts = token_facts(tokenizer)
    if facts.unk_id < 0:
        return 0, 0
    return int(seen[facts.counts_as_word].sum()), int(seen[facts.unk_id])


def say_what_it_means(session: "Session", tokenizer: Tokenizer, words: tuple[int, int]) -> None:
    """Say where padding filled nothing, and that the vocabulary does not fit the text."""
    padding = tokenizer.spec.padding
    if padding and padding.length is None:
        session.progress.note("padding to the longest: each text is a batch of its own")
    warning = unknown_warning(*words, longest=longest_word(tokenizer.spec))
    if warning:
        session.console.warn(warning)
