"""`tokpipe compare`: fine-tuned models and earlier approaches in one table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.foundation.sizes import format_bytes

if TYPE_CHECKING:
    from tokpipe.tasks.compare import Compared, Comparison


@command(
    examples=[
        "tokpipe compare out/bow out/bert",
        "tokpipe compare out/nbsvm out/bilstm out/bert --json",
    ]
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
def compare(session: Session, runs: tuple[str, ...]) -> None:
    """Compare runs on the same data: scores with 95 % intervals, cost, and tested differences.

    RUN are folders that finetune or baseline has written. All are judged by the same rows, those
    of the test part, or else of the validation part; each difference is one to the first RUN.
    """
    from tokpipe.tasks.compare import compare_runs

    found = compare_runs(runs, seed=session.seed)
    if session.json:
        session.console.json(found.to_dict())
        return
    console = session.console
    console.table(_title(found), list(_methods(found)), _METHODS)
    if len(found.runs) > 1:
        console.out.line()
        title = f"difference in {found.runs[0].scores.scores[0].name} to {found.runs[0].run.name}"
        console.table(title, [_difference(run) for run in found.runs[1:]], _DIFFERENCES)


_METHODS = ("run", "score", "95 % interval", "training", "size")
_DIFFERENCES = ("run", "difference", "95 % interval", "p")


def _title(found: "Comparison") -> str:
    first = found.runs[0].scores
    return (
        f"{found.task}, {found.part}: {first.scores[0].name} of {first.n:,} "
        f"(majority {first.majority:.4f})"
    )


def _methods(found: "Comparison") -> Iterator[tuple[str, ...]]:
    for run in found.runs:
        score = run.scores.scores[0]
        yield (
            run.run.name,
            f"{score.value:.4f}",
            f"{score.low:.4f} to {score.high:.4f}",
            _seconds(run.run.seconds),
            format_bytes(run.run.size),
        )


def _difference(run: "Compared") -> tuple[str, ...]:
    found = run.difference
    assert found is not None
    interval = f"{found.low:+.4f} to {found.high:+.4f}"
    return run.run.name, f"{found.difference:+.4f}", interval, f"{found.p_value:.4f}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f} s"
