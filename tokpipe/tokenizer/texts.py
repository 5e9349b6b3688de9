"""What callers give as texts and ids: the door of the public functions."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError, InputError

_SHOWN = 40  # characters or elements of a value in a message: half a line


class Inputs(NamedTuple):
    """What is to be encoded, R texts or pairs of texts."""

    # `texts`, `pairs`: texts; or the words of each. None: there are no pairs
    texts: list[Any]
    pairs: list[Any] | None = None

    @classmethod
    def of(cls, texts: list[Any], pairs: list[Any] | None) -> "Inputs":
        """Put pairs beside texts.

        Raises
        ------
        ConfigError
            If there are not as many.
        """
        if pairs is not None and len(pairs) != len(texts):
            raise ConfigError(f"{len(texts)} texts and {len(pairs)} pairs: as many are needed")
        return cls(texts, pairs)

    @property
    def are_split(self) -> bool:
        """Whether the words of each text are given."""
        return bool(self.texts) and not isinstance(self.texts[0], str)

    @property
    def per_row(self) -> int:
        """How many texts belong together."""
        return 1 if self.pairs is None else 2

    @property
    def rows(self) -> list[Any]:
        """The texts, or each with its pair."""
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))

    def utf8(self) -> tuple[list[bytes], NDArray[np.int64]]:
        """Return all texts, or words, pairs behind their texts; and how many each text has.

        Raises
        ------
        InputError
            If one holds a lone surrogate, naming where.
        """
        texts = self.texts if self.pairs is None else [text for row in self.rows for text in row]
        counts = np.ones(len(texts), np.int64)
        if self.are_split:
            counts = np.fromiter(map(len, texts), np.int64, len(texts))
            texts = [word for text in texts for word in text]
        try:
            return [text.encode() for text in texts], counts
        except UnicodeEncodeError as error:
            number = next(i for i, text in enumerate(texts) if _has_surrogate(text))
            raise InputError(
                f"{self._place(number, counts)} has a lone surrogate "
                f"U+{ord(error.object[error.start]):04X} at character {error.start}",
                hint="It is half a character: read the text with errors='replace'.",
            ) from error

    def _place(self, number: int, counts: NDArray[np.int64]) -> str:
        """Name a text or word by its number among all."""
        text = int(np.searchsorted(np.cumsum(counts), number, side="right"))
        row, side = divmod(text, self.per_row)
        one, many = (
            ("the second text", f"pair {row + 1}") if side else ("the text", f"text {row + 1}")
        )
        place = one if len(self.texts) == 1 else many
        word = number - int(counts[:text].sum()) + 1
        return f"{place}, word {word}," if self.are_split else place


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def single_input(text: Any, pair: Any) -> Inputs:
    """Return one text, or a pair of texts.

    Raises
    ------
    InputError
        If one is no string.
    """
    for name, given in (("text", text), ("pair", pair)):
        if not isinstance(given, str) and not (given is None and name == "pair"):
            raise InputError(
                f"{name}: {described(given)}, a string is needed",
                hint="encode_batch takes lists of texts.",
            )
    return Inputs([text], None if pair is None else [pair])


def strings_of(texts: Any, what: str = "text") -> list[str]:
    """Return texts as a list, whatever they are given as: a list, a generator, an array.

    Raises
    ------
    InputError
        If it is one string, or something in it is none, naming which and what it is.
    """
    found = list_of(texts, what, "strings", "Put one text into a list, or take encode for it.")
    for number, text in enumerate(found, 1):
        if not isinstance(text, str):
            raise InputError(f"{what} {number} is {described(text)}: strings are needed")
    return found


def split_inputs_of(words: Any, pair: Any) -> tuple[Inputs, bool]:
    """Return the words of one text or of many, and of their pairs; and whether it is one text.

    Raises
    ------
    InputError
        If there are no words where they should be, naming where and what is there.
    """
    words = list_of(words, "word", "strings", "Split it: text.split(), or take encode for it.")
    is_one = not words or isinstance(words[0], str)
    texts = [strings_of(words, "word")] if is_one else _split_texts(words, "text")
    if pair is None:
        return Inputs(texts), is_one
    pairs = [strings_of(pair, "pair's word")] if is_one else _split_texts(pair, "pair")
    return Inputs.of(texts, pairs), is_one


def _split_texts(texts: Any, what: str) -> list[list[str]]:
    texts = list_of(texts, what, "lists of words", "Put the words of each text into a list.")
    return [strings_of(text, f"{what} {number}, word") for number, text in enumerate(texts, 1)]


def pairs_of(pairs: Any) -> list[tuple[str, str]]:
    """Return pairs of texts as a list, whatever they are given as.

    Raises
    ------
    InputError
        If one is no pair, or holds something else than texts, naming which and what it is.
    """
    found = list_of(pairs, "pair", "pairs of texts", "Put one pair into a list.")
    for number, pair in enumerate(found, 1):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"pair {number} is {described(pair)}: two texts are needed")
        strings_of(pair, f"pair {number}: text")
    return [(one, two) for one, two in found]


def list_of(values: Any, what: str, needed: str, hint: str) -> list[Any]:
    """Return what is given many of as a list: of a list, a generator, an array.

    Raises
    ------
    InputError
        If it is one string, or nothing that can be gone through.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InputError(f"{what}s: {described(values)}, a list of {needed} is needed", hint=hint)
    return list(values)


def ids_of(ids: Any, vocab_size: int, place: str = "") -> list[int]:
    """Return ids as a list of integers that the vocabulary has.

    Raises
    ------
    InputError
        If something is no id, naming where it stands and what it is.
    """
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise InputError(f"{place}{described(ids)}, a list of ids is needed")
    if isinstance(ids, np.ndarray) and ids.dtype.kind in "iu" and ids.ndim == 1:
        found = ids.tolist()
    else:
        found = list(ids)
    for number, id in enumerate(found, 1):
        if isinstance(id, bool | np.bool_) or not isinstance(id, int | np.integer):
            raise InputError(f"{place}id {number} is {described(id)}: whole numbers are needed")
        if not 0 <= id < vocab_size:
            raise InputError(
                f"{place}id {number} is {id}, the vocabulary has the ids 0 to {vocab_size - 1:,}",
                hint="Leave out what is no token, such as labels of -100.",
            )
    return list(map(int, found))


def id_lists_of(batch: Any, vocab_size: int) -> list[list[int]]:
    """Return many lists of ids; see `ids_of`."""
    if isinstance(batch, str | bytes) or not isinstance(batch, Iterable):
        raise InputError(f"{described(batch)}, a list of lists of ids is needed")
    return [ids_of(ids, vocab_size, f"list {number}: ") for number, ids in enumerate(batch, 1)]


def check_count(name: str, value: Any, least: int = 0) -> None:
    """Refuse a setting that is no whole number from the least allowed one on.

    Raises
    ------
    ConfigError
        Naming it.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ConfigError(f"{name}={short(value)}: a whole number from {least} on is needed")


def described(value: Any) -> str:
    """Name a value for a message: ``a float (nan)``, ``a list (['a'])``."""
    name = type(value).__name__
    article = "an" if name[0] in "aeio" else "a"
    return "None" if value is None else f"{article} {name} ({short(value)})"


def short(value: Any) -> str:
    """Write a value, or its beginning where it is long."""
    if isinstance(value, str | bytes | list) and len(value) > _SHOWN:
        return repr(value[:_SHOWN])[: 2 * _SHOWN] + "..."
    text = repr(value)
    return text if len(text) <= 2 * _SHOWN else text[: 2 * _SHOWN] + "..."
