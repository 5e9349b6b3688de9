"""What commands share that train on labelled data: options, what is kept, how scores are shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session
from tokpipe.foundation.sizes import figure, scored
from tokpipe.foundation.visible import visible

if TYPE_CHECKING:
    from tokpipe.metrics.scores import Score, Scores


def part_option(flag: str, about: str, *, required: bool = False) -> Callable[..., Any]:
    """Return the option of a part of the data."""
    return click.option(flag, metavar="FILE", required=required, help=about)


def kept(out: Path) -> str:
    """Say what is kept of a training that was stopped."""
    found = max(
        out.rglob("checkpoint-*"), key=lambda path: (path.stat().st_mtime, path.name), default=None
    )
    return f"{found} is kept" if found else "no checkpoint was finished"


def score_rows(parts: Mapping[str, "Scores"]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table: the scores of each part, and what the majority comes to."""
    for part, scores in parts.items():
        for score in scores.scores:
            yield f"{part} {score.name}", _score_text(score)
        yield f"{part} majority", f"{figure(scores.majority)}, n = {scores.n:,}"


def _score_text(score: "Score") -> str:
    value, interval = scored(*score[1:])
    return f"{value}  ({interval})" if interval else value


def show_notes(session: Session, notes: Sequence[str]) -> None:
    """Write what is said beside scores, a blank line before each and behind all."""
    for note in notes:
        session.console.out.line(f"\n{visible(note)}")
    session.console.out.line("")
