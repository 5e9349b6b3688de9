"""One encoded text or pair, and what is done to it: truncation, template, padding.

References
----------
huggingface/tokenizers: ``utils/truncation.rs``, ``processors/template.rs``,
``pre_tokenizers/byte_level.rs`` (``process_offsets``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.spec import Padding, Template, Truncation
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_SPACE_CHAR = BYTE_TO_CHAR[ord(" ")]


class Columns(Protocol):
    """Many encodings, by columns."""

    def values(self, name: str, row: int) -> list:
        """Return one list of one encoding, new each time."""
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
        if name not in _LISTS and name != "overflowing":
            raise AttributeError(f"an Encoding has no {name!r}")
        columns, row = self._source or (None, 0)
        values = columns.values(name, row) if columns and name in _LISTS else []
        setattr(self, name, values)
        return values

    def __reduce__(self) -> tuple:  # a copy takes its lists along, not those of its whole batch
        return Encoding, (*(getattr(self, name) for name in _LISTS), self.overflowing)

    def __len__(self) -> int:
        return len(self.ids)

    def window(self, start: int, end: int) -> "Encoding":
        """Return tokens `start` to `end` as an encoding of their own."""
        return Encoding(*(getattr(self, name)[start:end] for name in _LISTS))

    def append(self, other: "Encoding") -> None:
        """Add the tokens of another encoding behind these, and combine what overflowed.

        Every window of one is joined with every window of the other, in the order of Hugging
        Face's ``Encoding::merge_with``.
        """
        combined = []
        for window in self.overflowing:
            combined += [window.joined(part) for part in (other, *other.overflowing)]
        combined += [self.joined(part) for part in other.overflowing]
        for name in _LISTS:
            getattr(self, name).extend(getattr(other, name))
        self.overflowing = combined

    def joined(self, other: "Encoding") -> "Encoding":
        """Return a copy with the tokens of another encoding behind."""
        copy = self.window(0, len(self))
        copy.overflowing = [part.joined(Encoding()) for part in self.overflowing]
        copy.append(other)
        return copy


_LISTS = (
    "ids",
    "tokens",
    "offsets",
    "word_ids",
    "type_ids",
    "attention_mask",
    "special_tokens_mask",
    "sequence_ids",
)


def truncate(encoding: Encoding, length: int, stride: int | None, direction: str) -> Encoding:
    """Cut an encoding to `length` tokens; with a stride, the rest goes to windows of that length.

    Raises
    ------
    ConfigError
        If the stride is not below `length`.
    """
    if len(encoding) <= length:
        return encoding
    if stride is None:
        cut = len(encoding) - length
        return (
            encoding.window(cut, len(encoding))
            if direction == "left"
            else encoding.window(0, length)
        )
    if length == 0:
        cut = Encoding()
        cut.overflowing = [encoding]
        return cut
    if stride >= length:
        raise ConfigError(f"stride={stride} must be below the {length} tokens that a text may keep")
    windows = [encoding.window(a, b) for a, b in _windows(len(encoding), length, stride, direction)]
    first, *rest = windows
    first.overflowing = rest
    return first


def _windows(total: int, length: int, stride: int, direction: str) -> list[tuple[int, int]]:
    """Return the borders of windows that overlap by `stride`, the kept one first."""
    step, borders = length - stride, []
    if direction == "right":
        for start in range(0, total, step):
            borders.append((start, min(start + length, total)))
            if start + length >= total:
                break
        return borders
    for end in range(total, 0, -step):
        borders.append((max(end - length, 0), end))
        if end <= length:
            break
    return borders


def truncate_pair(
    first: Encoding, second: Encoding | None, truncation: Truncation, added: int
) -> tuple[Encoding, Encoding | None]:
    """Truncate one or two texts so that they fit with `added` special tokens.

    Raises
    ------
    ConfigError
        If the side that may be cut is not long enough, or is not there.
    """
    room = room_for(truncation.max_length, added)
    excess = len(first) + (len(second) if second else 0) - room
    if excess <= 0:
        return first, second
    stride, direction = truncation.stride, truncation.direction
    if room == 0:
        n1 = n2 = 0
    elif truncation.strategy == "longest_first":
        n1, n2 = _fair_lengths(len(first), len(second) if second else 0, room)
        if second is None:
            n1 = room
    else:
        n1, n2 = _one_sided(first, second, truncation.strategy, excess)
    shorter = truncate(first, n1, stride, direction)
    return shorter, truncate(second, n2, stride, direction) if second is not None else None


def room_for(max_length: int, added: int) -> int:
    """Return how many tokens of text fit beside `added` special ones.

    Raises
    ------
    ConfigError
        If not even those fit.
    """
    if max_length < added:
        raise ConfigError(f"max_length={max_length} cannot hold the {added} special tokens")
    return max_length - added


def _fair_lengths(n1: int, n2: int, room: int) -> tuple[int, int]:
    """Share the room: the shorter text keeps all it has if it needs at most half."""
    if n1 > n2:
        return _fair_lengths(n2, n1, room)[::-1]  # type: ignore[return-value]
    n2 = n1 if n1 > room else max(n1, room - n1)
    if n1 + n2 > room:
        return room // 2, room // 2 + room % 2
    return n1, n2


def _one_sided(
    first: Encoding, second: Encoding | None, strategy: str, excess: int
) -> tuple[int, int]:
    target = first if strategy == "only_first" else second
    if target is None:
        raise ConfigError(
            "truncation=only_second needs a second text", hint="Use longest_first or only_first."
        )
    if len(target) <= excess:
        raise ConfigError(
            f"truncation={strategy}: {excess} tokens are too many, that text has {len(target)}",
            hint="Use longest_first, or a greater max_length.",
        )
    n1, n2 = len(first), len(second) if second else 0
    return (n1 - excess, n2) if strategy == "only_first" else (n1, n2 - excess)


def space_counts(token: str) -> tuple[int, int]:
    """Return how many spaces begin and end a token of a byte-level vocabulary."""
    return len(token) - len(token.lstrip(_SPACES)), len(token) - len(token.rstrip(_SPACES))


def trim_spaces(encoding: Encoding, keeps_first: bool) -> None:
    """Leave the spaces that begin and end tokens out of their offsets (RoBERTa)."""
    for i, (token, (start, end)) in enumerate(zip(encoding.tokens, encoding.offsets, strict=True)):
        leading, trailing = space_counts(token)
        if not leading and not trailing:
            continue
        if keeps_first and leading and (i == 0 or start == 0):
            leading -= 1
        start = min(start + leading, end)
        if trailing and end >= trailing:
            end = max(end - trailing, start)
        encoding.offsets[i] = start, end


_SPACES = (
    _SPACE_CHAR
    + "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)


def apply_template(
    template: Template, first: Encoding, second: Encoding | None, add_special_tokens: bool
) -> Encoding:
    """Put special tokens around one text or two, and number their types."""
    if template.trim:
        for encoding in (first, second):
            if encoding:
                trim_spaces(encoding, template.trim_keeps_first)
    result = Encoding()
    for piece in template.single if second is None else template.pair:
        if piece.sequence:
            part = first if piece.sequence == "A" or second is None else second
            for window in (part, *part.overflowing):
                window.type_ids = [piece.type_id] * len(window)
                window.sequence_ids = [int(piece.sequence == "B")] * len(window)
            result.append(part)
        elif add_special_tokens:
            result.append(_special(piece.ids, piece.tokens, piece.type_id))
    return result


def _special(ids: Sequence[int], tokens: Sequence[str], type_id: int) -> Encoding:
    n = len(ids)
    none: list[int | None] = [None] * n
    return Encoding(
        list(ids), list(tokens), [(0, 0)] * n, none, [type_id] * n, [1] * n, [1] * n, none[:]
    )


def pad(encodings: Sequence[Encoding], padding: Padding) -> None:
    """Fill encodings, and what overflowed from them, to one length, in place."""
    length = padding.length
    if length is None:
        length = max(map(len, encodings), default=0)
    if padding.multiple_of and length % padding.multiple_of:
        length += padding.multiple_of - length % padding.multiple_of
    for encoding in encodings:
        for part in (encoding, *encoding.overflowing):
            _pad_one(part, length, padding)


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
    for name in _LISTS:
        setattr(encoding, name, [*getattr(parts[0], name), *getattr(parts[1], name)])
