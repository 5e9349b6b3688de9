"""Folders that go up into a store: files first, what says that they are whole last of all.

A run of training goes up bit by bit: at each checkpoint what is new, and what was removed goes.
Its folder on this machine is kept, so that the run goes on from there; where another machine was
further, all is fetched anew.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from tokpipe.foundation.addresses import Address, address_of, local_path
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.locks import one_writer
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.backends import backend_of, existing
from tokpipe.foundation.stores.copies import LAST, copy_for_now, fetch, visible_objects
from tokpipe.foundation.stores.places import stored_folder, work_place
from tokpipe.foundation.stores.sealing import is_content_of
from tokpipe.foundation.threads import map_ordered

_AT_ONCE = 4  # files that go up at a time


def publish(folder: Path, address: Address, moved: Mapping[str, Address] | None = None) -> None:
    """Store the files of a folder, and remove all else from there.

    Until the last one is there, the folder in the store is none. What is there already, of an
    earlier try, is not sent again. `moved` are files whose content is in the store under another
    name: it is copied there.

    Raises
    ------
    StoreError
        If the store refuses, does not answer, or holds something else in the end.
    """
    names, there, moved = list(_files(folder)), visible_objects(address), moved or {}
    known = [name for name in names if name in there]
    same = map_ordered(partial(_is_there, folder, address), known, _AT_ONCE)
    done = {name for name, is_same in zip(known, same, strict=True) if is_same}
    _remove(address, [name for name in there if _is_last(name) and name not in done])
    others = [name for name in there if name not in names and name not in moved]
    _remove(address, others)
    _remove_folders(address, others, [*names, *moved])
    left = [name for name in names if name not in done]
    _put(folder, address, [name for name in left if not _is_last(name)])
    for _ in map_ordered(lambda name: _copy(moved[name], address / name), moved, 2 * _AT_ONCE):
        pass
    sizes = {name: (folder / name).stat().st_size for name in names if not _is_last(name)}
    entries = map_ordered(lambda name: existing(moved[name]), moved, _AT_ONCE)
    _check(address, sizes | {name: one.size for name, one in zip(moved, entries, strict=True)})
    _put_last(folder, address, left)


def open_run(out: str | Path) -> Path:
    """Return where a run is worked on, brought to where it is in the store, if it is of one.

    Raises
    ------
    StoreError
        If the store refuses, or does not answer.
    """
    run = run_place(out)
    pull(run)
    return run


def run_place(out: str | Path) -> Path:
    """Return where on this machine a run is worked on: the folder itself, or a store's place."""
    address = address_of(out)
    return local_path(out) if address is None else work_place(address)


def pull(run: Path) -> None:
    """Bring a run's folder on this machine to where it is in the store, if it is of one.

    Raises
    ------
    StorageError
        If another process writes it, or the store does not answer.
    """
    found = stored_folder(run)
    if found is None:
        return
    folder, address = found
    with one_writer(folder.with_name(f".{folder.name}.lock"), folder):
        there, known = _state_of(address), _known(folder)
        if there == known.get("there", {}):
            return  # nobody else has written since: what is here is as far, or further
        if _was_stopped_while_it_stored(there, known):
            _remember(folder, there, {})  # what is here is further: all of it goes up again
            return
        shutil.rmtree(folder, ignore_errors=True)
        fetch(address, there.get("sizes", ()), folder)
        _remember(folder, _state_of(address), _stats(folder))


def push(run: Path) -> None:
    """Store what is new in a run's folder, or what it lies in, if that is of a store.

    What is new goes up before anything old is removed: there is always something to go on from.

    Raises
    ------
    StoreError
        If the store refuses, or does not answer, or another has written the run meanwhile.
    """
    found = stored_folder(run)
    if found is None:
        return
    folder, address = found
    known, now = _known(folder), _stats(folder)
    there, before = known.get("there", {}), known.get("here", {})
    changed = [name for name, stat in now.items() if before.get(name) != stat]
    gone = [name for name in there.get("sizes", ()) if name not in now]
    if not changed and not gone:
        return
    if _state_of(address) != there:
        raise StoreError(
            f"{address} was changed by another while this run wrote it",
            hint="Choose another -o, or run the same command again: it goes on from what is there.",
        )
    _remember(folder, there, before, storing=list(now))
    folders = {_parent(name) for name in now}
    _remove(address, [n for n in (*gone, *changed) if _is_last(n) and _parent(n) in folders])
    _put(folder, address, [name for name in changed if not _is_last(name)])
    _put_last(folder, address, changed)
    _remove(address, [name for name in gone if _is_last(name)])
    _remove(address, [name for name in gone if not _is_last(name)])
    _remove_folders(address, gone, now)
    _remember(folder, _state_of(address), now)


def _was_stopped_while_it_stored(there: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Say whether what is in a store is what this machine was putting there when it was stopped."""
    ours = {*known.get("storing", ()), *known.get("there", {}).get("sizes", ())}
    return bool(known.get("storing")) and ours >= set(there.get("sizes", ()))


def _parent(name: str) -> PurePosixPath:
    return PurePosixPath(name).parent


def _is_last(name: str) -> bool:
    return PurePosixPath(name).name == LAST


def _files(folder: Path) -> Iterable[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")):
            yield name


def _is_there(folder: Path, address: Address, name: str) -> bool:
    entry = backend_of(address.scheme).entry(address / name)
    return entry is not None and is_content_of(entry.version, entry.size, folder / name)


def _put(folder: Path, address: Address, names: Iterable[str]) -> None:
    store = backend_of(address.scheme)
    for _ in map_ordered(lambda name: store.put(folder / name, address / name), names, _AT_ONCE):
        pass


def _put_last(folder: Path, address: Address, names: Iterable[str]) -> None:
    """Store the files that say that folders are whole: the deepest folders first."""
    for name in sorted(filter(_is_last, names), key=lambda name: -name.count("/")):
        _put(folder, address, [name])


def _remove(address: Address, names: Iterable[str]) -> None:
    """Remove objects; of folders, what says that they are whole, from the outermost on."""
    for name in sorted(names, key=lambda name: name.count("/")):
        backend_of(address.scheme).remove(address / name)


def _remove_folders(address: Address, gone: Iterable[str], left: Iterable[str]) -> None:
    """Remove the folders that had objects, and have none any more, the innermost first."""
    stay = {str(above) for name in left for above in PurePosixPath(name).parents}
    went = {str(above) for name in gone for above in PurePosixPath(name).parents} - stay - {"."}
    for folder in sorted(went, key=lambda folder: -folder.count("/")):
        backend_of(address.scheme).remove_folder(address / folder)


def _copy(source: Address, target: Address) -> None:
    """Copy an object within a store, where that can; else the content comes by here."""
    store = backend_of(source.scheme)
    try:
        store.copy(source, target)
    except StoreError:  # too large for one request, or no matter of this kind of store
        with copy_for_now(source) as path:
            store.put(path, target)


def _check(address: Address, sizes: Mapping[str, int]) -> None:
    there = visible_objects(address)
    for name, size in sizes.items():
        if there.get(name) != size:
            found = "nothing" if name not in there else f"{there[name]:,} bytes"
            raise StoreError(
                f"{address / name}: the store holds {found}, where {size:,} bytes were stored",
                hint="Run the same command again.",
            )


def _state_of(address: Address) -> dict[str, Any]:
    """Return what tells the states of a run apart: its objects, and the version of its log."""
    sizes = visible_objects(address)
    logs = [name for name in sizes if name.endswith("log.jsonl")]
    entries = map_ordered(backend_of(address.scheme).entry, [address / n for n in logs], _AT_ONCE)
    versions = {
        name: entry.version if entry else "" for name, entry in zip(logs, entries, strict=True)
    }
    return {"sizes": sizes, "logs": versions} if sizes else {}


def _stats(folder: Path) -> dict[str, list[int]]:
    found = {name: (folder / name).stat() for name in _files(folder)}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in found.items()}


def _record(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.stored.json")


def _known(folder: Path) -> dict[str, Any]:
    try:
        return json.loads(_record(folder).read_text())
    except (OSError, ValueError):
        return {}


def _remember(
    folder: Path, there: Any, here: Mapping[str, list[int]], storing: Iterable[str] = ()
) -> None:
    """Keep what is in the store, which files that was here, and what is on its way there."""
    content = json.dumps({"there": there, "here": here, "storing": storing})
    temporary = _record(folder).with_suffix(".tmp")
    with storage_errors(folder):
        temporary.write_text(content)
        temporary.replace(_record(folder))
