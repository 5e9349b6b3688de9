"""Tokens to encodings: cut, put between special tokens, their lists made when they are asked for.

An encoding is a row: a range of tokens of one text or two, between special tokens. What truncation
cuts off makes further rows, its windows, which are not told from others: whatever is done to the
tokens of a row is done to those of all.

References
----------
huggingface/tokenizers: ``processors/template.rs``, ``tokenizer/encoding.rs`` (``merge_with``),
``pre_tokenizers/byte_level.rs`` (``process_offsets``).
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.spec import Piece, Template, Truncation
from tokpipe.tokenizer.tokens import Tokens
from tokpipe.tokenizer.truncation import Range, cut_lists, kept_lengths, room_for, windows
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_SPACES = (
    BYTE_TO_CHAR[ord(" ")]
    + "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)


class Finish(NamedTuple):
    """What is done to the tokens of texts.

    Attributes
    ----------
    template
        What stands around one text, and around two.
    adds : bool
        Whether its special tokens are put there.
    cut
        How long an encoding may be; None: of any length.
    """

    template: Template
    adds: bool
    cut: Truncation | None

    def pieces(self, texts: int) -> tuple[Piece, ...]:
        """Return what an encoding of one text or two is made of."""
        pieces = self.template.single if texts == 1 else self.template.pair
        return pieces if self.adds else tuple(piece for piece in pieces if piece.sequence)


class Rows(NamedTuple):
    """The encodings of some texts, or pairs, and behind them their windows: `encoding.Columns`.

    Attributes
    ----------
    tokens : Tokens
        Of all texts; of pairs, first and second in turn.
    heads : tuple of int64[K], or None
        Where a token begins and ends if it is the first of its text in a row, if that differs.
    pieces : tuple of Piece
        What each row is made of.
    spans : list of (list of int, list of int)
        For first and second texts: where the tokens of each row begin and end.
    overflow : dict of int to range
        The rows that are windows of a row.
    vocabulary : list of str
        Tokens by id.
    """

    tokens: Tokens
    heads: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    pieces: tuple[Piece, ...]
    spans: "list[_Span]"
    overflow: dict[int, range]
    vocabulary: list[str]

    def values(self, name: str, row: int) -> list:
        """Return one list of one encoding, new each time."""
        found: list[Any] = []
        for piece in self.pieces:
            if piece.sequence:
                found += self._of_text(name, piece, row)
            elif name in ("ids", "tokens"):
                found += getattr(piece, name)
            else:
                found += [_SPECIAL.get(name, piece.type_id)] * len(piece.ids)
        return found

    def windows(self, row: int) -> list[Encoding]:
        """Return what overflowed from one encoding."""
        return [Encoding.of(self, window) for window in self.overflow.get(row, ())]

    def _of_text(self, name: str, piece: Piece, row: int) -> Sequence[Any]:
        starts, ends = self.spans[-1 if piece.sequence == "B" else 0]
        start, end, tokens = starts[row], ends[row], self.tokens
        match name:
            case "ids":
                return tokens.ids[start:end].tolist()
            case "tokens":
                named = [self.vocabulary[id] for id in tokens.ids[start:end].tolist()]
                if tokens.shown:
                    shown = enumerate(named, start)
                    return [tokens.shown.get(place, token) for place, token in shown]
                return named
            case "offsets":
                places = (tokens.starts[start:end].tolist(), tokens.ends[start:end].tolist())
                offsets = list(zip(*places, strict=True))
                if self.heads and offsets:
                    offsets[0] = int(self.heads[0][start]), int(self.heads[1][start])
                return offsets
            case "word_ids":
                return tokens.words[start:end].tolist()
        constants = {"type_ids": piece.type_id, "sequence_ids": int(piece.sequence == "B")}
        return [constants.get(name, int(name == "attention_mask"))] * (end - start)


_Span = tuple[list[int], list[int]]
_SPECIAL = {  # of a special token, whatever it is
    "offsets": (0, 0),
    "word_ids": None,
    "attention_mask": 1,
    "special_tokens_mask": 1,
    "sequence_ids": None,
}


class RowMaker:
    """Makes encodings of tokens, which it knows by id."""

    def __init__(self, vocabulary: list[str]) -> None:
        self._vocabulary = vocabulary
        self._spaces: NDArray[np.int64] | None = None

    def encodings(self, tokens: Tokens, texts: int, finish: Finish) -> list[Encoding]:
        """Return an encoding for each text (`texts` 1), or each two that follow each other (2).

        Raises
        ------
        ConfigError
            If a text cannot be cut as asked.
        """
        pieces, heads = finish.pieces(texts), None
        spans, overflow = _spans(tokens.borders, texts, finish)
        if finish.template.trim:
            tokens, heads = self._trimmed(tokens, finish.template.trim_keeps_first)
        count = (len(tokens.borders) - 1) // texts
        rows = Rows(tokens, heads, pieces, spans, overflow, self._vocabulary)
        return [Encoding.of(rows, row) for row in range(count)]

    def _trimmed(
        self, tokens: Tokens, keeps_first: bool
    ) -> tuple[Tokens, tuple[NDArray[np.int64], NDArray[np.int64]] | None]:
        """Leave the spaces that begin and end tokens out of their offsets (RoBERTa).

        A text's first space, which the tokenizer may have put there, is left in with
        `keeps_first`: in each row.
        """
        if self._spaces is None:
            self._spaces = np.array([_space_counts(token) for token in self._vocabulary], np.int64)
        spaces = self._spaces[tokens.ids]
        for place, text in tokens.shown.items():
            spaces[place] = _space_counts(text)
        leading, trailing = spaces.T
        fewer = np.maximum(leading - keeps_first, 0)
        others = np.where(tokens.starts == 0, fewer, leading)
        starts, ends = _without_spaces(tokens, others, trailing)
        heads = _without_spaces(tokens, fewer, trailing) if keeps_first else None
        return tokens._replace(starts=starts, ends=ends), heads


def _without_spaces(
    tokens: Tokens, leading: NDArray[np.int64], trailing: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    starts = np.minimum(tokens.starts + leading, tokens.ends)
    is_cut = (trailing > 0) & (tokens.ends >= trailing)
    return starts, np.where(is_cut, np.maximum(tokens.ends - trailing, starts), tokens.ends)


def _space_counts(token: str) -> tuple[int, int]:
    """Return how many spaces begin and end a token of a byte-level vocabulary."""
    return len(token) - len(token.lstrip(_SPACES)), len(token) - len(token.rstrip(_SPACES))


def _spans(
    borders: NDArray[np.int64], texts: int, finish: Finish
) -> tuple[list[_Span], dict[int, range]]:
    """Return which tokens each row has, windows behind all texts, and whose windows they are."""
    pieces, cut = finish.pieces(texts), finish.cut
    added = sum(len(piece.ids) for piece in pieces)
    if texts == 1 and (cut is None or cut.stride is None):
        starts, ends = cut_lists(borders, cut, added)
        return [(starts.tolist(), ends.tolist())], {}
    spans = [(borders[i:-1:texts].tolist(), borders[i + 1 :: texts].tolist()) for i in range(texts)]
    overflow: dict[int, range] = {}
    if cut is None:
        return spans, overflow
    room = room_for(cut.max_length, added)
    for row in np.flatnonzero(np.diff(borders[::texts]) > room).tolist():
        whole = [(starts[row], ends[row]) for starts, ends in spans]
        kept = kept_lengths(tuple(end - start for start, end in whole), cut, room)
        parts = [windows(*span, length, cut) for span, length in zip(whole, kept, strict=True)]
        overflow.update(_append_windows(row, spans, parts, pieces))
        for (starts, ends), (first, *_) in zip(spans, parts, strict=True):
            starts[row], ends[row] = first
    return spans, overflow


def _append_windows(
    row: int, spans: list[_Span], parts: list[list[Range]], pieces: tuple[Piece, ...]
) -> dict[int, range]:
    """Append the windows of a text, or every one of a text with every one of the other, as rows.

    Hugging Face's ``merge_with`` joins what the template names first, and all its windows, with
    what it names then, and all its windows: what comes of it are windows of the whole, but those
    that hold a kept part have windows of their own besides.

    Returns
    -------
    dict of int to range
        The rows that are windows of a row.
    """
    names = [piece.sequence for piece in pieces if piece.sequence]
    step = -1 if names[:1] == ["B"] else 1
    one, other = (parts if len(parts) == 2 else [*parts, [(0, 0)]])[::step]
    first, width = len(spans[0][0]), len(other)
    last = first + (len(one) - 1) * width
    for pair in (*product(one[1:], other), *product(one[:1], other[1:])):
        for (starts, ends), (start, end) in zip(spans, pair[::step], strict=False):
            starts.append(start)
            ends.append(end)
    overflow = {row: range(first, last + width - 1)}
    overflow |= {begin: range(begin + 1, begin + width) for begin in range(first, last, width)}
    overflow |= {last + i - 1: range(first + i, last, width) for i in range(1, width)}
    return overflow
