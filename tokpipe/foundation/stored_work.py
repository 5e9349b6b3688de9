"""Unfinished work in the store that its result is for: any machine goes on with it.

Of a folder it lies below ``OUT/.partial/``, of a file in ``.NAME.partial/`` beside it, laid out as
a working folder is: hidden from all who read, and removed when the result is there.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import Address, address_of
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.files import sync, write_json
from tokpipe.foundation.resuming import (
    IDENTITY,
    UNFINISHED,
    can_go_on,
    found_identity,
    refuse_other_identity,
)
from tokpipe.foundation.shared_files import at_hand
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.claims import CLAIM
from tokpipe.foundation.stores.copies import all_objects, fetch
from tokpipe.foundation.stores.places import stored_folder, temporary_place

_PARTIAL = ".partial"
_MOVED = "moved.json"  # in a working folder's `UNFINISHED`: what has its content in the store


def place_of_folder(target: Address) -> Address:
    """Return where unfinished work for a folder of a store lies."""
    return target / _PARTIAL


def place_of_file(target: Address) -> Address:
    """Return where unfinished work for an object lies."""
    above = target.rest.rstrip("/").rpartition("/")[0]
    return Address(target.scheme, above) / f".{target.name}{_PARTIAL}"


@contextmanager
def kept_in_store(
    place: Address, identity: Mapping[str, Any] | None, *, force: bool
) -> Generator[None, None, None]:
    """Keep unfinished work while it may be gone on with; that of another identity is refused.

    It is gone once the block succeeds, and after an error that nobody can go on from.

    Raises
    ------
    ArtifactError
        If interrupted work was made from something else than `identity`.
    StoreError
        If the store refuses, or does not answer.
    """
    _take_over(place, None if force else identity)
    try:
        yield
    except BaseException as error:
        if identity is None or not can_go_on(error):
            with suppress(StoreError):
                _remove_all(place)
        raise
    with suppress(StoreError):  # what stays is hidden, and the next writer clears it
        _remove_all(place)


def clear_place(place: Address) -> None:
    """Remove what stands for the folder of unfinished work when nothing is in it any more."""
    with suppress(StoreError):
        if not all_objects(place):
            backend_of(place.scheme).remove_folder(place)


def begin_in_store(place: Address, identity: Mapping[str, Any] | None) -> None:
    """Say in the store from what the unfinished work there is made."""
    with temporary_place(place / IDENTITY) as path:
        path.write_text(json.dumps(identity))
        backend_of(place.scheme).put(path, place / IDENTITY)


def shared_folder(folder: Path) -> Path:
    """Return where a working folder's unfinished work goes, so that other machines see it.

    That is the folder itself, or of one that is built for a store, its place there.

    Raises
    ------
    StoreError
        If the store refuses, or does not answer.
    """
    found = _stored(folder)
    if found is None:
        return folder
    local, place = found
    begin_in_store(place, found_identity(local))
    return Path(place.url) / folder.relative_to(local)


def bring_up(folder: Path, shared: Path, last: str) -> None:
    """Store what an engine has left in a working folder here, unless something is there already.

    `last` is the file that says what all others are.
    """
    address = address_of(shared)
    if address is None or not (folder / last).exists() or last in all_objects(address):
        return
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    store = backend_of(address.scheme)
    for name in sorted(names, key=last.__eq__):
        store.put(folder / name, address / name)
    (folder / last).unlink()


def bring_down(folder: Path, last: str) -> None:
    """Fetch what another engine has left in the store for a working folder, if nothing is here."""
    found = _stored(folder)
    if found is None or (folder / last).exists():
        return
    local, place = found
    inner = folder.relative_to(local).as_posix()
    address = place if inner == "." else place / inner
    names = all_objects(address)
    if last in names:
        for part in ([name for name in names if name != last], [last]):
            fetch(address, part, folder)


def _stored(folder: Path) -> tuple[Path, Address] | None:
    """Return the working folder that one is or lies in, and its place in the store it is for."""
    found = stored_folder(folder)
    if found is None:
        return None
    local, address = found
    above = address.rest.rpartition("/")[0]
    name = local.name.removeprefix(".").removesuffix(_PARTIAL)
    return local, place_of_folder(Address(address.scheme, above) / name)


def named_in_the_end(folder: Path, shared: Path, names: Mapping[str, str]) -> None:
    """Give files of a working folder their final names, by those they have so far.

    Where they are in a store they get them when the folder goes up. A killed run may have begun.
    """
    if shared != folder:
        write_json(folder / UNFINISHED / _MOVED, {k: f"{shared}/{v}" for k, v in names.items()})
        return
    for final, name in names.items():
        if (folder / name).exists():
            (folder / name).rename(folder / final)
    for above in {(folder / final).parent for final in names}:
        sync(above)


def moved_in_store(folder: Path) -> dict[str, Address]:
    """Return which files of a working folder have their content in the store, and where there."""
    path = folder / UNFINISHED / _MOVED
    found = json.loads(path.read_text()) if path.exists() else {}
    addresses = {name: address_of(where) for name, where in found.items()}
    return {name: address for name, address in addresses.items() if address is not None}


def _take_over(place: Address, identity: Mapping[str, Any] | None) -> None:
    """Refuse unfinished work of another identity; remove what nobody can go on with."""
    there = all_objects(place).keys() - {CLAIM}
    found = None
    if identity is not None and IDENTITY in there:
        with at_hand(Path((place / IDENTITY).url)) as path:
            found = found_identity(path.parent)
    if found is not None:
        refuse_other_identity(_target_of(place), found, identity)
    elif there:
        _remove_all(place)


def _target_of(place: Address) -> str:
    parts = place.rest.split("/")
    return parts[-2] if parts[-1] == _PARTIAL else parts[-1]


def _remove_all(place: Address) -> None:
    """Remove unfinished work, but no claim of it."""
    store, names = backend_of(place.scheme), all_objects(place)
    if CLAIM not in names:
        store.remove_folder(place)
        return
    for name in names:
        if name != CLAIM:
            store.remove(place / name)
