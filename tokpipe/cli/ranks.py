"""``--engine mpi``: a command done by several processes, of which the first alone speaks."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from tokpipe.cli.failures import explain
from tokpipe.cli.interrupts import Stopped
from tokpipe.cli.started import STARTED_AS, be_silent, whole_command
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

SEVERAL = "Several processes"  # heading of the options

_SIGNALLED = 128
_ERRORS = {2: ConfigError, 3: InputError, 4: StorageError, 5: MemoryLimitError}


@contextmanager
def ranks_of(config: RanksConfig, run: str = "") -> Generator["Ranks", None, None]:
    """Be one of the processes that work while the block runs; all but the first are silent.

    Parameters
    ----------
    config
        Who works.
    run
        The folder in which checkpoints are left, if any.
    """
    if config.engine != "mpi":
        from tokpipe.training.ranks import ALONE

        yield ALONE
        return
    from tokpipe.engines.mpi.guardian import guarded
    from tokpipe.engines.mpi.joining import joined
    from tokpipe.engines.mpi.notices import StoppedElsewhere

    try:
        with joined(_explained, config.mpi_dtype) as ranks:
            if ranks.rank:
                be_silent()
            speaks = ranks.rank == 0 and ranks.size > 1 and STARTED_AS not in os.environ
            command = whole_command([word for word in sys.argv[1:] if word != "--force"])
            with guarded(run, command) if speaks else nullcontext():
                yield ranks
    except StoppedElsewhere as error:
        if error.code > _SIGNALLED:
            raise Stopped(error.code - _SIGNALLED) from None
        kind = _ERRORS.get(error.code, TokpipeError)
        raise kind(error.problem, hint=error.hint) from None


def _explained(error: BaseException) -> tuple[str, str, int]:
    if isinstance(error, Stopped):
        return "stopped", "", error.exit_code
    return explain(error)
