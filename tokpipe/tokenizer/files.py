"""Whole corpora to ids: several threads read, split and encode pieces, which come in order."""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from tokpipe.corpus.reader import Corpus, Piece
from tokpipe.foundation.pages import release_compiler_pages
from tokpipe.foundation.threads import map_ordered
from tokpipe.tokenizer.batch import kept
from tokpipe.tokenizer.columns import EncodesStrings, check_dtype, large_lists, with_template
from tokpipe.tokenizer.encoding import room_for

_LARGE = 64 << 20  # bytes of a piece, which is mostly 4 MB


class EncodedPiece(NamedTuple):
    """The ids of one piece of a corpus.

    Attributes
    ----------
    columns : list of pyarrow.LargeListArray
        A list of ids for each text, in order.
    stored_bytes : int
        How much of `Corpus.stored_bytes` is done with it.
    """

    columns: list[Any]
    stored_bytes: int


def encode_corpus(
    tokenizer: EncodesStrings,
    corpus: Corpus,
    *,
    add_special_tokens: bool = False,
    max_length: int | None = None,
    dtype: str = "int32",
    threads: int | None = None,
) -> Iterator[EncodedPiece]:
    """Encode every text of a corpus; a line of plain text is a text, its line end no part of it.

    Parameters
    ----------
    tokenizer
        Turns texts into ids.
    corpus
        Read once, a few pieces ahead of what is taken: memory is bounded for any corpus.
    add_special_tokens, dtype, threads
        As in `Tokenizer.encode_arrow`.
    max_length
        Most tokens of a text, special ones included; the rest is cut off.

    Yields
    ------
    EncodedPiece
        In the order of the corpus, the same for any number of threads.

    Raises
    ------
    ConfigError
        If `max_length` cannot hold the special tokens.
    """
    check_dtype(dtype, tokenizer.vocab_size)
    template = tokenizer.spec.template.single if add_special_tokens else ()
    room = None if max_length is None else room_for(max_length, sum(len(p.ids) for p in template))
    cut = tokenizer.spec.truncation
    keeps_end = cut is not None and cut.direction == "left"

    def encode(piece: Piece) -> EncodedPiece:
        batch, columns = piece.load(), []
        line_ends = not batch.is_lines
        blocks = deque(tokenizer.encode_strings(batch.texts, threads=1, line_ends=line_ends))
        if batch.texts.nbytes > _LARGE:
            release_compiler_pages()  # 50 MB: one text of 100 MB and its ids leave little room
        del batch
        while blocks:
            ids, borders = blocks.popleft()
            if room is not None:
                keep, borders = kept(borders, room, keeps_end=keeps_end)
                ids = ids[keep]
            columns.append(large_lists(*with_template(ids, borders, template), dtype))
        return EncodedPiece(columns, piece.stored_bytes)

    yield from map_ordered(encode, corpus.pieces(), threads)
