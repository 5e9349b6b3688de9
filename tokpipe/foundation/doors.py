"""What public functions let in: values of the kinds that they name, and errors that say which not.

A string is a sequence of strings to Python, and NaN is what pandas gives for a missing text: past
the door the one walks the disk letter by letter, and the other fails far from where it came in.
"""

import os
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import local_path, local_text
from tokpipe.foundation.errors import ConfigError, InputError

_LONGEST = 60  # characters of a value that are shown


def paths_of(name: str, values: Any) -> list[str]:
    """Return paths as strings, of any iterable of them.

    Raises
    ------
    InputError
        If it is one path, no iterable, or holds something else than paths; with its place.
    """
    is_path = isinstance(values, str | bytes | os.PathLike)
    if is_path or not isinstance(values, Iterable):
        raise InputError(
            f"{name} is {described(values)}; a list of paths is needed",
            hint=f"Put it into a list: [{_brief(values)}]." if is_path else "",
        )
    paths = []
    for i, value in enumerate(values):
        path = os.fspath(value) if isinstance(value, os.PathLike) else value
        if not isinstance(path, str):
            raise InputError(f"{name}[{i}] is {described(value)}; a path is needed, a string")
        paths.append(local_text(path))
    return paths


def path_of(name: str, value: Any) -> Path:
    """Return a path, given as one or as a string.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    require(name, value, str, os.PathLike, optional=False)
    return local_path(value)


def require(name: str, value: Any, *kinds: type, optional: bool = True) -> None:
    """Refuse a value that is none of some kinds; a bool is no number.

    Raises
    ------
    ConfigError
        Naming the value, what it is, and what is needed.
    """
    if value is None and optional:
        return
    # NumPy's whole numbers are no int, but say that they are numbers of that kind
    allowed = (*kinds, Integral) if int in kinds or float in kinds else kinds
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
        needed = " or ".join(_article(kind.__name__) for kind in kinds)
        raise ConfigError(f"{name} is {described(value)}; {needed} is needed")


def described(value: Any) -> str:
    """Return the kind of a value, and the value.

    Examples
    --------
    >>> described(float("nan"))
    'a float (nan)'
    """
    if value is None:
        return "None"
    return f"{_article(type(value).__name__)} ({_brief(value)})"


def _article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
