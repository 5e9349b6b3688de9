"""What all commands of `tokpipe baseline` share: options, the training, what is shown of it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tokpipe.baselines.registry import WORD_TASKS, entry_of
from tokpipe.cli.column_options import tag_column_options
from tokpipe.cli.command import Command, Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.labelled_runs import part_option, score_rows, show_notes
from tokpipe.cli.options import config_options
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.foundation.config import Config
from tokpipe.foundation.threads import thread_count
from tokpipe.labelled.config import TagColumns, TextColumns

if TYPE_CHECKING:
    from tokpipe.baselines.train import Trained


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
                *([tag_column_options()] if {*WORD_TASKS} & {*entry_of(name).tasks} else []),
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
    tag_columns: TagColumns | None = None,
    **paths: str | None,
) -> None:
    session.begin_kernels()
    asked = tag_columns if task in WORD_TASKS else columns
    how = {"columns": asked, "validation_fraction": validation_fraction, "seed": session.seed}
    if session.dry_run:
        show_plan(session, _plan(session, method, task, output, paths, how, config))
        return
    from tokpipe.baselines.train import train_baseline

    made = train_baseline(
        method,
        task,
        out=output,
        config=config,
        force=session.force,
        threads=session.threads,
        progress=session.progress,
        **paths,  # type: ignore[arg-type]
        **how,  # type: ignore[arg-type]
    )
    _show(session, output, made)


def _plan(  # noqa: PLR0913 - what the command was given
    session: Session,
    method: str,
    task: str,
    output: str,
    paths: dict[str, str | None],
    how: dict[str, Any],
    config: Any,
) -> Plan:
    from tokpipe.baselines.registry import method_of
    from tokpipe.baselines.train import read_data
    from tokpipe.training.memory import PROGRAM

    given = {name: path for name, path in paths.items() if path is not None}
    parts = read_data(task, given, **how)
    needs = method_of(method).needs(parts, config, thread_count(session.threads))
    return Plan(
        title=f"{method} for {task}",
        facts={f"{name} rows": len(part) for name, part in parts.items()},
        memory=PROGRAM + sum(needs.memory.values()),
        disk=needs.disk,
        seconds=_START_SECONDS + needs.seconds,
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
    line = f"tokpipe compare MODEL {typed(output)}"
    session.console.go_on_with(line, title="Set it beside a fine-tuned model:")
