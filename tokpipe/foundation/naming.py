"""Names on the disk, given in one step: to what stands nowhere yet, or to two things exchanged.

And what a name may be that nothing on the disk has.
"""

import ctypes
import errno
import os
import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.visible import visible

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)  # a name, by another
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # FAT, some of a network


@contextmanager
def opened(path: Path) -> Generator[int, None, None]:
    """Open a file or folder, for reading, and yield its handle."""
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; return whether the system can."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def move(source: Path, target: Path) -> bool:
    """Give a file or folder its name, and return whether that was free, or an empty folder.

    In one step, so that nothing is replaced that comes between looking and moving. Renaming a
    folder is refused by the system over all but an empty folder. Renaming a file is not, so a
    file gets a second name and loses its first: links know no replacing.
    """
    try:
        if source.is_dir():
            source.rename(target)
        else:
            _link(source, target)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def kept_beside(made: Path, target: Path) -> StorageError:
    """Give finished work a name beside the place that was taken meanwhile, and make the error."""
    short = os.fsdecode(os.fsencode(target.name)[:200])
    names = (f"{short}.finished{f'-{n}' if n else ''}" for n in count())
    kept = next(path for name in names if move(made, path := target.with_name(name)))
    return StorageError(
        f"{target} was put there by another while the work ran, and is left as it is; "
        f"what was made is whole, in {kept}",
        hint="Move the other away, then: "
        f"mv -- {shlex.quote(str(kept))} {shlex.quote(str(target))}",
    )


def hub_hint(path: Path) -> str:
    """Return what to do about a name that nothing has, where it may be one of the Hub's; or "".

    Examples
    --------
    >>> hub_hint(Path("bert-base-uncased"))
    'A name of the Hugging Face Hub? Write hub:bert-base-uncased, which fetches it.'
    >>> hub_hint(Path("/no/such/folder"))
    ''
    """
    is_one = len(path.parts) == 1
    if path.is_absolute() or not (is_one or (len(path.parts) == 2 and not path.parent.is_dir())):
        return ""
    return f"A name of the Hugging Face Hub? Write hub:{visible(str(path))}, which fetches it."


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "", str(target)) from None
        source.rename(target)
    else:
        source.unlink()
