"""What an item has made: files in a folder or store that all see, named by the item, and whole.

Beside the files of an item stands ``NAME.json``, put there last: what they are, and the small facts
that the coordinator asks for. Whoever is to make the same item again finds it, looks whether every
byte is as it was, and makes nothing. Files have their own hash in their names: where two workers
make the same item, because one was believed to be lost, neither writes over what the other has
promised.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import describe_file
from tokpipe.foundation.shared_files import (
    at_hand,
    scratch_for,
    size_of,
    write_shared_json,
    written_whole,
)
from tokpipe.foundation.small_files import read_small_file

ITEMS = "items"  # the folder of them, in an unfinished one
_MOST_BYTES = 64 << 20  # of an entry
_NAME_DIGITS = 16  # of a hash in the name of a file


@dataclass(frozen=True, slots=True)
class Made:
    """What an item has made.

    Attributes
    ----------
    files
        Name in the folder of the items, bytes and sha256 of each.
    facts
        Plain JSON: what else the coordinator is to know.
    """

    files: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]


def item_name(kind: str, **follows_from: Any) -> str:
    """Return the name of an item: a hash of all that its result follows from, plain JSON."""
    text = json.dumps({"kind": kind, **follows_from}, sort_keys=True, separators=(",", ":"))
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def made_once(
    folder: Path, name: str, make: Callable[[Path], tuple[Sequence[Path], Mapping[str, Any]]]
) -> Made:
    """Return what an item has made; `make` is called only where that is not there, and whole.

    Parameters
    ----------
    folder
        The folder of the items; it must be there already: who does not see it must not make it.
    make
        Called with an empty folder of its own; returns the files that it has put there, and facts.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    entry = folder / f"{name}.json"
    found = _found(entry)
    if found is not None:
        return found
    with scratch_for(folder) as scratch:
        paths, facts = make(scratch)
        made = Made([_put(path, folder, name) for path in paths], facts)
        write_shared_json(entry, asdict(made))
    return made


def _put(path: Path, folder: Path, name: str) -> dict[str, Any]:
    """Move a file to its place, all of it on the disk, and describe it."""
    described = describe_file(path)
    ending = "".join(path.suffixes[-2:])
    target = folder / f"{name}-{described['sha256'][:_NAME_DIGITS]}{ending}"
    with written_whole(target) as draft:
        path.replace(draft)
    return {"name": target.name, **described}


def _found(entry: Path) -> Made | None:
    """Return what an entry says, if its files are as it says."""
    try:
        with at_hand(entry) as path:
            content = json.loads(read_small_file(path, _MOST_BYTES))
        made = Made(**content)
        whole = all(_is_whole(entry.parent, described) for described in made.files)
    except (OSError, ValueError, TypeError, KeyError, ArtifactError):
        return None
    return made if whole else None


def _is_whole(folder: Path, described: Mapping[str, Any]) -> bool:
    path = folder / described["name"]
    if size_of(path) != described["bytes"]:
        return False
    if address_of(path) is not None:  # no half of an object is ever there
        return True
    return describe_file(path)["sha256"] == described["sha256"]
