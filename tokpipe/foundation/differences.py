"""Where two nested JSON values differ: for refusing work that was begun with other settings."""

from collections.abc import Mapping
from typing import Any


def first_difference(found: Any, wanted: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """Return the path of the first difference of two JSON values and what stands there, or None.

    Examples
    --------
    >>> first_difference({"words": {"lowercase": True}}, {"words": {"lowercase": False}})
    ('words.lowercase', True, False)
    """
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for name in [*wanted, *(n for n in found if n not in wanted)]:
            inner = f"{key}.{name}" if key else str(name)
            below = first_difference(found.get(name), wanted.get(name), inner)
            if below is not None:
                return below
        return None
    return None if found == wanted and type(found) is type(wanted) else (key, found, wanted)
