"""One writer at a time: a lock that the kernel frees, even when its holder is killed."""

import errno
import fcntl
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.small_files import read_small_file

_SOON_SECONDS = 0.02  # between two looks at a lock that another holds
_MOST_BYTES = 4096  # of a lock file: who holds it


@contextmanager
def one_writer(lock: Path, target: Path) -> Generator[None, None, None]:
    """Hold a lock file while the block runs; it is gone afterwards.

    `flock` on a file of its own, and not a file that merely exists: nothing is left to clean up
    after kill -9. What stands in the file is for people: who holds it.

    Raises
    ------
    StorageError
        At once, if another process holds the lock; names its pid, host and start.
    """
    handle = _taken(lock)
    if handle is None:
        raise StorageError(
            f"{target} is being written by {_holder(lock)}",
            hint="Wait until it ends, or choose another place to write to.",
        )
    try:
        os.truncate(handle, 0)
        start = time.strftime("%Y-%m-%d %H:%M:%S")
        holder = {"pid": os.getpid(), "host": os.uname().nodename, "start": start}
        os.write(handle, json.dumps(holder).encode())
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(handle)


@contextmanager
def one_at_a_time(lock: Path, *, waits: bool = True) -> Generator[bool, None, None]:
    """Hold a lock file while the block runs, for work that two processes need not both do.

    Waits while another process holds it, or yields False at once. Where no such file can be made,
    nobody is waited for.
    """
    handle = None
    with suppress(OSError):
        while (handle := _taken(lock)) is None and waits:
            time.sleep(_SOON_SECONDS)
        if handle is None:
            yield False
            return
    try:
        yield True
    finally:
        if handle is not None:
            with suppress(OSError):
                lock.unlink()
            os.close(handle)


def is_free(path: Path) -> bool:
    """Return whether nobody holds a lock on a file, or it is gone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return True
    try:
        return lock_handle(handle)
    finally:
        os.close(handle)


def _taken(lock: Path) -> int | None:
    """Open and lock the file, or return None if another process holds it."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if not lock_handle(handle):
            os.close(handle)
            return None
        if _is_still(lock, handle):
            return handle
        os.close(handle)  # its holder removed it between our opening and our locking: once more


def lock_handle(handle: int) -> bool:
    """Take the lock of an open file, kept until it is closed; return whether it was free."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF):
            return True  # a file system without locks: better to work than to refuse
        raise
    return True


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _holder(lock: Path) -> str:
    try:
        holder = json.loads(read_small_file(lock, _MOST_BYTES))
        return f"process {holder['pid']} on {holder['host']} since {holder['start']}"
    except (OSError, ValueError, TypeError, KeyError, ArtifactError):
        return "another process"
