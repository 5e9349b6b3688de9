"""Becoming one of the ranks that `mpiexec` has started, and leaving them, all with one answer."""

import os
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tokpipe.engines.extras import require_extra
from tokpipe.engines.mpi.notices import Explain
from tokpipe.engines.mpi.ranks import MpiRanks
from tokpipe.foundation.errors import ConfigError


@contextmanager
def joined(explain: Explain, dtype: str = "float32") -> Generator[MpiRanks, None, None]:
    """Be one of the ranks while the block runs.

    Parameters
    ----------
    explain
        Says of an error what the user is told, and the exit code.
    dtype
        In which gradients travel.

    Raises
    ------
    ConfigError
        If there is no MPI, or none that several threads may call.
    BaseException
        What the block raises; or, if another rank has more to say, `StoppedElsewhere`.
    """
    mpi = _loaded()
    _take_processors(mpi)
    ranks = MpiRanks(mpi, dtype)
    try:
        yield ranks
        ranks.barrier()
    except BaseException as error:
        said = ranks.notices.leave(error, explain)
        ranks.close()
        if ranks.notices.all_have_ended:  # else it would wait for those that say nothing any more
            mpi.Finalize()
        if said is error:
            raise
        raise said from None
    mpi.Finalize()


def _loaded() -> Any:
    require_extra("mpi", "--engine mpi", "mpi4py")
    import mpi4py

    mpi4py.rc.initialize = mpi4py.rc.finalize = False
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"--engine mpi: no library of MPI was found: {str(error).splitlines()[0]}",
            hint="Install the extra, which brings one: pip install 'tokpipe[mpi]'.",
        ) from None
    if MPI.Init_thread(MPI.THREAD_MULTIPLE) < MPI.THREAD_MULTIPLE:
        raise ConfigError(
            "--engine mpi: this library of MPI cannot be called by several threads",
            hint="Take another, such as the one of pip install 'tokpipe[mpi]'.",
        )
    return MPI


def _take_processors(mpi: Any) -> None:
    """Deal the processors among the ranks of a machine, unless whoever started them did."""
    if not hasattr(os, "sched_getaffinity"):
        return
    own = sorted(os.sched_getaffinity(0))
    here = mpi.COMM_WORLD.Split_type(mpi.COMM_TYPE_SHARED)
    digest, all_of_them = np.array([zlib.crc32(repr(own).encode())], np.int64), None
    all_of_them = np.empty(here.size, np.int64)
    here.Allgather(digest, all_of_them)
    rank, size = here.rank, here.size
    here.Free()
    if len(own) >= size > 1 and (all_of_them == digest).all():
        os.sched_setaffinity(0, own[len(own) * rank // size : len(own) * (rank + 1) // size])
