"""Many texts to encodings: `detail` and `encoding` for arrays, a chunk of texts at a time.

Only what a single text seldom has is left to `detail`: added tokens in the text, more than a chunk
of text, truncation with windows, pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.added import TokenFinder
from tokpipe.tokenizer.detail import encode_utf8
from tokpipe.tokenizer.encoding import Encoding, space_counts
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.spec import Piece, Spec, Template
from tokpipe.words.normalizers import before_plain_split, character_widths, normalize
from tokpipe.words.pre_tokenizers import pre_tokenize

_CHUNK_BYTES = 1 << 19  # of text: 20 ms in kernels, and 30 MB of Python objects

Encode = Callable[[str], Encoding]


class Tokens(NamedTuple):
    """The tokens of T texts, K together.

    Attributes
    ----------
    ids : int32[K]
    starts, ends : int64[K]
        Where in its text a token stands, in characters.
    words : int64[K]
        Which word of its text it belongs to.
    borders : int64[T + 1]
        Text ``t`` has the tokens ``borders[t]`` to ``borders[t + 1]``.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    words: NDArray[np.int64]
    borders: NDArray[np.int64]


class BatchEncoder:
    """Encodes texts in chunks, with all that `Encoding` has.

    Parameters
    ----------
    spec, engine
        The tokenizer.
    finders
        What finds added tokens in raw and in normalised text.
    """

    def __init__(self, spec: Spec, engine: Engine, finders: tuple[TokenFinder, TokenFinder]):
        self.spec, self.engine = spec, engine
        self._raw, self._normalized = finders
        self.vocabulary = spec.all_tokens
        self._spaces: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def encode(self, texts: Sequence[str], alone: Encode, finish: "Finish") -> list[Encoding]:
        """Encode texts.

        Parameters
        ----------
        texts
            As many as there are.
        alone
            Encodes one text that chunks are not for, and finishes it.
        finish
            What is done to the tokens of each text.
        """
        done: list[Encoding] = []
        for chunk, first in _chunks(texts):
            tokens, left_out = self._encode_chunk(chunk)
            encodings = finish.encodings(self, tokens)
            for t in map(int, left_out):
                encodings[t] = alone(texts[first + t])
            done += encodings
        return done

    def _encode_chunk(self, texts: Strings) -> tuple[Tokens, NDArray[np.int64]]:
        """Return the tokens of each text, and which texts are to be encoded alone."""
        is_left_out = np.diff(texts.offsets) > _CHUNK_BYTES
        if is_left_out.any():  # it is the only one of its chunk
            return self.tokens(Strings.from_list([b""])), np.zeros(1, np.int64)
        is_left_out |= _holds(texts, self._raw)
        if len(self._normalized):
            is_left_out |= _holds(normalize(texts, self.spec.words), self._normalized)
        return self.tokens(texts), np.flatnonzero(is_left_out)

    def tokens(self, texts: Strings) -> Tokens:
        """Encode texts that begin their data, and hold no added token."""
        aligned = before_plain_split(texts, self.spec.words)
        data = aligned.texts.data
        starts, ends, text_words = pre_tokenize(aligned.texts, self.spec.words)
        counts, ids, piece_ends = self.engine.encode_spans(data, starts, ends)
        token_ends = np.concatenate([[0], np.cumsum(counts)])
        borders = token_ends[text_words]
        begins = np.empty(len(ids), np.int64)
        begins[1:] = piece_ends[:-1]
        begins[token_ends[:-1][counts > 0]] = starts[counts > 0]
        last = aligned.sources[piece_ends - 1]
        before = np.concatenate([[0], np.cumsum(texts.data[: texts.nbytes] & 0xC0 != 0x80)])
        sizes = np.diff(borders)
        shift = np.repeat(before[texts.offsets[:-1]], sizes)
        return Tokens(
            ids,
            before[aligned.sources[begins]] - shift,
            before[last + character_widths(texts.data[last])] - shift,
            np.repeat(np.arange(len(starts)), counts) - np.repeat(text_words[:-1], sizes),
            borders,
        )

    def trimmed(self, tokens: Tokens, keeps_first: bool) -> Tokens:
        """Leave the spaces that begin and end tokens out of their offsets (RoBERTa)."""
        if self._spaces is None:
            counts = np.array([space_counts(token) for token in self.vocabulary], np.int64)
            self._spaces = counts[:, 0].copy(), counts[:, 1].copy()
        leading, trailing = (counts[tokens.ids] for counts in self._spaces)
        if keeps_first:
            is_first = tokens.starts == 0
            is_first[tokens.borders[:-1][np.diff(tokens.borders) > 0]] = True
            leading -= is_first & (leading > 0)
        starts = np.minimum(tokens.starts + leading, tokens.ends)
        is_cut = (trailing > 0) & (tokens.ends >= trailing)
        ends = np.where(is_cut, np.maximum(tokens.ends - trailing, starts), tokens.ends)
        return tokens._replace(starts=starts, ends=ends)


class Finish(NamedTuple):
    """What is done to the tokens of single texts: cut, and put between special tokens.

    Attributes
    ----------
    template
        With one text in it.
    adds : bool
        Whether its special tokens are put there.
    room
        Most tokens of a text; None: any.
    keeps_end : bool
        Whether a text is cut at its beginning.
    """

    template: Template
    adds: bool
    room: int | None
    keeps_end: bool

    def encodings(self, encoder: BatchEncoder, tokens: Tokens) -> list[Encoding]:
        """Return an encoding for each text."""
        if self.room is not None:
            tokens = cut(tokens, self.room, keeps_end=self.keeps_end)
        if self.template.trim:
            tokens = encoder.trimmed(tokens, self.template.trim_keeps_first)
        pieces = self.template.single
        place = next(i for i, piece in enumerate(pieces) if piece.sequence)
        before = _Special.of(pieces[:place] if self.adds else ())
        after = _Special.of(pieces[place + 1 :] if self.adds else ())
        columns = _Finished(
            tokens,
            tokens.borders.tolist(),
            encoder.vocabulary,
            before,
            after,
            pieces[place].type_id,
        )
        return [Encoding.of(columns, row) for row in range(len(tokens.borders) - 1)]


def cut(tokens: Tokens, room: int, *, keeps_end: bool) -> Tokens:
    """Return at most `room` tokens of each text."""
    keep, borders = kept(tokens.borders, room, keeps_end=keeps_end)
    return Tokens(
        tokens.ids[keep], tokens.starts[keep], tokens.ends[keep], tokens.words[keep], borders
    )


def kept(
    borders: NDArray[np.int64], room: int, *, keeps_end: bool
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Say which entries of lists stay when each is cut to `room`, and where the lists are then.

    Examples
    --------
    >>> keep, borders = kept(np.array([0, 3, 4]), 2, keeps_end=False)
    >>> keep.tolist(), borders.tolist()
    ([True, True, False, True], [0, 2, 3])
    """
    sizes = np.diff(borders)
    edges = np.repeat(borders[1:] if keeps_end else borders[:-1], sizes)
    places = np.arange(borders[0], borders[-1])
    keep = places >= edges - room if keeps_end else places < edges + room
    return keep, np.concatenate([[0], np.cumsum(np.minimum(sizes, room))])


class _Special(NamedTuple):
    """The special tokens on one side of a text."""

    ids: list[int]
    tokens: list[str]
    type_ids: list[int]

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> "_Special":
        return cls(
            [id for piece in pieces for id in piece.ids],
            [token for piece in pieces for token in piece.tokens],
            [piece.type_id for piece in pieces for _ in piece.ids],
        )


class _Finished(NamedTuple):
    """Texts with their special tokens, as `encoding.Columns`."""

    tokens: Tokens
    borders: list[int]
    vocabulary: list[str]
    before: _Special
    after: _Special
    type_id: int

    def values(self, name: str, row: int) -> list:
        """Return one list of one text."""
        own = self._own(name, slice(self.borders[row], self.borders[row + 1]))
        return [*self._special(name, self.before), *own, *self._special(name, self.after)]

    def _own(self, name: str, part: slice) -> Sequence[Any]:
        tokens = self.tokens
        match name:
            case "ids":
                return tokens.ids[part].tolist()
            case "tokens":
                return [self.vocabulary[id] for id in tokens.ids[part].tolist()]
            case "offsets":
                return list(
                    zip(tokens.starts[part].tolist(), tokens.ends[part].tolist(), strict=True)
                )
            case "word_ids":
                return tokens.words[part].tolist()
        constant = {"type_ids": self.type_id, "attention_mask": 1}.get(name, 0)
        return [constant] * (part.stop - part.start)

    @staticmethod
    def _special(name: str, special: _Special) -> Sequence[Any]:
        if name in ("ids", "tokens", "type_ids"):
            return getattr(special, name)
        constant = {"offsets": (0, 0), "word_ids": None, "sequence_ids": None}.get(name, 1)
        return [constant] * len(special.ids)


def _chunks(texts: Sequence[str]) -> Iterator[tuple[Strings, int]]:
    """Yield texts in chunks of about `_CHUNK_BYTES`, with the number of the first."""
    chunk: list[bytes] = []
    size = first = 0
    for t, text in enumerate(texts):
        raw = encode_utf8(text)
        if chunk and size + len(raw) > _CHUNK_BYTES:
            yield Strings.from_list(chunk), first
            chunk, size, first = [], 0, t
        chunk.append(raw)
        size += len(raw)
    if chunk:
        yield Strings.from_list(chunk), first


def _holds(texts: Strings, finder: TokenFinder) -> NDArray[np.bool_]:
    """Say which texts hold an added token."""
    matches = finder.find(texts)[:, 0]
    places = np.searchsorted(texts.offsets, matches, side="right") - 1
    return np.bincount(places, minlength=len(texts)).astype(np.bool_)
