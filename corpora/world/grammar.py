"""From a pattern to a sentence: choices, slots, articles, capitals, numbers, lists, verb forms.

A pattern is text with choices in brackets and slots in braces::

    "[Early|Late] in the {day.part} {p} [went|walked] to {p.his} {p.trade.place}."

Choices nest; an empty choice is allowed (``[ very|]``). A slot is a name with attributes.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from corpora.world.draws import Draws

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_]+)((?:\.[a-z_]+)*)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]|un(?!i)|u[^ns]|hour|honest|eight)")
_SENTENCE = re.compile(r'(^["“]?|[.!?] "?|\." )([a-z])')
_ONES = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


class Verb(NamedTuple):
    """A verb in its four forms and what follows it: bake/bakes/baked/baking + bread."""

    base: str
    third: str
    past: str
    ing: str

    def __str__(self) -> str:
        return self.base


def verb(text: str) -> Verb:
    """Read ``"taste/tastes/tasted/tasting it and add/adds/added/adding salt"``."""
    words = [word.split("/") if word.count("/") == 3 else [word] * 4 for word in text.split()]
    return Verb(*(" ".join(form) for form in zip(*words, strict=True)))


def expand(pattern: str, draws: Draws, **slots: Any) -> str:
    """Draw one sentence (or several) of the pattern.

    Parameters
    ----------
    pattern
        Text with ``[choices|in brackets]`` and ``{slots.in.braces}``.
    draws
        Where the choices come from.
    slots
        What the slot names stand for.
    """
    while "[" in pattern or "{" in pattern:
        while "[" in pattern:
            pattern = _CHOICE.sub(lambda match: draws.pick(match[1].split("|")), pattern)
        pattern = _SLOT.sub(lambda match: _fill(match, slots), pattern)  # may bring new choices
    return polish(pattern)


def polish(text: str) -> str:
    """Set a/an, the capital after each full stop, and single spaces."""
    text = re.sub(r" {2,}", " ", text).strip()
    text = _ARTICLE.sub(r"\1n ", text)
    return _SENTENCE.sub(lambda match: match[1] + match[2].upper(), text)


def number(value: int) -> str:
    """Return a number from 0 to 999 in words.

    Examples
    --------
    >>> number(42), number(105)
    ('forty-two', 'one hundred and five')
    """
    if value < 20:
        return _ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(value, 100)
    return f"{_ONES[hundreds]} hundred" + (f" and {number(rest)}" if rest else "")


def coins(value: int) -> str:
    """Return a price in words: one coin, seven coins."""
    return "one coin" if value == 1 else f"{number(value)} coins"


def listing(items: Sequence[object], word: str = "and") -> str:
    """Join items as a sentence does: a, b and c."""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def _fill(match: re.Match[str], slots: dict[str, Any]) -> str:
    value = slots[match[1]]
    for name in filter(None, match[2].split(".")):
        value = getattr(value, name)
    return str(value)
