"""What a disk refuses, as a `StorageError` that names the path and the bytes."""

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.sizes import format_bytes

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HINTS = {
    errno.ENOSPC: "Free some space or write elsewhere, then run the same command again.",
    errno.EDQUOT: "Your quota is used up: free some space or write elsewhere.",
    errno.EFBIG: "A limit on the size of files is set (ulimit -f): raise it or write elsewhere.",
    errno.EROFS: "Write elsewhere.",
    errno.EACCES: "Check the permissions, or write elsewhere.",
    errno.EPERM: "Check the permissions, or write elsewhere.",
    errno.EIO: "The disk reports a fault: check it, or write elsewhere.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EEXIST: "A part of the path is a file; write elsewhere.",
    errno.ENOTDIR: "A part of the path is a file; write elsewhere.",
}


@contextmanager
def storage_errors(path: Path, handle: int | None = None) -> Generator[None, None, None]:
    """Turn what the operating system refuses while the block writes into a `StorageError`.

    It names `path`, what the user asked for, where the error itself names no other; of an open file
    without a path, such as standard output, `handle` tells the disk. An OSError that is no matter
    of the disk (a broken pipe, an input that is not there) passes.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _HINTS:
            raise
        raise storage_error(error, path, handle) from error


def storage_error(error: OSError, path: Path, handle: int | None = None) -> StorageError:
    """Return what to tell the user of an OSError that came up while `path` was written."""
    named = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if Path(named).name.startswith("."):  # our own temporary: the user knows only the target
        named = ""
    reason = os.strerror(error.errno) if error.errno else str(error).split("\n")[0]
    free = free_bytes(path if handle is None else handle) if error.errno in FULL else None
    amount = "" if free is None else f" ({format_bytes(free)} free)"
    return StorageError(
        f"{named or path}: {reason[:1].lower()}{reason[1:]}{amount}",
        hint=_HINTS.get(error.errno or 0, ""),
    )


def check_space(path: Path, needed: int) -> None:
    """Refuse (`StorageError`) work for which less than `needed` bytes, an estimate, are free."""
    free = free_bytes(path)
    if free is not None and free < needed:
        raise StorageError(
            f"{path}: about {format_bytes(needed)} needed, {format_bytes(free)} free",
            hint="Free some space, or write elsewhere.",
        )


def free_bytes(place: Path | int) -> int | None:
    """Return how many bytes are free where a path is or would be, or None if nobody knows.

    Nobody knows it of devices, pipes and stores. An open file is given by its handle.
    """
    if isinstance(place, int):
        return _free_behind(place)
    if address_of(place) is not None:
        return None
    for above in (place, *place.absolute().parents):
        try:
            mode = above.stat().st_mode
            known = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
            return shutil.disk_usage(above).free if known else None
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
    return None


def _free_behind(handle: int) -> int | None:
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        disk = os.fstatvfs(handle)
        return disk.f_bavail * disk.f_frsize
    except OSError:
        return None
