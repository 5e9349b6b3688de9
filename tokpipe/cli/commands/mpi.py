"""`tokpipe mpi`: a command as several processes, with the `mpiexec` that comes with the extra."""

import json
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import Count
from tokpipe.cli.started import STARTED_AS
from tokpipe.foundation.errors import TokpipeError


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
    from tokpipe.engines.mpi.guardian import last_words
    from tokpipe.engines.mpi.launching import run_ranks

    streams = sys.stdout.buffer, sys.stderr.buffer
    arguments = [*words, *(() if _names_engine(words) else ("--engine", "mpi"))]
    before = ["tokpipe", "mpi", "-n", str(ranks)]
    if max_restarts:
        before += ["--max-restarts", str(max_restarts)]
    problem = hint = ""
    for left in range(max_restarts, -1, -1):
        ended = run_ranks(ranks, arguments, streams, {STARTED_AS: json.dumps(before)})
        if not ended.has_died:
            return ended.code
        arguments = [word for word in arguments if word != "--force"]  # it would start over
        problem, hint = last_words(_output(arguments), shlex.join([*before, *arguments]))
        if left:
            session.progress.note(f"{problem}; going on")
    raise RankDiedError(problem, hint=hint)


mpi.allow_interspersed_args = False  # what stands behind the command's name is the command's


def _names_engine(words: Sequence[str]) -> bool:
    return any(word == "--engine" or word.startswith("--engine=") for word in words)


def _output(arguments: Sequence[str]) -> str:
    """Return the folder that the arguments name; empty if none."""
    for word, value in pairwise([*arguments, ""]):
        name, _, given = word.partition("=")
        if word in ("-o", "--output"):
            return value
        if name == "--output" and given:
            return given
    return ""
