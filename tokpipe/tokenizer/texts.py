"""What callers give as texts and ids: the door of the public functions."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tokpipe.foundation.errors import ConfigError, InputError

_SHOWN = 40  # characters of a value in a message


def strings_of(texts: Any, what: str = "text") -> list[str]:
    """Return texts as a list, whatever they are given as: a list, a generator, an array.

    Raises
    ------
    InputError
        If it is one string, or something in it is none, naming which and what it is.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise InputError(
            f"{what}s: {described(texts)}, a list of strings is needed",
            hint="Put one text into a list, or take encode for it.",
        )
    found = list(texts)
    for number, text in enumerate(found, 1):
        if not isinstance(text, str):
            raise InputError(f"{what} {number} is {described(text)}: strings are needed")
    return found


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


def check_count(name: str, value: Any, least: int = 0) -> None:
    """Refuse a setting that is no whole number from `least` on.

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
    """Write a value in at most 40 characters."""
    text = repr(value[:_SHOWN] if isinstance(value, str | bytes | list) else value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def utf8_of(texts: Sequence[str], pairs: Sequence[str] | None = None) -> Iterator[bytes]:
    """Yield the UTF-8 of each text, and behind it that of its pair, if there are pairs.

    Raises
    ------
    InputError
        If one holds a lone surrogate, naming where.
    """
    is_one = len(texts) == 1
    for number, text in enumerate(texts, 1):
        yield _utf8(text, "the text" if is_one else f"text {number}")
        if pairs is not None:
            yield _utf8(pairs[number - 1], "the second text" if is_one else f"pair {number}")


def _utf8(text: str, place: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place} has a lone surrogate U+{ord(text[error.start]):04X} "
            f"at character {error.start}",
            hint="It is half a character: read the text with errors='replace'.",
        ) from error
