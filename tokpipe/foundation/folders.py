"""The one way to write a folder: a reader sees the old one, or the new one, whole.

Beside a target ``out/tok`` stand, while it is written: ``out/.tok.lock`` (held by the writer),
``out/.tok.partial/`` (the content so far, kept when the work is interrupted) and, for an instant
each, ``out/.tok.unfinished`` (what it was made from, moved out of the finished content), of a
replacement ``out/.tok.old``, and of work that failed ``out/.tok.partial.gone``. All of them are
gone after success, and the next writer clears what a killed one left behind. What somebody else
puts at ``out/tok`` while the work runs stays there, and the finished work stands beside it as
``out/tok.finished``.
"""

import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tokpipe.foundation.addresses import Address, address_of, local_path
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.files import sync, write_json
from tokpipe.foundation.locks import one_writer
from tokpipe.foundation.naming import exchange, kept_beside, move, opened
from tokpipe.foundation.resuming import (
    IDENTITY,
    UNFINISHED,
    can_go_on,
    found_identity,
    refuse_other_identity,
)
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.stored_work import (
    begin_in_store,
    clear_place,
    kept_in_store,
    moved_in_store,
    place_of_file,
    place_of_folder,
)
from tokpipe.foundation.stores.claims import CLAIM, claimed
from tokpipe.foundation.stores.copies import LAST, all_objects, visible_objects, visible_of
from tokpipe.foundation.stores.places import work_place
from tokpipe.foundation.stores.publishing import publish

MANIFEST = LAST  # in every folder that tokpipe writes


@contextmanager
def build_folder(
    target: Path,
    *,
    force: bool = False,
    identity: Mapping[str, Any] | None = None,
    needed_bytes: int = 0,
) -> Generator[Path, None, None]:
    """Build a folder beside `target` and rename it into place only if the block succeeds.

    Interrupted work (a signal, a kill, too little memory, lost machines) stays in the working
    folder, and the same command goes on from there; so does work that was refused to a command of
    other settings. A full disk or any other error removes it.

    `identity` is all that the content follows from: settings, digests of inputs, versions; JSON
    types, may be nested. Without it interrupted work is never resumed; `force` starts over, and
    replaces a folder that tokpipe has written. `needed_bytes` is an estimate of the disk space that
    the work takes.

    The working folder is yielded: empty, or as an interrupted run of the same identity left it.
    What is put into its folder `UNFINISHED` is kept until the target stands in its place, and no
    part of it.

    A folder of a store is built on this machine in the same way, and goes up in the end, its
    manifest last; what a store has refused is kept as well. What was put where `shared_folder`
    says is there already, and gets its final name.

    Raises
    ------
    StorageError
        If `target` exists and `force` is not set, another process is writing it, or the disk or
        the store refuses.
    ArtifactError
        If interrupted work was made from something else than `identity`.
    """
    address = address_of(target)
    if address is not None:
        with _built_for(address, force, identity, needed_bytes) as folder:
            yield folder
        return
    target = real_folder(target)
    lock, partial, work, old = _beside(target)
    with storage_errors(target):
        refuse_existing_folder(target, force=force)  # before anything is made
        target.parent.mkdir(parents=True, exist_ok=True)
        with one_writer(lock, target):
            _recover(target, work, old)
            _refuse(target, force=force)
            check_space(target, needed_bytes)
            try:
                _take_back(partial, work)
                _begin(partial, identity, force=force)
                yield partial
                _take_out(partial, work)
                _sync_tree(partial)
                _put_in_place(partial, target, work, old, force)
            except BaseException as error:
                _advise_to_start_over(error, partial)
                if identity is None or not can_go_on(error) or not _holds_work(partial):
                    _clear(partial)
                    shutil.rmtree(work, ignore_errors=True)
                raise


@contextmanager
def _built_for(
    address: Address, force: bool, identity: Mapping[str, Any] | None, needed_bytes: int
) -> Generator[Path, None, None]:
    """Build a folder here, and store it."""
    _refuse_stored(address, force=force)
    place = work_place(address)
    with claimed(address, force=force, is_whole=lambda: _is_claim_idle(address)) as check:
        with (
            kept_in_store(place_of_folder(address), identity, force=force),
            build_folder(
                place, force=force, identity=identity, needed_bytes=needed_bytes
            ) as folder,
        ):
            yield folder
            check()
            publish(folder, address, moved_in_store(folder))
        shutil.rmtree(place, ignore_errors=True)


def _is_claim_idle(address: Address) -> bool:
    """Return whether a folder in a store is whole or nothing, so that no claim is needed of it."""
    there = visible_objects(address)
    return not there or MANIFEST in there


@contextmanager
def working_folder(
    target: Path, *, force: bool, identity: Mapping[str, Any]
) -> Generator[Path, None, None]:
    """Keep what a file is made from in a folder beside it, until the block succeeds.

    What an interrupted run of the same `identity` has left is there again, as in `build_folder`;
    `force` starts over. Of an object of a store, the folder is in the store as well.

    Raises
    ------
    StorageError
        If another process is writing the file, or the disk refuses.
    ArtifactError
        If interrupted work was made from something else than `identity`.
    """
    address = address_of(target)
    if address is not None:
        place = place_of_file(address)
        with (
            claimed(place, force=force, is_whole=lambda: True),
            kept_in_store(place, identity, force=force),
        ):
            begin_in_store(place, identity)
            yield Path(place.url)
        clear_place(place)
        return
    lock, partial, _, _ = _beside(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with one_writer(lock, target):
            try:
                _begin(partial, identity, force=force)
                yield partial
            except BaseException as error:
                _advise_to_start_over(error, partial)
                if not can_go_on(error) or not _holds_work(partial):
                    _clear(partial)
                raise
            _clear(partial)


def refuse_existing_folder(target: Path, *, force: bool) -> None:
    """Refuse to write a folder that is there, unless forced and written by tokpipe.

    What a writer left that was killed in its last steps is cleared.

    Raises
    ------
    StorageError
        If something stands there that is no empty folder, or is being written.
    """
    address = address_of(target)
    if address is not None:
        _refuse_stored(address, force=force)
        return
    target = real_folder(target)
    if _is_vacant(target):
        return
    lock, _, work, old = _beside(target)
    if lock.exists():
        with one_writer(lock, target):
            _recover(target, work, old)
    _refuse(target, force=force)


def require_place(target: Path) -> None:
    """Refuse a folder of this machine that cannot be made, before work that ends in it.

    Raises
    ------
    StorageError
        If the disk refuses to make one where it, or the first of its parents, will be.
    """
    if address_of(target) is None:
        with storage_errors(target):
            parents = real_folder(target).parents
            there = next(parent for parent in parents if parent.exists())
            TemporaryDirectory(prefix=f".{target.name}-", dir=there).cleanup()


def real_folder(target: Path) -> Path:
    """Return where a folder is or will be, links followed.

    Raises
    ------
    StorageError
        If it is the root, which has no place beside it.
    """
    real = Path(os.path.realpath(local_path(target)))
    if not real.name:
        raise StorageError(f"{target} is the root of all folders", hint="Name a folder in it.")
    return real


def _is_vacant(target: Path) -> bool:
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def _refuse(target: Path, *, force: bool) -> None:
    if not _is_vacant(target):
        _refuse_taken(target, force=force, ours=_is_written_by_tokpipe(target))


def _refuse_stored(address: Address, *, force: bool) -> None:
    """Refuse a folder of a store as one of this machine; what was interrupted may be replaced."""
    objects = all_objects(address)
    there = visible_of(objects)
    if there and (MANIFEST in there or CLAIM not in objects):
        _refuse_taken(address, force=force, ours=MANIFEST in there)


def _refuse_taken(target: Path | Address, *, force: bool, ours: bool) -> None:
    if not force:
        or_force = ", or pass --force to replace it" if ours else ""
        raise StorageError(f"{target} exists already", hint=f"Choose another -o{or_force}.")
    if not ours:
        raise StorageError(
            f"{target} was not written by tokpipe (no {MANIFEST} in it)",
            hint="--force replaces only what tokpipe has written; choose another -o.",
        )


def _is_written_by_tokpipe(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and not folder.is_symlink()


def _beside(target: Path) -> tuple[Path, ...]:
    """Return the lock, the working folder, and the places of unfinished work and old content."""
    endings = (".lock", ".partial", UNFINISHED, ".old")
    return tuple(target.with_name(f".{target.name}{ending}") for ending in endings)


def _recover(target: Path, work: Path, old: Path) -> None:
    """Put back what a killed replacement had moved aside; remove what is finished or replaced."""
    if work.exists() and not _is_vacant(target):
        _remove(work)
    if not old.exists():
        return
    if target.exists():
        _remove(old)
    else:
        old.rename(target)


def _take_out(partial: Path, work: Path) -> None:
    """Move what is no content out of a finished folder, identity first: never one without it.

    From there the next writer takes it back, until the folder stands in its place; a kill in
    between costs the last steps only.
    """
    inner = partial / UNFINISHED
    _clear_drafts(partial)
    if not inner.exists():
        inner.mkdir()
    (partial / IDENTITY).rename(inner / IDENTITY)
    inner.rename(work)


def _take_back(partial: Path, work: Path) -> None:
    """Undo `_take_out`, wherever it was interrupted."""
    inner = partial / UNFINISHED
    if work.exists():
        partial.mkdir(exist_ok=True)
        work.rename(inner)
    if (inner / IDENTITY).exists():
        (inner / IDENTITY).rename(partial / IDENTITY)


def _clear(partial: Path) -> None:
    """Remove a working folder, as far as the disk allows it.

    It loses its name first: a worker that has not heard of the end finds nowhere to write then.
    """
    gone = _gone(partial)
    with suppress(OSError):
        partial.rename(gone)
    for folder in (partial, gone):
        shutil.rmtree(folder, ignore_errors=True)


def _gone(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.gone")


def _begin(partial: Path, identity: Mapping[str, Any] | None, *, force: bool) -> None:
    """Make the working folder, or take over an interrupted one of the same identity."""
    shutil.rmtree(_gone(partial), ignore_errors=True)
    found = None if force or identity is None else found_identity(partial)
    if found is not None:
        refuse_other_identity(partial.name, found, identity)
        _clear_drafts(partial)
        return
    if partial.exists():
        _remove(partial)  # nothing to go on from; or the rest of a replaced folder
    partial.mkdir()
    write_json(partial / IDENTITY, identity)


def _clear_drafts(partial: Path) -> None:
    """Remove files that writers did not finish who were killed."""
    for stale in partial.rglob(".*.tmp"):
        stale.unlink(missing_ok=True)


def _put_in_place(partial: Path, target: Path, work: Path, old: Path, force: bool) -> None:
    """Rename the new folder onto its name; at every moment the old or the new one stands there.

    A disk that does not confirm the new name gets the old one back: an error leaves no output.
    What came there while the work ran is met as it would have been at the start, also in the
    moment between looking and moving: it is refused, or put back.
    """
    with opened(target.parent) as parent:
        if not force or _is_vacant(target):
            if not move(partial, target):
                raise kept_beside(partial, target)
        else:
            if not _is_written_by_tokpipe(target):
                raise kept_beside(partial, target)
            _remove(work)  # to replace is to start over; old content must not be gone on with
            if exchange(partial, target):
                if not _is_written_by_tokpipe(partial):
                    exchange(partial, target)
                    raise kept_beside(partial, target)
                partial.rename(old)
            else:  # no exchange on this system: `_recover` closes the gap between the two renames
                target.rename(old)
                if not _is_written_by_tokpipe(old):
                    old.rename(target)
                    raise kept_beside(partial, target)
                partial.rename(target)
        try:
            os.fsync(parent)
        except OSError:
            target.rename(partial)
            if old.exists():
                old.rename(target)
            raise
    for rest in (work, old) * 2:  # twice, for a fault that passes; what stays, the next one clears
        shutil.rmtree(rest, ignore_errors=True)


def _advise_to_start_over(error: BaseException, partial: Path) -> None:
    """Give the one way out to an error about what an interrupted run has left."""
    if not isinstance(error, ArtifactError) or "--force" in error.hint:
        return
    if str(partial) in error.problem:
        error.hint = "An interrupted run left it: pass --force to start over."


def _holds_work(partial: Path) -> bool:
    files = (path.name for path in partial.rglob("*") if path.is_file())
    return any(name != IDENTITY and not name.endswith(".tmp") for name in files)


def _sync_tree(folder: Path) -> None:
    """Force all of a folder to the disk, one after the other: a kill is tried between any two.

    In eight threads the nine files of a tokenizer take 5 ms instead of 30.
    """
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
