r"""Tokens as a person can read them: byte-level text decoded, spaces and hidden characters shown.

A token is shown as a list of parts, each of one kind, so that a terminal (or a page) may choose
the sign and the colour of a kind, and no text of a token is ever read as markup:

    text     characters as they are
    space    one space; shown as ·
    byte     a byte that is no whole character here; "C3", shown as ‹C3›
    escape   a character that would act or hide, as its escape: ESC as \x1b
    mark     a combining mark with no letter before it; shown on a dotted circle
    affix    what the vocabulary adds to say where in a word a token stands: ##, </w>
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tokpipe.foundation.visible import escape_of, visible
from tokpipe.vocab.vocabulary import CHAR_TO_BYTE


class Part(NamedTuple):
    """A run of one kind within a token; `kind` as in the module's docstring."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TokenForm:
    """How a vocabulary writes its tokens."""

    # tokens are bytes, written in GPT-2's 256 printable characters ("Ã¥" is å, "Ġ" a space)
    byte_level: bool = False
    prefix: str = ""  # begins a token that goes on with a word ("##"), or empty
    suffix: str = ""  # ends a token that ends a word ("</w>"), or empty
    space: str = ""  # the character that stands for a space ("▁"), or empty
    # tokens that are written as they are: special and added ones
    special_tokens: frozenset[str] = frozenset()
    # `unk_token`, `unk_id`: the one that stands for text that the vocabulary has no token for, if
    # there is one
    unk_token: str | None = None
    unk_id: int | None = None


PLAIN = TokenForm()
SPACE = "·"
_SIGNS = {"space": SPACE, "byte": "‹{}›", "mark": "◌{}"}
_PLACEHOLDER = re.compile(r"\[unused\d+\]|<[|/]?[\w-]+\|?>|madeupword\d+")


def parts_of(token: str, form: TokenForm = PLAIN) -> list[Part]:
    r"""Split a token, as its vocabulary file writes it, into parts that can be shown.

    Examples
    --------
    >>> parts_of("Ġna\u00c3\u00afve", TokenForm(byte_level=True))
    [Part(kind='space', text=' '), Part(kind='text', text='naïve')]
    >>> parts_of("##s", TokenForm(prefix="##"))
    [Part(kind='affix', text='##'), Part(kind='text', text='s')]
    """
    if token in form.special_tokens or token == form.unk_token:
        form = PLAIN
    before, body, after = _cut_affixes(token, form)
    parts = [Part("affix", visible(before))] if before else []
    raw = token_bytes(body) if form.byte_level else None
    if raw is not None:
        parts += _parts_of_bytes(raw)
    else:
        parts += _parts_of_text(body.replace(form.space, " ") if form.space else body)
    return [*parts, Part("affix", visible(after))] if after else parts


def readable(token: str, form: TokenForm = PLAIN) -> str:
    r"""Return a token as one line of text, its spaces kept: for JSON and for sorting.

    Examples
    --------
    >>> readable("Ġ\u00c3", TokenForm(byte_level=True))
    ' ‹C3›'
    """
    return "".join(
        f"‹{part.text}›" if part.kind == "byte" else part.text for part in parts_of(token, form)
    )


def signed(token: str, form: TokenForm = PLAIN) -> str:
    r"""Return a token as one line of text, with signs for what would not be seen.

    Examples
    --------
    >>> signed("Ġ\u00c3", TokenForm(byte_level=True)), signed("\u0301a") == "◌\u0301a"
    ('·‹C3›', True)
    """
    return "".join(_SIGNS.get(kind, "{}").format(text) for kind, text in parts_of(token, form))


def body_of(token: str, form: TokenForm) -> str:
    """Return the text that a token stands for, without its affixes; bad bytes as U+FFFD.

    Examples
    --------
    >>> body_of("##ing", TokenForm(prefix="##"))
    'ing'
    """
    body = _cut_affixes(token, form)[1]
    if form.space:
        body = body.replace(form.space, " ")
    raw = token_bytes(body) if form.byte_level else None
    return body if raw is None else raw.decode("utf-8", "replace")


def is_placeholder(token: str) -> bool:
    """Say whether a token is kept free on purpose, as BERT's are.

    Examples
    --------
    >>> is_placeholder("[unused7]"), is_placeholder("unused")
    (True, False)
    """
    return _PLACEHOLDER.fullmatch(token) is not None


def token_bytes(token: str) -> bytes | None:
    """Return the bytes of a byte-level token, or None if it holds a character of no byte."""
    try:
        return bytes(CHAR_TO_BYTE[character] for character in token)
    except KeyError:
        return None


def _cut_affixes(token: str, form: TokenForm) -> tuple[str, str, str]:
    before = form.prefix if form.prefix and token.startswith(form.prefix) else ""
    if before == token:  # the token "##" itself, two number signs
        before = ""
    body = token[len(before) :]
    after = form.suffix if form.suffix and body.endswith(form.suffix) else ""
    return before, body[: len(body) - len(after)], after


def _parts_of_bytes(raw: bytes) -> Iterator[Part]:
    """Decode as far as it goes; each byte that belongs to no whole character stands alone."""
    start = 0
    while start < len(raw):
        try:
            yield from _parts_of_text(raw[start:].decode())
            return
        except UnicodeDecodeError as error:
            yield from _parts_of_text(raw[start : start + error.start].decode())
            bad = raw[start + error.start : start + error.end]
            yield from (Part("byte", f"{byte:02X}") for byte in bad)
            start += error.end


def _parts_of_text(text: str) -> Iterator[Part]:
    run = ""
    for index, character in enumerate(text):
        kind = _kind_of(character, first=index == 0)
        if kind == "text":
            run += character
            continue
        if run:
            yield Part("text", run)
            run = ""
        yield Part(kind, escape_of(character) if kind == "escape" else character)
    if run:
        yield Part("text", run)


def _kind_of(character: str, *, first: bool) -> str:
    if character == " ":
        return "space"
    if "!" <= character <= "~":
        return "text"
    category = unicodedata.category(character)
    if category[0] in "ZC" and category not in ("Co", "Cn") and character not in _INKED_FORMATS:
        return "escape"
    if visible(character) != character or character == SPACE:  # it would be taken for a space
        return "escape"
    if category[0] == "M" and first:
        return "escape" if character in _VARIATION_SELECTORS else "mark"
    return "text"


_VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_INKED_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
