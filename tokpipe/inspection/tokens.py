"""What a tokenizer makes of a text, as plain rows: tokens, ids, offsets, words, counts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokpipe.inspection.readable import PLAIN, Part, TokenForm, parts_of, readable
from tokpipe.tokenizer.encoding import Encoding


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of a text."""

    id: int
    token: str
    parts: tuple[Part, ...]
    source: str  # the text that it stands for; empty for special tokens
    # `start`, `end`: where that text stands, in characters
    start: int
    end: int
    # number of its word, counted from 0 through the whole text, or None for special tokens
    word: int | None
    begins_word: bool  # whether it is the first of its word
    special: bool
    unknown: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    """A text under one tokenizer: its rows, and what they add up to (special tokens left out)."""

    name: str
    about: str
    rows: tuple[TokenRow, ...]
    tokens: int
    words: int
    unknown: int
    characters: int
    bytes: int

    @property
    def tokens_per_word(self) -> float:
        """Tokens a word, or 0 where there is no word."""
        return self.tokens / self.words if self.words else 0.0

    @property
    def bytes_per_token(self) -> float:
        """UTF-8 bytes of text a token, or 0 where there is no token."""
        return self.bytes / self.tokens if self.tokens else 0.0


def view_tokens(
    name: str,
    about: str,
    encoding: Encoding,
    texts: Sequence[str],
    form: TokenForm = PLAIN,
) -> TokenView:
    """Lay out an encoding of one text, or of the two texts of a pair, as rows.

    `name` is what the tokenizer is called, `about` one phrase on it, for the heading.
    """
    rows: list[TokenRow] = []
    word, last = -1, None
    for index, sequence in enumerate(encoding.sequence_ids):
        place = None if sequence is None else (sequence, encoding.word_ids[index])
        begins = place is not None and place != last
        word, last = word + begins, place
        text = "" if sequence is None else texts[sequence]
        rows.append(_row(encoding, index, text, word if place else None, begins, form))
    plain = [row for row in rows if row.word is not None]
    return TokenView(
        name=name,
        about=about,
        rows=tuple(rows),
        tokens=len(plain),
        words=word + 1,
        unknown=sum(row.unknown for row in plain),
        characters=sum(map(len, texts)),
        bytes=sum(len(text.encode("utf-8", "surrogatepass")) for text in texts),
    )


def tokens_json(view: TokenView, form: TokenForm = PLAIN) -> dict[str, Any]:
    """Return a view as JSON types."""
    return {
        "tokenizer": view.name,
        "about": view.about,
        "tokens": [_row_json(row, form) for row in view.rows],
        "counts": {
            "tokens": view.tokens,
            "words": view.words,
            "unknown": view.unknown,
            "characters": view.characters,
            "bytes": view.bytes,
            "tokens_per_word": round(view.tokens_per_word, 4),
            "bytes_per_token": round(view.bytes_per_token, 4),
        },
    }


def _row_json(row: TokenRow, form: TokenForm) -> dict[str, Any]:
    fields = {key: value for key, value in asdict(row).items() if key not in ("parts", "source")}
    return fields | {"text": readable(row.token, form), "source": row.source}


def _row(
    encoding: Encoding,
    index: int,
    text: str,
    word: int | None,
    begins_word: bool,
    form: TokenForm,
) -> TokenRow:
    token, id, (start, end) = encoding.tokens[index], encoding.ids[index], encoding.offsets[index]
    unknown = word is not None and (token == form.unk_token or id == form.unk_id)
    if unknown and form.unk_token:
        token = form.unk_token  # Unigram gives the text itself
    return TokenRow(
        id=id,
        token=token,
        parts=tuple(parts_of(token, form)),
        source=text[start:end],
        start=start,
        end=end,
        word=word,
        begins_word=begins_word,
        special=word is None or (token in form.special_tokens and not unknown),
        unknown=unknown,
    )
