"""Whole corpora to ids: several threads read, split and encode pieces, which come in order."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tokpipe.corpus.reader import PIECE_BYTES, Corpus, Piece
from tokpipe.foundation.pages import release_compiler_pages
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.threads import map_ordered, thread_count, usable_cpus
from tokpipe.tokenizer.columns import (
    EncodesStrings,
    check_dtype,
    filled,
    large_lists,
    list_type,
    longest_of,
)
from tokpipe.tokenizer.rows import Finish, finished
from tokpipe.tokenizer.spec import Padding
from tokpipe.tokenizer.truncation import truncation_for

_LARGE = 64 << 20  # bytes of a piece, which is mostly 4 MB


class EncodedPiece(NamedTuple):
    """The ids of one piece of a corpus."""

    columns: list[Any]  # a list of ids for each text, in order
    stored_bytes: int  # how much of `Corpus.stored_bytes` is done with it


def encode_pieces(  # noqa: PLR0913 - what the command line asks
    tokenizer: EncodesStrings,
    pieces: Iterable[Piece],
    *,
    add_special_tokens: bool = False,
    max_length: int | None = None,
    pads: bool = True,
    dtype: str = "int32",
    threads: int | None = None,
) -> Iterator[EncodedPiece]:
    """Encode every text of some pieces; a line of plain text is a text, its line end no part of it.

    Parameters
    ----------
    tokenizer
        Turns texts into ids.
    pieces
        Of a corpus, read a few ahead of what is taken: memory is bounded for any corpus.
    add_special_tokens, dtype, threads
        As in `Tokenizer.encode_arrow`.
    max_length
        Most tokens of a text, special ones included, in place of what the tokenizer's file says;
        the rest is cut off.
    pads
        Whether padding of the tokenizer's file is done; to the longest of a batch it fills
        nothing, because each text is a batch of its own where there is no end in sight.

    Yields
    ------
    EncodedPiece
        In the order of the pieces, the same for any number of threads.

    Raises
    ------
    ConfigError
        If a text cannot be cut as asked.
    """
    check_dtype(dtype, tokenizer.vocab_size)
    spec, vocab_size = tokenizer.spec, tokenizer.vocab_size
    cut = truncation_for(spec.truncation, max_length, "longest_first", None)
    finish = Finish(spec.template, add_special_tokens, cut)

    def encode(piece: Piece) -> EncodedPiece:
        batch, columns = piece.load(), []
        line_ends = not batch.is_lines
        blocks = deque(tokenizer.encode_strings(batch.texts, threads=1, line_ends=line_ends))
        if batch.texts.nbytes > _LARGE:
            release_compiler_pages()  # 50 MB: one text of 100 MB and its ids leave little room
        del batch
        while blocks:
            ids, borders = finished(*blocks.popleft(), finish)
            if pads and spec.padding is not None:
                ids, borders = filled(ids, borders, spec.padding)
            columns.append(large_lists(ids, borders, vocab_size, dtype))
        return EncodedPiece(columns, piece.stored_bytes)

    yield from map_ordered(encode, pieces, threads)


def encode_corpus(
    tokenizer: EncodesStrings, corpus: Corpus, *, threads: int | None = None, **how: Any
) -> Iterator[EncodedPiece]:
    """Encode every text of a corpus, read once, as `encode_pieces` does those of its pieces."""
    work = threads_for(corpus, threads)
    return encode_pieces(tokenizer, corpus.pieces(), threads=work, **how)


def threads_for(corpus: Corpus, threads: int | None, piece_bytes: int = PIECE_BYTES) -> int:
    """Return how many threads have a piece of a corpus to work on, at most those asked for.

    A piece or two are read ahead for each thread. Where the size is not known, there is no more
    work than for every processor.
    """
    pieces = len(corpus.files) + corpus.stored_bytes // piece_bytes
    return min(thread_count(threads), max(usable_cpus(), pieces))


def encode_files(
    tokenizer: EncodesStrings,
    corpus: Corpus,
    add_special_tokens: bool,
    dtype: str,
    threads: int | None,
    progress: Progress,
) -> pa.ChunkedArray:
    """Encode a corpus as one batch; see `Tokenizer.encode_files`."""
    columns, padding = [], tokenizer.spec.padding
    with progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
        for piece in encode_corpus(
            tokenizer,
            corpus,
            add_special_tokens=add_special_tokens,
            pads=False,
            dtype=dtype,
            threads=threads,
        ):
            columns += piece.columns
            advance(piece.stored_bytes)
    if padding is not None:
        columns = _filled(columns, padding, tokenizer.vocab_size, dtype)
    return pa.chunked_array(columns, list_type(pa.large_string(), dtype))


def _filled(columns: list[Any], padding: Padding, vocab_size: int, dtype: str) -> list[Any]:
    """Fill the lists of ids in columns to one length, as one batch."""
    parts = [
        (column.values.to_numpy().astype(np.int32, copy=False), column.offsets.to_numpy())
        for column in columns
    ]
    longest = longest_of(borders for _, borders in parts)
    return [
        large_lists(*filled(ids, borders, padding, longest), vocab_size, dtype)
        for ids, borders in parts
    ]
