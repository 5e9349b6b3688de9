"""Small files of strangers, read whole: never more of them than they may hold."""

import os
import stat
from pathlib import Path

from tokpipe.foundation.errors import ArtifactError, TokpipeError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_small_file(
    path: Path, most_bytes: int, *, error: type[TokpipeError] = ArtifactError
) -> bytes:
    """Read a whole file whose size is bounded, without waiting for what is no plain file.

    Raises
    ------
    TokpipeError
        Of the kind `error`, if it is a folder, a device or a pipe, or holds more bytes.
    OSError
        If the system cannot open or read it.
    """
    # a pipe that nobody writes to would make the opening wait
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise error(f"{path} is {_KINDS.get(stat.S_IFMT(mode), 'odd')}, and no plain file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most_bytes + 1)
    finally:
        os.close(handle)
    if len(data) > most_bytes:
        raise error(f"{path} is larger than {most_bytes:,} bytes, the most that it may hold")
    return data
