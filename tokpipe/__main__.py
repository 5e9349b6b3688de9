"""`python -m tokpipe`, and the command `tokpipe`."""

import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from tokpipe.foundation.platforms import missing_here

# Objects between two collections: the imports of a command make 120,000 that stay. Looking through
# them again and again, as the usual 700 does, costs 0.07 s of a `train-vocab`; once, 0.02 s.
_GARBAGE = 300_000
# Log2 of the cycles that idle threads of OpenBLAS look out for work before they sleep; its own 26
# makes each library of it cost 0.04 s of another processor as it is loaded, and NumPy and SciPy
# bring one each.
_BLAS_PATIENCE = "4"
_ROOM = 64 << 20  # bytes free on the disk of the program: all its bytecode takes a few of them


def run() -> None:
    """Run the command line of this process, and leave with its exit code."""
    gc.set_threshold(_GARBAGE)
    if problem := missing_here():
        sys.stderr.write(f"error: {problem}\nhint:  On Windows use WSL.\n")
        sys.exit(1)
    _spare_bytecode()
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _BLAS_PATIENCE)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until the commands can answer: no traceback of imports
    from tokpipe.cli.main import execute

    code = execute(sys.argv[1:])
    if "mpi4py" in sys.modules:
        import atexit
        import ctypes

        atexit._run_exitfuncs()  # pyarrow's S3, for one, crashes in the end if it was not told
        ctypes.CDLL(None).exit(code)  # MPI takes leave of `mpiexec`, which would kill the others
    os._exit(code)  # all is flushed; taking numba apart object by object would cost 0.11 s


def _spare_bytecode() -> None:
    """Write no bytecode where it might be cut: Python up to 3.13 keeps what was written of it.

    Every later command would then fail as it reads the half file.
    """
    try:
        import resource
    except ImportError:  # no such limits
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    disk = os.statvfs(Path(__file__).parent)
    if limit != resource.RLIM_INFINITY or disk.f_bavail * disk.f_frsize < _ROOM:
        sys.dont_write_bytecode = True


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    run()
