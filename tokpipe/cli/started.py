"""How this process was started where it is one of several, as far as its environment tells."""

import json
import os
from collections.abc import Sequence
from itertools import pairwise

from tokpipe.cli.streams import silence

STARTED_AS = "TOKPIPE_STARTED_AS"  # JSON: what stood before the command, for what is said to users
# what tells a process its number and theirs, before it asks the library: MPICH, PMIx, Open MPI
_RANK = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
_SIZE = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")


def is_another_rank(arguments: Sequence[str]) -> bool:
    """Return whether this is one of several processes for a command, and not the first."""
    return _asks_for_mpi(arguments) and any(os.environ.get(name, "0") != "0" for name in _RANK)


def be_silent() -> None:
    """Say nothing from now on: the first process does."""
    for number in (1, 2):
        silence(number)


def whole_command(arguments: Sequence[str]) -> list[str]:
    """Return the words with which a user starts a command: with what starts several processes."""
    if not _asks_for_mpi(arguments):
        return ["tokpipe", *arguments]
    if STARTED_AS in os.environ:
        return [*json.loads(os.environ[STARTED_AS]), *arguments]
    sizes = [os.environ[name] for name in _SIZE if name in os.environ]
    return [*(["mpiexec", "-n", sizes[0]] if sizes else []), "tokpipe", *arguments]


def _asks_for_mpi(arguments: Sequence[str]) -> bool:
    return "--engine=mpi" in arguments or ("--engine", "mpi") in pairwise(arguments)
