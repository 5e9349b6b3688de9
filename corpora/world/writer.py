"""The page that a document is written on."""

from typing import Any

from corpora.world.draws import Draws
from corpora.world.grammar import expand

Pattern = str | list[str]


class Writer:
    """Paragraphs in the making; a pattern may be a list, of which one is drawn.

    Parameters
    ----------
    draws
        Where all choices of the document come from.
    slots
        What the slot names of the patterns stand for.
    """

    def __init__(self, draws: Draws, **slots: Any) -> None:
        self.draws = draws
        self.slots = slots
        self.paragraphs: list[str] = []

    def set(self, **slots: Any) -> None:
        """Add or replace slots."""
        self.slots.update(slots)

    def say(self, *patterns: Pattern) -> str:
        """Return the sentences of the patterns, joined by spaces."""
        drawn = (self.draws.pick(p) if isinstance(p, list) else p for p in patterns)
        return " ".join(filter(None, (expand(p, self.draws, **self.slots) for p in drawn)))

    def write(self, *patterns: Pattern) -> None:
        """Add a paragraph (none, if every pattern came out empty)."""
        text = self.say(*patterns)
        if text:
            self.paragraphs.append(text)

    def maybe(self, pattern: Pattern, part: int = 1, whole: int = 2) -> Pattern:
        """Return the pattern in `part` of `whole` cases, else an empty one."""
        return pattern if self.draws.chance(part, whole) else ""
