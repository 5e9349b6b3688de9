"""JSON of strangers, parsed strictly: UTF-8, no key twice, no NaN, and an error that tells where.

What bounds the parser (size, depth, number of values) is the caller's to check before.
"""

import json
from collections.abc import Callable
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible

_MOST_SHOWN = 200  # characters of a fault, or of a key in it

Pairs = list[tuple[str, Any]]


def unique_object(pairs: Pairs) -> dict[str, Any]:
    """Make an object of its keys and values; a key that stands twice is a ValueError, naming it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {visible(twice[:80])!r} stands twice in one object")
    return found


def parse_strictly(
    data: bytes,
    name: str,
    *,
    objects: Callable[[Pairs], Any] | None = unique_object,
    encoding: str = "utf-8",
) -> Any:
    """Parse the JSON of the file `name`; what is not valid is an `InputError`.

    `objects` makes an object of its pairs; None takes the last of two equal keys, and to compare
    them keeps them all. The encoding "utf-8-sig" passes over a byte order mark.

    Examples
    --------
    >>> parse_strictly(b'{"a": [1, null]}', "x.json")
    {'a': [1, None]}
    """
    try:
        text = data.decode(encoding)
        return json.loads(text, object_pairs_hook=objects, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte at offset {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON: {fault_of(error)}") from None


def fault_of(error: ValueError | RecursionError) -> str:
    """Say in a few words why a parser (of JSON, of TOML) gave up.

    Examples
    --------
    >>> fault_of(RecursionError("maximum recursion depth exceeded"))
    'it is nested too deep'
    """
    return (
        "it is nested too deep" if isinstance(error, RecursionError) else str(error)[:_MOST_SHOWN]
    )


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON number")
