"""JSON of strangers, parsed strictly: UTF-8, no key twice, no NaN, and an error that tells where.

What bounds the parser (size, depth, number of values) is the caller's to check before.
"""

import json
from collections.abc import Iterable
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible

_MOST_SHOWN = 200  # characters of a fault, or of a key in it


def parse_strictly(data: bytes, name: str, *, unique: bool = True, encoding: str = "utf-8") -> Any:
    """Parse JSON.

    Parameters
    ----------
    data
        The text.
    name
        Of its file, for the error message.
    unique
        Whether to refuse a key that stands twice in an object; to compare them keeps them all.
    encoding
        "utf-8", or "utf-8-sig" to pass over a byte order mark.

    Raises
    ------
    InputError
        If it is not valid.

    Examples
    --------
    >>> parse_strictly(b'{"a": [1, null]}', "x.json")
    {'a': [1, None]}
    """
    hook = _unique if unique else None
    try:
        text = data.decode(encoding)
        return json.loads(text, object_pairs_hook=hook, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte at offset {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON: {str(error)[:_MOST_SHOWN]}") from None


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    items = list(pairs)
    found = dict(items)
    if len(found) != len(items):
        seen: set[str] = set()
        twice = next(key for key, _ in items if key in seen or seen.add(key))
        raise ValueError(f"the key {visible(twice[:80])!r} stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON number")
