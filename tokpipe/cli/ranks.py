"""``--engine mpi``: a command done by several processes, of which the first alone speaks."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from tokpipe.cli.failures import explain
from tokpipe.cli.interrupts import Stopped
from tokpipe.cli.streams import silence
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.foundation.errors import (
    ConfigError,
    InputError,
    MemoryLimitError,
    StorageError,
    TokpipeError,
)

if TYPE_CHECKING:
    from tokpipe.training.ranks import Ranks

_SIGNALLED = 128
# what tells a process its number, before it asks the library: MPICH and Slurm, PMIx, Open MPI
_RANK_VARIABLES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
_ERRORS = {2: ConfigError, 3: InputError, 4: StorageError, 5: MemoryLimitError}


@contextmanager
def ranks_of(config: RanksConfig) -> Generator["Ranks", None, None]:
    """Be one of the processes that work while the block runs; all but the first are silent."""
    if config.engine != "mpi":
        from tokpipe.training.ranks import ALONE

        yield ALONE
        return
    from tokpipe.engines.mpi.joining import joined
    from tokpipe.engines.mpi.notices import StoppedElsewhere

    try:
        with joined(_explained, config.mpi_dtype) as ranks:
            if ranks.rank:
                be_silent()
            yield ranks
    except StoppedElsewhere as error:
        if error.code > _SIGNALLED:
            raise Stopped(error.code - _SIGNALLED) from None
        kind = _ERRORS.get(error.code, TokpipeError)
        raise kind(error.problem, hint=error.hint) from None


def is_another_rank(arguments: Sequence[str]) -> bool:
    """Return whether this is one of several processes for a command, and not the first."""
    asks = "--engine=mpi" in arguments or ("--engine", "mpi") in pairwise(arguments)
    return asks and any(os.environ.get(name, "0") != "0" for name in _RANK_VARIABLES)


def be_silent() -> None:
    """Say nothing from now on: the first process does."""
    for number in (1, 2):
        silence(number)


def _explained(error: BaseException) -> tuple[str, str, int]:
    if isinstance(error, Stopped):
        return "stopped", "", error.exit_code
    return explain(error)
