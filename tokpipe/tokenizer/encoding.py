"""One encoded text or pair, as the field knows it, and how it is padded."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.roles import roles_of
from tokpipe.tokenizer.spec import Padding, Spec


class Columns(Protocol):
    """Many encodings, by columns."""

    def values(self, name: str, row: int) -> list:
        """Return one list of one encoding, new each time."""
        ...

    def windows(self, row: int) -> "list[Encoding]":
        """Return what overflowed from one encoding."""
        ...


@dataclass(slots=True)
class Encoding:
    """A text, or a pair of texts, as tokens; every list has one entry a token.

    Attributes
    ----------
    ids : list of int
    tokens : list of str
        As the vocabulary writes them: printable characters for bytes, ``##`` inside words.
    offsets : list of (int, int)
        Where in the text each token stands, in characters (code points); of a pair, in its own
        text; (0, 0) for special tokens.
    word_ids : list of int or None
        Which word (pre-token) of its text each token belongs to.
    type_ids : list of int
        ``token_type_ids``: 0 for the first text, 1 for the second (RoBERTa: 0 for both).
    attention_mask : list of int
        0 for padding, else 1.
    special_tokens_mask : list of int
        1 for what the template or padding added, else 0.
    sequence_ids : list of int or None
        0 for the first text, 1 for the second, None for special tokens.
    overflowing : list of Encoding
        With a stride: what truncation cut off, in windows.
    """

    ids: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)
    word_ids: list[int | None] = field(default_factory=list)
    type_ids: list[int] = field(default_factory=list)
    attention_mask: list[int] = field(default_factory=list)
    special_tokens_mask: list[int] = field(default_factory=list)
    sequence_ids: list[int | None] = field(default_factory=list)
    overflowing: list["Encoding"] = field(default_factory=list)
    _source: "tuple[Columns, int] | None" = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, columns: "Columns", row: int) -> "Encoding":
        """Return an encoding whose lists are made when they are first asked for."""
        encoding = cls.__new__(cls)
        encoding._source = (columns, row)
        return encoding

    def __getattr__(self, name: str) -> list:
        # Reached for what is not there: a list that was never asked for, or a misspelt name.
        if name not in LISTS and name != "overflowing":
            raise AttributeError(f"an Encoding has no {name!r}")
        columns, row = self._source or (None, 0)
        if columns is None:
            values = []
        else:
            values = columns.windows(row) if name == "overflowing" else columns.values(name, row)
        setattr(self, name, values)
        return values

    def __reduce__(self) -> tuple:  # a copy takes its lists along, not those of its whole batch
        return Encoding, (*(getattr(self, name) for name in LISTS), self.overflowing)

    def __len__(self) -> int:
        return len(self.ids)

    def token_to_sequence(self, token: int) -> int | None:
        """Return of which text a token is; None for special ones, and where there is none."""
        return self.sequence_ids[token] if 0 <= token < len(self) else None

    def token_to_word(self, token: int) -> int | None:
        """Return of which word of its text a token is."""
        return self.word_ids[token] if self.token_to_sequence(token) is not None else None

    def token_to_chars(self, token: int) -> tuple[int, int] | None:
        """Return where in its text a token stands; if words were given, where in its word."""
        return self.offsets[token] if self.token_to_sequence(token) is not None else None

    def word_to_tokens(self, word: int, sequence: int = 0) -> tuple[int, int] | None:
        """Return the first token of a word and the one behind it; None if it has none."""
        own = [t for t in self._tokens_of(sequence) if self.word_ids[t] == word]
        return (own[0], own[-1] + 1) if own else None

    def word_to_chars(self, word: int, sequence: int = 0) -> tuple[int, int] | None:
        """Return where in its text a word begins and ends, as far as it became tokens."""
        own = self.word_to_tokens(word, sequence)
        return (self.offsets[own[0]][0], self.offsets[own[1] - 1][1]) if own else None

    def char_to_token(self, char: int, sequence: int = 0) -> int | None:
        """Return the first token that stands over a character; if words were given, in any word."""
        spans = ((t, *self.offsets[t]) for t in self._tokens_of(sequence))
        return next((t for t, start, end in spans if start <= char < end), None)

    def char_to_word(self, char: int, sequence: int = 0) -> int | None:
        """Return the word of `char_to_token`."""
        token = self.char_to_token(char, sequence)
        return None if token is None else self.word_ids[token]

    def _tokens_of(self, sequence: int) -> list[int]:
        return [t for t, found in enumerate(self.sequence_ids) if found == sequence]


LISTS = tuple(f.name for f in fields(Encoding) if f.name not in ("overflowing", "_source"))


def pad(encodings: Sequence[Encoding], padding: Padding) -> None:
    """Fill encodings, and what overflowed from them, to one length, in place."""
    length = padding.length
    if length is None:
        length = max(map(len, encodings), default=0)
    length = whole_multiple(length, padding)
    for encoding in encodings:
        _pad_one(encoding, length, padding)


def padding_for(spec: Spec, asked: bool | int | None) -> Padding | None:
    """Return the padding that a caller asks for: a length, the longest, none, or the stored one.

    Raises
    ------
    ConfigError
        If it is no length, or there is no token to pad with.
    """
    if asked is None or asked is False:
        return spec.padding if asked is None else None
    if asked is not True and not (isinstance(asked, int) and asked >= 0):
        raise ConfigError(f"padding={asked}: a length from 0 on, True or False is needed")
    padding = spec.padding or _usual_padding(spec)
    return replace(padding, length=None if asked is True else asked)


def _usual_padding(spec: Spec) -> Padding:
    special = {token.content: token.id for token in spec.added_tokens if token.special}
    token = roles_of(spec).get("pad_token")
    if token is None:
        raise ConfigError(
            "the vocabulary has no token to pad with",
            hint="Train it with [PAD] or <pad> among --special-tokens.",
        )
    return Padding(pad_id=special[token], pad_token=token)


def whole_multiple(lengths: Any, padding: Padding) -> Any:
    """Return a length, or an array of them, as the next multiple that the padding asks for."""
    multiple = padding.multiple_of or 1
    return -(-lengths // multiple) * multiple


def _pad_one(encoding: Encoding, length: int, padding: Padding) -> None:
    n = max(0, length - len(encoding))
    filling = Encoding(
        [padding.pad_id] * n,
        [padding.pad_token] * n,
        [(0, 0)] * n,
        [None] * n,
        [padding.pad_type_id] * n,
        [0] * n,
        [1] * n,
        [None] * n,
    )
    parts = (filling, encoding) if padding.direction == "left" else (encoding, filling)
    for name in LISTS:
        setattr(encoding, name, [*getattr(parts[0], name), *getattr(parts[1], name)])
    for window in encoding.overflowing:
        _pad_one(window, length, padding)
