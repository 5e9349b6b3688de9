"""What all commands of `tokpipe baseline` share: options, the training, what is shown of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.baselines.registry import entry_of
from tokpipe.cli.command import Command, Session, command
from tokpipe.cli.labelled_runs import part_option, score_rows, show_notes
from tokpipe.cli.options import config_options
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.foundation.config import Config
from tokpipe.labelled.config import TextColumns

if TYPE_CHECKING:
    from tokpipe.baselines.train import Trained


_WORD_BYTES = 5  # of a word of English with the space behind it
_PROGRAM = 300 << 20  # bytes of memory: libraries and kernels
_GRAM_MEMORY, _GRAM_DISK = 60, 3  # bytes of each word and n-gram of the text
_GRAM_SECONDS = 3e-6  # of each, all models that are tried together
_START_SECONDS = 3.0


def baseline_command(
    name: str, config: type[Config], examples: Sequence[str]
) -> Callable[[Callable[..., Any]], Command]:
    """Make the command of a method; the function's docstring is its help."""

    def decorate(function: Callable[..., Any]) -> Command:
        def run(session: Session, **given: Any) -> None:
            _train(session, name, **given)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        for option in reversed(
            [
                click.argument("task", type=click.Choice(entry_of(name).tasks), metavar="TASK"),
                part_option("--train", "The part that is learned from.", required=True),
                part_option("--validation", "The part that settings are chosen by."),
                part_option("--test", "A part that is only scored, when all is chosen."),
                click.option(
                    *("-o", "--output"), required=True, metavar="FOLDER", help="What comes of it."
                ),
                click.option(
                    "--validation-fraction",
                    type=click.FloatRange(0.001, 0.9),
                    default=0.1,
                    show_default=True,
                    help="Share of the training part that is held out where no validation part "
                    "is given.",
                ),
                config_options(TextColumns, "columns", heading="Columns"),
                config_options(config, "config", heading="Method"),
            ]
        ):
            run = option(run)
        return command(name=name, examples=examples, plans=True)(run)

    return decorate


def _train(  # noqa: PLR0913 - what the command was given
    session: Session,
    method: str,
    *,
    task: str,
    output: str,
    validation_fraction: float,
    config: Any,
    columns: TextColumns,
    **paths: str | None,
) -> None:
    session.begin_kernels()
    how = {"columns": columns, "validation_fraction": validation_fraction, "seed": session.seed}
    if session.dry_run:
        show_plan(session, _plan(method, task, output, paths, how, config.ngrams))
        return
    from tokpipe.baselines.train import train_baseline

    made = train_baseline(
        method,
        task,
        out=output,
        config=config,
        force=session.force,
        progress=session.progress,
        **paths,  # type: ignore[arg-type]
        **how,  # type: ignore[arg-type]
    )
    _show(session, output, made)


def _plan(
    method: str,
    task: str,
    output: str,
    paths: dict[str, str | None],
    how: dict[str, Any],
    longest: int,
) -> Plan:
    from tokpipe.baselines.train import read_data

    given = {name: path for name, path in paths.items() if path is not None}
    parts = read_data(task, given, **how)
    text = sum(column.nbytes for part in parts.values() for column in part.texts)
    grams = text // _WORD_BYTES * longest
    return Plan(
        title=f"{method} for {task}",
        facts={f"{name} rows": len(part) for name, part in parts.items()},
        memory=_PROGRAM + grams * _GRAM_MEMORY,
        disk=grams * _GRAM_DISK,
        seconds=_START_SECONDS + grams * _GRAM_SECONDS,
        output=output,
    )


def _show(session: Session, output: str, made: "Trained") -> None:
    report = made.report
    costs = {"seconds": round(made.seconds, 3), "rows_per_second": round(made.speed, 1)}
    if session.json:
        session.console.json(
            {"output": output, **report.to_dict(), "chosen": dict(made.chosen), **costs}
        )
        return
    rows = [(name.replace("_", " "), f"{value:g}") for name, value in made.chosen.items()]
    rows += score_rows(report.scores)
    rows.append(("time", duration(made.seconds)))
    rows.append(("rows a second", f"{made.speed:,.0f}"))
    session.console.table(f"A baseline in {output}", rows)
    show_notes(session, report.notes)
    line = f"tokpipe compare MODEL {Path(output)}"
    session.console.go_on_with(line, title="Set it beside a fine-tuned model:")
