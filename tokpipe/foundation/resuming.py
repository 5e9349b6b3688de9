"""Interrupted work: what it was begun from, and after which errors it can be gone on with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import (
    ArtifactError,
    ClusterError,
    MemoryLimitError,
    StoreError,
)
from tokpipe.foundation.small_files import read_small_file

UNFINISHED = ".unfinished"  # in a working folder: what is no content, but needed to go on
IDENTITY = ".tokpipe-resume.json"  # in a working folder: what it is being made from
_MOST_IDENTITY = 64 << 20  # bytes: room for the digests of half a million inputs
_MOST_SHOWN = 60  # characters of a setting in a message


def can_go_on(error: BaseException) -> bool:
    """Return whether what was done when an error came up is kept."""
    interrupted = not isinstance(error, Exception)
    kept = MemoryError | MemoryLimitError | ArtifactError | ClusterError | StoreError
    return interrupted or isinstance(error, kept)


def found_identity(partial: Path) -> Any:
    """Return from what the work in a folder was begun; None if nobody can go on with it."""
    try:
        found = json.loads(read_small_file(partial / IDENTITY, _MOST_IDENTITY))
        return found if isinstance(found, dict) else None
    except (FileNotFoundError, ValueError, RecursionError, ArtifactError):
        return None


def refuse_other_identity(partial: str, found: Any, identity: Any) -> None:
    """Refuse (`ArtifactError`) work that was begun from something else; `partial` is its folder."""
    difference = first_difference(found, json.loads(json.dumps(identity)))
    if difference is None:
        return
    key, before, now = difference
    target = partial.removeprefix(".").removesuffix(".partial")
    raise ArtifactError(
        f"{target}: interrupted work was begun with {key} = {brief_json(before)}, "
        f"now it is {brief_json(now)}",
        hint="Run the same command as before to go on, or pass --force to start over.",
    )


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


def brief_json(value: Any) -> str:
    """Write a setting as JSON for a message: of a long one, the beginning."""
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
