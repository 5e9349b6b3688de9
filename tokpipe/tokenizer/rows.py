"""Tokens to encodings: cut, put between special tokens, their lists made when they are asked for.

An encoding is a row: ranges of tokens of one text or two, between special tokens. What truncation
cuts off makes further rows, its windows. All rows of a chunk of texts are laid out end to end, a
column of values at a time: the ids at once, all else at its first use.

References
----------
huggingface/tokenizers: ``processors/template.rs``, ``tokenizer/encoding.rs`` (``merge_with``),
``pre_tokenizers/byte_level.rs`` (``process_offsets``).
"""

from collections.abc import Callable
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.tokenizer.blocks import Ids
from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.kernels.ranges import copy_ranges
from tokpipe.tokenizer.spec import Piece, Template, Truncation
from tokpipe.tokenizer.tokens import Tokens
from tokpipe.tokenizer.truncation import Range, cut_lists, kept_lengths, room_for, windows
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_SPACES = (
    BYTE_TO_CHAR[ord(" ")]
    + "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_Span = tuple[NDArray[np.int64], NDArray[np.int64]]
_T = TypeVar("_T", np.int32, np.int64)


class Finish(NamedTuple):
    """What is done to the tokens of texts."""

    template: Template  # what stands around one text, and around two
    adds: bool  # whether its special tokens are put there
    cut: Truncation | None  # how long an encoding may be; None: of any length

    def pieces(self, texts: int) -> tuple[Piece, ...]:
        """Return what an encoding of one text or two is made of."""
        pieces = self.template.single if texts == 1 else self.template.pair
        return pieces if self.adds else tuple(piece for piece in pieces if piece.sequence)


class Layout(NamedTuple):
    """Where in a column of all R rows, N values, each of their P pieces stands."""

    pieces: tuple[Piece, ...]  # what each row is made of
    # list of (int64[R], int64[R]): for first and second texts: where among all tokens those of each
    # row begin and end
    spans: list[_Span]
    # `sizes`, `places`: int64[R, P]: how long each piece is, and where it begins
    sizes: NDArray[np.int64]
    places: NDArray[np.int64]
    borders: NDArray[np.int64]  # int64[R + 1]: where each row begins

    @classmethod
    def of(cls, pieces: tuple[Piece, ...], spans: list[_Span]) -> "Layout":
        """Lay rows out end to end."""
        sizes = np.empty((len(spans[0][0]), len(pieces)), np.int64)
        for p, piece in enumerate(pieces):
            starts, ends = spans[_text_of(piece)]
            sizes[:, p] = ends - starts if piece.sequence else len(piece.ids)
        ends = np.cumsum(sizes).reshape(sizes.shape)
        borders = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes.sum(axis=1), out=borders[1:])
        return cls(pieces, spans, sizes, ends - sizes, borders)

    def column(self, values: NDArray[_T], special: NDArray[_T]) -> NDArray[_T]:
        """Lay out a value of each token, [K], and of each special one of the pieces, [S]: [N]."""
        out, done = np.empty(self.borders[-1], values.dtype), 0
        for piece, places in zip(self.pieces, self.places.T, strict=True):
            if piece.sequence:
                copy_ranges(values, *self.spans[_text_of(piece)], out, np.ascontiguousarray(places))
            for j in range(len(piece.ids)):
                out[places + j] = special[done + j]
            done += len(piece.ids)
        return out

    def constants(self, values: list[Any]) -> NDArray[Any]:
        """Lay out one value for all of a piece."""
        return np.repeat(np.array(values * len(self.sizes), object), self.sizes.ravel())


def _text_of(piece: Piece) -> int:
    return -1 if piece.sequence == "B" else 0


def _special(pieces: tuple[Piece, ...], name: str) -> list[Any]:
    return [value for piece in pieces for value in getattr(piece, name)]


def finished(ids: NDArray[np.int32], borders: NDArray[np.int64], finish: Finish) -> Ids:
    """Cut the ids of T single texts, int32[K], and put special tokens around them.

    Raises
    ------
    ConfigError
        If a text cannot be cut as asked.
    """
    pieces = finish.pieces(1)
    special = np.array(_special(pieces, "ids"), np.int32)
    starts, ends = cut_lists(borders, finish.cut, len(special))
    if len(pieces) == 1 and pieces[0].sequence and (ends - starts).sum() == len(ids):
        return ids, borders
    layout = Layout.of(pieces, [(starts, ends)])
    return layout.column(ids, special), layout.borders


def finished_pairs(
    ids: NDArray[np.int32], borders: NDArray[np.int64], finish: Finish
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8]]:
    """Cut the ids of T / 2 pairs, first and second texts in turn, and put special tokens there.

    Parameters
    ----------
    ids, borders : int32[K], int64[T + 1]
        The tokens of all texts.
    finish
        Without a stride.

    Returns
    -------
    int32[N], int64[T / 2 + 1], uint8[N]
        Ids of the pairs, their borders, and segments.

    Raises
    ------
    ConfigError
        If a pair cannot be cut as asked.
    """
    pieces = finish.pieces(2)
    layout = Layout.of(pieces, _spans(borders, 2, finish)[0])
    types = np.tile(np.array([piece.type_id for piece in pieces], np.uint8), len(layout.sizes))
    special = np.array(_special(pieces, "ids"), np.int32)
    return layout.column(ids, special), layout.borders, np.repeat(types, layout.sizes.ravel())


class Vocabulary:
    """Tokens by id, as arrays."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = np.array(tokens, object)

    @cached_property
    def spaces(self) -> NDArray[np.int64]:
        """How many spaces begin and end each token: int64[V, 2]."""
        return np.array([_space_counts(token) for token in self.tokens], np.int64)


class Rows:
    """The encodings of some texts, or pairs, and behind them their windows: `encoding.Columns`.

    Parameters
    ----------
    found
        The tokens of all texts, and their borders; of pairs, first and second in turn.
    detail
        Gives all else about the same tokens.
    per_row
        How many texts an encoding has.

    Raises
    ------
    ConfigError
        If a text cannot be cut as asked.
    """

    def __init__(
        self,
        found: Ids,
        detail: Callable[[], Tokens],
        per_row: int,
        finish: Finish,
        vocabulary: Vocabulary,
    ) -> None:
        (ids, borders), pieces = found, finish.pieces(per_row)
        spans, self._overflow = _spans(borders, per_row, finish)
        self._layout = Layout.of(pieces, spans)
        self._template, self._vocabulary = finish.template, vocabulary
        self._ids, self._detail, self.count = ids, detail, (len(borders) - 1) // per_row
        self._borders = self._layout.borders.tolist()
        special = np.array(_special(pieces, "ids"), np.int32)
        self._columns: dict[str, NDArray[Any]] = {"ids": self._layout.column(ids, special)}

    def encodings(self) -> list[Encoding]:
        """Return the encoding of each text or pair."""
        return [Encoding.of(self, row) for row in range(self.count)]

    def values(self, name: str, row: int) -> list:
        """Return one list of one encoding, new each time."""
        own = slice(self._borders[row], self._borders[row + 1])
        if name == "offsets":
            starts, ends = self._offsets
            return list(zip(starts[own].tolist(), ends[own].tolist(), strict=True))
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name][own].tolist()

    def windows(self, row: int) -> list[Encoding]:
        """Return what overflowed from one encoding."""
        return [Encoding.of(self, window) for window in self._overflow.get(row, ())]

    def _column(self, name: str) -> NDArray[Any]:
        pieces = self._layout.pieces
        match name:
            case "tokens":
                named = self._vocabulary.tokens[self._ids]
                for place, text in self._tokens.shown.items():
                    named[place] = text
                return self._of_detail(named, _special(pieces, "tokens"))
            case "word_ids":
                return self._of_detail(self._tokens.words.astype(object), None)
            case "type_ids":
                return self._layout.constants([piece.type_id for piece in pieces])
            case "sequence_ids":
                order: dict[str, int | None] = {"": None, "A": 0, "B": 1}
                return self._layout.constants([order[piece.sequence] for piece in pieces])
            case "special_tokens_mask":
                return self._layout.constants([int(not piece.sequence) for piece in pieces])
        return np.ones(self._borders[-1], np.int8)  # the attention mask

    @cached_property
    def _tokens(self) -> Tokens:
        return self._detail()

    @cached_property
    def _source(self) -> NDArray[np.int64]:
        """Which token each value is of, or K + s for special token s."""
        tokens, special = len(self._ids), len(_special(self._layout.pieces, "ids"))
        numbers = np.arange(tokens + special)
        return self._layout.column(numbers[:tokens], numbers[tokens:])

    def _of_detail(self, values: NDArray[Any], special: Any) -> NDArray[Any]:
        """Lay out a value of each token, and one or all of special ones."""
        both = np.empty(len(values) + len(_special(self._layout.pieces, "ids")), values.dtype)
        both[: len(values)], both[len(values) :] = values, special
        return both[self._source]

    @cached_property
    def _offsets(self) -> _Span:
        tokens = self._tokens
        starts, ends = self._of_detail(tokens.starts, 0), self._of_detail(tokens.ends, 0)
        return self._trimmed(starts, ends) if self._template.trim else (starts, ends)

    def _trimmed(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> _Span:
        """Leave the spaces that begin and end tokens out of their offsets (RoBERTa).

        A text's first space, which the tokenizer may have put there, is left in if the template
        says so: in each row.
        """
        spaces = self._vocabulary.spaces[self._ids]
        for place, text in self._tokens.shown.items():
            spaces[place] = _space_counts(text)
        leading, trailing = (self._of_detail(column, 0) for column in spaces.T)
        if self._template.trim_keeps_first:
            is_first = starts == 0
            for piece, places in zip(self._layout.pieces, self._layout.places.T, strict=True):
                if piece.sequence:
                    begin, end = self._layout.spans[_text_of(piece)]
                    is_first[places[begin < end]] = True
            leading -= is_first & (leading > 0)
        starts = np.minimum(starts + leading, ends)
        is_cut = (trailing > 0) & (ends >= trailing)
        return starts, np.where(is_cut, np.maximum(ends - trailing, starts), ends)


def _space_counts(token: str) -> tuple[int, int]:
    """Return how many spaces begin and end a token of a byte-level vocabulary."""
    return len(token) - len(token.lstrip(_SPACES)), len(token) - len(token.rstrip(_SPACES))


def _spans(
    borders: NDArray[np.int64], texts: int, finish: Finish
) -> tuple[list[_Span], dict[int, range]]:
    """Return which tokens each row has, windows behind all texts, and whose windows they are."""
    pieces, cut = finish.pieces(texts), finish.cut
    added = len(_special(pieces, "ids"))
    if texts == 1 and (cut is None or cut.stride is None):
        return [cut_lists(borders, cut, added)], {}
    whole = [(borders[i:-1:texts], borders[i + 1 :: texts]) for i in range(texts)]
    if cut is None:
        return whole, {}
    room, overflow = room_for(cut.max_length, added), {}
    spans = [(starts.tolist(), ends.tolist()) for starts, ends in whole]
    for row in np.flatnonzero(np.diff(borders[::texts]) > room).tolist():
        ranges = [(starts[row], ends[row]) for starts, ends in spans]
        kept = kept_lengths(tuple(end - start for start, end in ranges), cut, room)
        parts = [windows(*span, length, cut) for span, length in zip(ranges, kept, strict=True)]
        overflow.update(_append_windows(row, spans, parts, pieces))
        for (starts, ends), (first, *_) in zip(spans, parts, strict=True):
            starts[row], ends[row] = first
    return [(np.array(s, np.int64), np.array(e, np.int64)) for s, e in spans], overflow


def _append_windows(
    row: int,
    spans: list[tuple[list[int], list[int]]],
    parts: list[list[Range]],
    pieces: tuple[Piece, ...],
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
