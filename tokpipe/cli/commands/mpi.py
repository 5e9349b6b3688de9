"""`tokpipe mpi`: a command as several processes, with the `mpiexec` that comes with the extra."""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.interrupts import Stopped
from tokpipe.cli.options import Count
from tokpipe.foundation.errors import TokpipeError

_SIGNALLED = 128


class RankDiedError(TokpipeError):
    """A process was killed, or crashed; the others were stopped."""


@command(
    examples=[
        "tokpipe mpi -n 2 pretrain out/shards --preset mini -o out/run",
        "tokpipe mpi -n 4 --max-restarts 3 pretrain out/shards --gradient-shards 4 -o out/run",
    ],
)
@click.option(
    "-n",
    "--ranks",
    type=Count(least=1),
    required=True,
    metavar="N",
    help="How many processes; they share the processors of this machine.",
)
@click.option(
    "--max-restarts",
    type=Count(),
    default=0,
    show_default=True,
    metavar="N",
    help="How often to go on from the last checkpoint when a process has died.",
)
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def mpi(session: Session, ranks: int, max_restarts: int, words: tuple[str, ...]) -> int:
    """Start a command as several processes that share its work.

    COMMAND is `pretrain` or another that has --engine mpi, with its arguments.
    """
    from tokpipe.engines.mpi.launching import has_died, mpiexec

    mpiexec()
    arguments = [*words, *(() if _names_engine(words) else ("--engine", "mpi"))]
    for left in range(max_restarts, -1, -1):
        code = _run(session, ranks, arguments)
        if not has_died(code):
            return code
        if left:
            session.progress.note(
                f"a process has died ({_cause(code)}); going on from {_kept(arguments)}"
            )
            arguments = [word for word in arguments if word != "--force"]  # would start over
    again = shlex.join(["tokpipe", "mpi", "-n", str(ranks), *_without_force(words)])
    raise RankDiedError(
        f"one of {ranks} processes has died ({_cause(code)}), and the others were stopped; "
        f"{_kept(arguments)} is where it goes on",
        hint=f"To go on: {again}",
    )


def _run(session: Session, ranks: int, arguments: Sequence[str]) -> int:
    """Run the processes once, and hand signals on to them."""
    from tokpipe.engines.mpi.launching import run_ranks

    started: list[int] = []
    try:
        return run_ranks(ranks, arguments, sys.stderr.buffer, started.append)
    except Stopped as stopped:
        for pid in started:
            os.kill(pid, stopped.exit_code - _SIGNALLED)
        raise


def _names_engine(words: Sequence[str]) -> bool:
    return any(word == "--engine" or word.startswith("--engine=") for word in words)


def _without_force(words: Sequence[str]) -> list[str]:
    return [word for word in words if word != "--force"]


def _cause(code: int) -> str:
    number = code - _SIGNALLED if code > _SIGNALLED else abs(code)
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit code {code}"


def _kept(arguments: Sequence[str]) -> str:
    """Return the last checkpoint in the output that the arguments name."""
    from tokpipe.training.state import checkpoints

    for word, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in ("-o", "--output"):
            found = checkpoints(Path(value))
            return str(found[max(found)]) if found else "the beginning"
    return "the beginning"
