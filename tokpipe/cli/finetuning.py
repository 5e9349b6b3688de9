"""What all commands of `tokpipe finetune` share: options, the training, what is shown of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Command, Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.labelled_runs import kept, part_option, score_rows, show_notes
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.plan import Plan, finetuning_plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.cli.ranks import SEVERAL, ranks_of
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.foundation.config import Config
from tokpipe.foundation.stores.publishing import run_place
from tokpipe.labelled.config import TagColumns, TextColumns

if TYPE_CHECKING:
    from tokpipe.finetuning.finetune import Finetuned

TEXTS, WORDS = TextColumns, TagColumns


def finetune_command(
    name: str,
    *,
    examples: Sequence[str],
    columns: type[Config] | None = None,
    leave_out: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Command]:
    """Make the command of a task; the function's docstring is its help.

    Parameters
    ----------
    columns
        Settings that say where texts, words and labels stand; None: the format says it.
    leave_out
        Settings that say nothing of the task.
    """
    has_long_texts = columns is TextColumns

    def decorate(function: Callable[..., Any]) -> Command:
        def run(session: Session, **given: Any) -> None:
            _finetune(session, name, **given)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        windows = () if has_long_texts else ("long_texts",)
        for option in reversed(
            [
                click.argument("model", metavar="MODEL", type=MODEL),
                part_option("--train", "The part that is learned from.", required=True),
                part_option("--validation", "The part that the best epoch is chosen by."),
                part_option("--test", "A part that is only scored, when all is chosen."),
                click.option(
                    *("-o", "--output"), required=True, metavar="FOLDER", help="What comes of it."
                ),
                *_columns(columns, leave_out),
                config_options(WindowConfig, "windows", heading="Long texts", leave_out=windows),
                config_options(
                    FinetuneConfig, "config", heading="Training", leave_out=("seed", *leave_out)
                ),
                config_options(RanksConfig, "ranks", heading=SEVERAL),
            ]
        ):
            run = option(run)
        return command(name=name, examples=examples, plans=True)(run)

    return decorate


def _columns(kind: type[Config] | None, leave_out: tuple[str, ...]) -> list[Callable[..., Any]]:
    if kind is None:
        return []
    return [config_options(kind, "columns", heading="Columns", leave_out=leave_out)]


def _finetune(  # noqa: PLR0913 - what the command was given
    session: Session,
    task: str,
    *,
    model: str,
    output: str,
    config: FinetuneConfig,
    windows: WindowConfig,
    ranks: RanksConfig,
    columns: Config | None = None,
    **paths: str | None,
) -> None:
    session.begin_kernels(keeps=lambda: kept(run_place(output)))
    config = replace(config, seed=session.seed)
    how = {"config": config, "windows": windows, "columns": columns}
    if session.dry_run:
        show_plan(session, _plan(session, task, model, output, paths, how))
        return
    from tokpipe.cli.training_display import training_display
    from tokpipe.finetuning.finetune import finetune

    start = time.monotonic()
    with training_display(session.progress) as watch, ranks_of(ranks, output) as workers:
        made = finetune(
            task,
            model,
            out=output,
            **paths,  # type: ignore[arg-type]
            **how,  # type: ignore[arg-type]
            threads=session.threads,
            force=session.force,
            watch=watch,
            progress=session.progress,
            ranks=workers,
        )
    if workers.rank == 0:
        _show(session, output, made, time.monotonic() - start)


def _plan(
    session: Session,
    task: str,
    model: str,
    output: str,
    paths: dict[str, str | None],
    how: dict[str, Any],
) -> Plan:
    from tokpipe.finetuning.preparing import Asked, prepare
    from tokpipe.finetuning.registry import task_of
    from tokpipe.foundation.threads import thread_count

    given = {name: path for name, path in paths.items() if path is not None}
    asked = Asked(task=task_of(task), model=model, paths=given, **how)
    threads = thread_count(session.threads)
    return finetuning_plan(prepare(asked, threads, session.progress), threads, output)


def _show(session: Session, output: str, made: "Finetuned", seconds: float) -> None:
    report = made.report
    if session.json:
        session.console.json(
            {
                "output": output,
                "step": made.state.step,
                **report.to_dict(),
                **({"spread": made.spread} if made.spread else {}),
                "seconds": round(seconds, 3),
            }
        )
        return
    rows = [("kept", f"step {made.state.step:,}")]
    rows += score_rows(report.scores)
    for part, of in made.spread.items():
        for name, value in of.items():
            shown = f"{value['median']:.4f} ({value['least']:.4f} to {value['greatest']:.4f})"
            rows.append((f"{part} {name}, median of seeds", shown))
    rows += [(f"{part}, long rows", said) for part, said in report.long_rows.items()]
    rows.append(("time", duration(seconds)))
    session.console.table(f"A model in {output}", rows)
    show_notes(session, report.notes)
    folder = typed(output)
    runs = f"{folder}/seed-*" if made.spread else folder
    session.console.go_on_with(f"tokpipe predict {folder}", f"tokpipe inspect run {runs}")
