"""Starting ranks on this machine with `mpiexec`, and starting them again when one of them dies."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from tokpipe.engines.extras import require_extra
from tokpipe.foundation.errors import ConfigError

# of our own processes: all else, above all 128 and more, is a rank that died
_ANSWERS = (0, 1, 2, 3, 4, 5, 130, 141, 143)
_BANNER = b"=" * 40  # what mpiexec of MPICH puts round its own report of a rank that died


def mpiexec() -> str:
    """Return the program that starts ranks: the one beside this Python, or the system's.

    Raises
    ------
    ConfigError
        If there is none.
    """
    require_extra("mpi", "tokpipe mpi", "mpi4py")
    own = Path(sys.prefix) / "bin" / "mpiexec"
    found = str(own) if own.is_file() else shutil.which("mpiexec")
    if found is None:
        raise ConfigError(
            "tokpipe mpi: there is no mpiexec",
            hint="Install the extra, which brings one: pip install 'tokpipe[mpi]'.",
        )
    return found


def run_ranks(
    count: int, arguments: Sequence[str], stderr: IO[bytes], stop: Callable[[int], None]
) -> int:
    """Run a command of tokpipe as several ranks; return the exit code of `mpiexec`.

    Parameters
    ----------
    count
        How many ranks.
    arguments
        What follows ``tokpipe``.
    stderr
        Where their messages go, without what `mpiexec` says of a rank that died.
    stop
        Told the process, so that signals can be handed on to it.
    """
    command = [mpiexec(), "-n", str(count), sys.executable, "-m", "tokpipe", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        stop(process.pid)
        assert process.stderr is not None
        for line in without_banner(process.stderr):
            stderr.write(line)
            stderr.flush()
        return process.wait()


def has_died(code: int) -> bool:
    """Return whether an exit code is that of a rank that died, and not one of our answers.

    Examples
    --------
    >>> [has_died(code) for code in (0, 4, 130, 9, 139)]
    [False, False, False, True, True]
    """
    return code not in _ANSWERS


def without_banner(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out how `mpiexec` of MPICH reports a rank that died; it comes last.

    Examples
    --------
    >>> rule = b"=" * 83
    >>> list(without_banner([b"step 1", b"", rule, b"=   BAD TERMINATION", rule, b"YOUR ..."]))
    [b'step 1', b'']
    """
    for line in lines:
        if line.startswith(_BANNER):
            break
        if not line.startswith(b"[mpiexec@"):
            yield line
    for _ in lines:
        pass


def usable(count: int) -> bool:
    """Return whether there is a processor for each rank."""
    return not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) >= count
