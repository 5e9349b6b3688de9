"""Folders whose content is run as code: made for the user alone, and trusted only if they are.

Compiled kernels are kept as pickles, and to load one is to run what is in it. So nothing is read
from where another could have put it: the folder is the user's own and closed to the writing of
others, and nobody else can exchange it or a folder above it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_PRIVATE = 0o700  # the user may do all, others nothing
_BY_OTHERS, _BY_GROUP = stat.S_IWOTH, stat.S_IWGRP
_ALL_IDS = 2**32 - 1  # as many as a name space maps that is no part of another


def make_private_folder(folder: Path) -> str:
    """Make a folder for the user alone, and return why it must not be trusted, or nothing.

    What is missing on the way is made with mode 0700; what cannot be made is an OSError. A folder
    that is there and the user's own is closed to all others, unless they could write in it: then it
    may hold what they have put there.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - `..` goes up by name, no link followed
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    for path in reversed(missing):
        path.mkdir(_PRIVATE, exist_ok=True)
    reason = distrust(folder)
    if not reason and stat.S_IMODE(folder.stat().st_mode) != _PRIVATE:
        folder.chmod(_PRIVATE)
    return reason


def distrust(folder: Path) -> str:
    """Return why what lies in a folder may be another's work, or nothing.

    Sticky folders (``/tmp``) are good as parents: nobody exchanges there what is not his own. A
    group that has the number of its user is taken for the user's own.
    """
    owners = _trusted_owners()
    for link in _links(folder):
        if link.lstat().st_uid not in owners:
            return f"{link} is a link that another user made"
    real = Path(os.path.realpath(folder))
    status = real.stat()
    if status.st_uid != os.getuid():
        return f"{real} belongs to another user"
    if status.st_mode & (_BY_OTHERS | _BY_GROUP):
        return f"others may write in {real}"
    links = [Path(os.path.realpath(link.parent)) / link.name for link in _links(folder)]
    for path in sorted({above for found in (real, *links) for above in found.parents}):
        status = path.stat()
        if status.st_uid not in owners:
            return f"{path}, above it, belongs to another user"
        if _is_open(status):
            return f"others may write in {path}, above it"
    return ""


def _is_open(status: os.stat_result) -> bool:
    """Return whether others may exchange what stands in a folder."""
    if status.st_mode & stat.S_ISVTX:
        return False
    by_group = status.st_mode & _BY_GROUP and status.st_gid not in (0, os.getuid())
    return bool(status.st_mode & _BY_OTHERS or by_group)


def _links(folder: Path) -> Iterator[Path]:
    """Yield the links on the way to a folder, and those that they lead over."""
    for path in (folder, *folder.parents):
        for _ in range(40):  # as many as the system follows
            if not path.is_symlink():
                break
            yield path
            path = path.parent / path.readlink()


def _trusted_owners() -> set[int]:
    """Return who may own a folder above: the user, root, and root seen from a name space of users.

    There the ids from outside, root's among them, all look like one that nobody has.
    """
    owners = {0, os.getuid()}
    try:
        mapped = Path("/proc/self/uid_map").read_text().split()
        if int(mapped[2]) < _ALL_IDS:
            owners.add(int(Path("/proc/sys/kernel/overflowuid").read_text()))
    except (OSError, ValueError, IndexError):
        pass
    return owners
