"""Starting ranks on this machine with `mpiexec`, and starting them again when one of them dies."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from tokpipe.engines.extras import require_extra
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.threads import in_background

_ANSWERS = (0, 1, 2, 3, 4, 5, 130, 141, 143)  # exit codes of our own
_WHEN_PARENT_DIES = 1  # prctl(2), PR_SET_PDEATHSIG: the signal that comes then
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


Streams = tuple[IO[bytes], IO[bytes]]


class Ended(NamedTuple):
    """How ranks ended."""

    code: int  # that of `mpiexec`
    has_died: bool  # whether one of them was killed, or crashed, and did not end by itself


def run_ranks(
    count: int, arguments: Sequence[str], streams: Streams, environment: Mapping[str, str]
) -> Ended:
    """Run a command of tokpipe as several ranks; a signal to this process is handed on to them.

    Where this process is killed, they are stopped as well; the same command goes on from the last
    checkpoint.

    Parameters
    ----------
    count
        How many ranks.
    arguments
        What follows ``tokpipe``.
    streams
        Where their results and messages go, without what `mpiexec` says of a rank that died.
    environment
        More variables.
    """
    command = [mpiexec(), "-n", str(count), sys.executable, "-m", "tokpipe", *arguments]
    variables, pipe = {**os.environ, **environment}, subprocess.PIPE
    process = subprocess.Popen(
        command,
        stdout=pipe,
        stderr=pipe,
        env=variables,
        start_new_session=True,
        preexec_fn=partial(ctypes.CDLL(None).prctl, _WHEN_PARENT_DIES, signal.SIGTERM, 0, 0, 0),
    )
    pipes = zip((process.stdout, process.stderr), streams, strict=True)
    told = [in_background(partial(tell_all_but_banner, *each)) for each in pipes]  # type: ignore[arg-type]
    try:
        code, stopped = process.wait(), 0
    except KeyboardInterrupt as error:
        code = stopped = getattr(error, "exit_code", 130)
        process.send_signal(stopped - 128)
        process.wait()
    said = [one() for one in told]
    return Ended(code, not stopped and (any(said) or code not in _ANSWERS))


def tell_all_but_banner(lines: Iterable[bytes], target: IO[bytes]) -> bool:
    """Write lines but those in which `mpiexec` of MPICH reports a rank that died, which come last.

    Returns
    -------
    bool
        Whether there were such lines.
    """
    for line in (source := iter(lines)):
        if line.startswith(_BANNER):
            deque(source, maxlen=0)
            return True
        if not line.startswith(b"[mpiexec@"):
            target.write(line)
            target.flush()
    return False
