"""A JSON value that knows where it stands, so that every complaint can name the place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokpipe.tokenizer.findings import ERROR, WARNING, Finding, FoundError

MOST_INTEGER = 2**31 - 1  # ids and lengths are int32
MOST_TEXT = 1 << 20  # characters of one string: far more than a token or a pattern has
MOST_TOKENS = 1_000_000  # four times those of the largest vocabularies in use
MOST_ID = (1 << 21) - 1  # a list of so many tokens, holes included, takes 16 MB
MOST_PARTS = 64  # of a sequence; files in use have up to 20


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document."""

    value: Any  # what `json.loads` made of it
    place: str  # ``tokenizer.json: model.merges[17]``

    def error(self, problem: str, hint: str = "") -> FoundError:
        """Make the error that says `problem` about this place."""
        return FoundError(Finding(ERROR, self.place.removesuffix(":"), problem, hint))

    def warning(self, problem: str, hint: str = "") -> Finding:
        """Make the finding that says `problem` about this place, and refuses nothing."""
        return Finding(WARNING, self.place.removesuffix(":"), problem, hint)

    @property
    def absent(self) -> bool:
        """Whether the value is null or was not given."""
        return self.value is None

    def child(self, key: str) -> "Node":
        """Return the value under `key` of an object; null if it has none."""
        if not isinstance(self.value, dict):
            raise self.error(f"{describe(self.value)}, an object is needed")
        joint = " " if self.place.endswith(":") else "."  # behind the name of the file
        return Node(self.value.get(key), f"{self.place}{joint}{key}")

    def items(self, most: int) -> Iterator["Node"]:
        """Yield the elements of a list of at most `most`."""
        if not isinstance(self.value, list):
            raise self.error(f"{describe(self.value)}, a list is needed")
        if len(self.value) > most:
            raise self.error(f"{len(self.value):,} elements, at most {most:,} are allowed")
        return (Node(value, f"{self.place}[{i}]") for i, value in enumerate(self.value))

    def text(self, key: str, default: str | None = None) -> str:
        """Return the string under `key`."""
        return self._value(key, str, default).text_value()

    def text_or_none(self, key: str) -> str | None:
        """Return the string under `key`, or None for null."""
        return None if self.child(key).absent else self.text(key)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return the boolean under `key`."""
        return self._value(key, bool, default).value

    def count(self, key: str, default: int | None = None, most: int = MOST_INTEGER) -> int:
        """Return the whole number under `key`, from 0 to `most`."""
        node = self._value(key, int, default)
        if not 0 <= node.value <= most:
            raise node.error(f"{short(node.value)}, allowed are 0 to {most:,}")
        return node.value

    def choice(self, key: str, *allowed: str) -> str:
        """Return the string under `key`, which is one of a few; the first if it is absent."""
        found = self.text(key, allowed[0])
        if found not in allowed:
            raise self.child(key).error(f"allowed are {', '.join(allowed)}")
        return found

    def text_value(self) -> str:
        """Return this value as a string of bounded length, free of lone surrogates."""
        if not isinstance(self.value, str):
            raise self.error(f"{describe(self.value)}, a string is needed")
        if len(self.value) > MOST_TEXT:
            raise self.error(f"{len(self.value):,} characters, at most {MOST_TEXT:,} are allowed")
        if not self.value.isascii() and any("\ud800" <= c <= "\udfff" for c in self.value):
            raise self.error("holds a lone surrogate, which is no character")
        return self.value

    def _value(self, key: str, kind: type, default: Any) -> "Node":
        node = self.child(key)
        if node.absent and default is not None:
            return Node(default, node.place)
        wrong = not isinstance(node.value, kind) or (kind is int and isinstance(node.value, bool))
        if wrong:
            name = {str: "a string", bool: "true or false", int: "a whole number"}[kind]
            raise node.error(f"{describe(node.value)}, {name} is needed")
        return node


def describe(value: Any) -> str:
    """Name a JSON value for a message: ``a list``, ``the number 3``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {short(value)}"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a string"


def short(value: Any) -> str:
    """Write a value in at most 40 characters; a huge integer is not written out."""
    if isinstance(value, int) and abs(value) > 10**30:
        return f"a number of {value.bit_length():,} bits"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
