"""Whole corpora to ids: several threads read, split and encode pieces, which come in order."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tokpipe.corpus.reader import Corpus, Piece
from tokpipe.foundation.threads import map_ordered
from tokpipe.tokenizer.columns import EncodesStrings, check_dtype, large_lists, with_template


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

    Yields
    ------
    EncodedPiece
        In the order of the corpus, the same for any number of threads.
    """
    check_dtype(dtype, tokenizer.vocab_size)
    template = tokenizer.spec.template.single if add_special_tokens else ()

    def encode(piece: Piece) -> EncodedPiece:
        batch = piece.load()
        blocks = tokenizer.encode_strings(batch.texts, threads=1, line_ends=not batch.is_lines)
        columns = [large_lists(*with_template(*block, template), dtype) for block in blocks]
        return EncodedPiece(columns, piece.stored_bytes)

    yield from map_ordered(encode, corpus.pieces(), threads)
