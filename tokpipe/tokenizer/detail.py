"""One text to tokens with offsets and word ids: the slow, exact way beside `engine`.

A text is cut at added tokens; each piece between is normalised (remembering for every byte which
bytes of the text it came from), cut at added tokens that are looked for in normalised text, split
into words, and encoded. Offsets count characters (code points) of the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, padded
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.added import TokenFinder, normalized_tokens
from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.kernels.spans import word_spans
from tokpipe.tokenizer.spec import Spec
from tokpipe.words.normalizers import character_widths, normalize_aligned
from tokpipe.words.pre_tokenizers import plain_split_tables

_WORDS = 1 << 16  # found in one call of a kernel


@dataclass(frozen=True, slots=True)
class Prepared:
    """Normalised bytes, and where each came from.

    Attributes
    ----------
    data : uint8[N + PADDING]
    sources : int64[N]
        Where in the raw text the character begins that byte i belongs to.
    """

    data: NDArray[np.uint8]
    sources: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sources)

    def part(self, start: int, end: int) -> "Prepared":
        """Return bytes `start` to `end` on their own."""
        return Prepared(padded(self.data[start:end]), self.sources[start:end])

    def with_space(self) -> "Prepared":
        """Put a space in front, which stands for what the first character stands for."""
        data = padded(b" " + self.data[: len(self)].tobytes())
        return Prepared(data, np.insert(self.sources, 0, self.sources[0]))


class Detail:
    """Encodes single texts with all that `Encoding` has, special tokens aside."""

    def __init__(self, spec: Spec, engine: Engine) -> None:
        self.spec, self.engine = spec, engine
        self._tokens = spec.all_tokens
        self._split = plain_split_tables(spec.words)
        self.raw = TokenFinder([t for t in spec.added_tokens if not t.normalized])
        self.normalized = TokenFinder(normalized_tokens(spec))

    def encode(self, text: str) -> Encoding:
        """Return the tokens of a text, without template, truncation or padding."""
        raw = encode_utf8(text)
        builder = _Builder(raw, self._tokens)
        whole = Strings(padded(raw), np.array([0, len(raw)], np.int64))
        for start, end, id in _pieces(len(raw), self.raw.find(whole)):
            if id >= 0:
                builder.add_token(id, raw[start:end], start, end)
            elif end > start:
                self._encode_piece(raw[start:end], start, builder)
        return builder.encoding()

    def _encode_piece(self, raw: bytes, shift: int, builder: "_Builder") -> None:
        aligned = normalize_aligned(Strings.from_list([raw]), self.spec.words)
        text = Prepared(aligned.texts.data, aligned.sources + shift)
        for start, end, id in _pieces(len(text), self.normalized.find(aligned.texts)):
            if id >= 0:
                token = text.data[start:end].tobytes()
                builder.add_token(id, token, text.sources[start], text.sources[end - 1], last=True)
            elif end - start == len(text):
                self._encode_words(text, builder)
            elif end > start:
                self._encode_words(text.part(start, end), builder)

    def _encode_words(self, text: Prepared, builder: "_Builder") -> None:
        if self.spec.words.add_prefix_space and text.data[0] != ord(" "):
            text = text.with_space()
        position = 0
        room = min(len(text), _WORDS)
        while position < len(text):
            starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
            position, count = word_spans(text.data, position, len(text), self._split, starts, ends)
            starts, ends = starts[:count], ends[:count]
            builder.add_words(text, starts, *self.engine.encode_spans(text.data, starts, ends))


def encode_utf8(text: str) -> bytes:
    """Return the UTF-8 of a string.

    Raises
    ------
    InputError
        If it holds a lone surrogate, naming where.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text has a lone surrogate U+{ord(text[error.start]):04X} "
            f"at character {error.start}",
            hint="It is half a character: read the text with errors='replace'.",
        ) from error


def _pieces(size: int, matches: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield what stands between added tokens, with id -1, and the tokens themselves."""
    here = 0
    for start, end, id in matches.tolist():
        yield here, start, -1
        yield start, end, id
        here = end
    yield here, size, -1


class _Builder:
    """Collects tokens with the bytes they stand for; turns bytes into characters at the end."""

    def __init__(self, raw: bytes, tokens: list[str]) -> None:
        self._data, self._tokens = np.frombuffer(raw, np.uint8), tokens
        self._before: NDArray[np.int64] | None = None  # characters before each byte
        self._ids: list[NDArray[np.int32]] = []
        self._starts: list[NDArray[np.int64]] = []
        self._ends: list[NDArray[np.int64]] = []
        self._words: list[NDArray[np.int64]] = []
        self._word = 0
        self._count = 0
        self._named: dict[int, str] = {}  # tokens that show the text they were found as

    def add_token(self, id: int, text: bytes, start: int, end: int, *, last: bool = False) -> None:
        """Add one added token, a word of its own, under the text that it was found as.

        With `last`, `end` is where its last character begins.
        """
        ends = np.array([end], np.int64)
        self._named[self._count] = text.decode()
        self._count += 1
        self._ids.append(np.array([id], np.int32))
        self._starts.append(np.array([start], np.int64))
        self._ends.append(self._character_ends(ends) if last else ends)
        self._words.append(np.array([self._word], np.int64))
        self._word += 1

    def add_words(
        self,
        text: Prepared,
        starts: NDArray[np.int64],
        counts: NDArray[np.int32],
        ids: NDArray[np.int32],
        ends: NDArray[np.int64],
    ) -> None:
        """Add the pieces of words; a piece begins where the one before ends, or its word does."""
        words = np.repeat(np.arange(len(starts)), counts)
        first = np.concatenate([[0], np.cumsum(counts)])[:-1][counts > 0]
        begins = np.empty(len(ids), np.int64)
        begins[1:] = ends[:-1]
        begins[first] = starts[counts > 0]
        self._ids.append(ids)
        self._count += len(ids)
        self._starts.append(text.sources[begins])
        self._ends.append(self._character_ends(text.sources[ends - 1]))
        self._words.append(words + self._word)
        self._word += len(starts)

    def encoding(self) -> Encoding:
        """Return all tokens, with offsets in characters."""
        if not self._ids:
            return Encoding()
        ids = np.concatenate(self._ids).tolist()
        starts, ends = (self._characters(np.concatenate(x)) for x in (self._starts, self._ends))
        n, tokens = len(ids), [self._tokens[id] for id in ids]
        for place, text in self._named.items():
            tokens[place] = text
        return Encoding(
            ids=ids,
            tokens=tokens,
            offsets=list(zip(starts, ends, strict=True)),
            word_ids=np.concatenate(self._words).tolist(),
            type_ids=[0] * n,
            attention_mask=[1] * n,
            special_tokens_mask=[0] * n,
            sequence_ids=[0] * n,
        )

    def _character_ends(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return places + character_widths(self._data[places])

    def _characters(self, positions: NDArray[np.int64]) -> list[int]:
        """Return how many characters stand before each byte position."""
        if self._before is None:
            self._before = np.concatenate([[0], np.cumsum((self._data & 0xC0) != 0x80)])
        return self._before[positions].tolist()
