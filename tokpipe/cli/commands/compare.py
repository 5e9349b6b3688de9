"""`tokpipe compare`: fine-tuned models and earlier approaches in one table."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.learning import LearningOptions, learn
from tokpipe.cli.options import CommaList, Decorator, GroupedOption, ListOption
from tokpipe.cli.pages import check_page, write_page
from tokpipe.cli.speeds import speeds
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.sizes import figure, format_bytes, scored
from tokpipe.labelled.config import TagColumns, TextColumns

if TYPE_CHECKING:
    from tokpipe.tasks.compare import Compared, Comparison

_CURVE = "Learning curve"


def _curve_option(about: str, *names: str, metavar: str = "FILE", **how: Any) -> Decorator:
    return click.option(
        *names, cls=GroupedOption, heading=_CURVE, metavar=metavar, help=about, **how
    )


@command(
    examples=[
        "tokpipe compare out/bow out/bert",
        "tokpipe compare out/nbsvm out/bilstm out/bert --speed test.tsv --json",
        "tokpipe compare out/bow out/bert --learning-curve 50,200,1000,all --train train.tsv "
        "--test test.tsv --model out/run -o out/curve --html curve.html",
    ]
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--speed",
    metavar="FILE",
    help="Let each RUN answer the rows of FILE, and show how many it answers in a second.",
)
@click.option(
    "--learning-curve",
    "counts",
    cls=ListOption,
    heading=_CURVE,
    type=CommaList(click.STRING),
    metavar="N,…",
    help="Train each RUN's method again on so many rows, for example 50,200,1000,all.",
)
@_curve_option("The part that rows are taken from.", "--train")
@_curve_option("The part that is chosen by; by default held out of --train.", "--validation")
@_curve_option("The part that is scored.", "--test")
@_curve_option(
    "The pretrained model that a fine-tuned RUN was made from; again: another.",
    "--model",
    metavar="FOLDER",
    multiple=True,
)
@_curve_option("Where models are trained again.", "-o", "--output", metavar="FOLDER")
@_curve_option("Write the curves as one page.", "--html")
@text_column_options("id")
@tag_column_options()
def compare(
    session: Session,
    runs: tuple[str, ...],
    speed: str | None,
    counts: tuple[str, ...] | None,
    model: tuple[str, ...],
    output: str | None,
    html: str | None,
    text_columns: TextColumns,
    tag_columns: TagColumns,
    **paths: str | None,
) -> None:
    """Compare runs on the same data: scores with 95 % intervals, cost, and tested differences.

    RUN are folders that finetune or baseline has written. All are judged by the same rows, those
    of the test part, or else of the validation part; each difference is one to the first RUN.

    With --learning-curve each method is trained again on growing parts of the data, and its score
    drawn against labelled rows: where pretraining pays, and where it does not.
    """
    columns: dict[str, Config] = {"texts": text_columns, "words": tag_columns}
    if counts is None:
        _refuse_ignored({**paths, "model": model, "output": output, "html": html})
        _compare(session, runs, speed, columns)
        return
    session.begin_kernels(keeps="finished trainings are kept" if output else "")
    asked = LearningOptions(
        counts=counts,
        paths=paths,
        models=model,
        output=output,
        columns=columns,
    )
    check_page(session, html)
    found = learn(session, runs, asked)
    if session.json:
        session.console.json(found.to_dict())
    else:
        from tokpipe.inspection.terminal.learning import learned_renderable

        out = session.console.out
        drawn = learned_renderable(found, out.width, ascii=out.ascii, color=out.color)
        session.console.rich().print(drawn)
    if html is not None:
        from tokpipe.inspection.learning_page import learning_page

        write_page(session, html, learning_page(found))


def _refuse_ignored(given: Mapping[str, object]) -> None:
    """Refuse what only a learning curve is made of, and where it goes."""
    for name, value in given.items():
        if value:
            raise ConfigError(
                f"--{name} is for a learning curve", hint="Pass --learning-curve, too, or leave it."
            )


def _compare(
    session: Session, runs: tuple[str, ...], speed: str | None, columns: Mapping[str, Config]
) -> None:
    from tokpipe.tasks.compare import compare_runs

    found = compare_runs(runs, seed=session.seed)
    if speed is not None:
        session.begin_kernels()
        found = found.with_speeds(speeds(session, runs, speed, columns))
    if session.json:
        session.console.json(found.to_dict())
        return
    console = session.console
    console.table(_title(found), list(_methods(found)), _METHODS)
    if len(found.runs) > 1:
        console.out.line()
        title = f"difference in {found.runs[0].scores.scores[0].name} to {found.runs[0].run.name}"
        console.table(title, [_difference(run) for run in found.runs[1:]], _DIFFERENCES)


_METHODS = ("run", "score", "95 % interval", "training", "rows/s", "size")
_DIFFERENCES = ("run", "difference", "95 % interval", "p")


def _title(found: "Comparison") -> str:
    first = found.runs[0].scores
    return (
        f"{found.task}, {found.part}: {first.scores[0].name} of {first.n:,} "
        f"(majority {figure(first.majority)})"
    )


def _methods(found: "Comparison") -> Iterator[tuple[str, ...]]:
    for run in found.runs:
        score = run.scores.scores[0]
        yield (
            run.run.name,
            *scored(*score[1:]),
            _seconds(run.run.seconds),
            "" if run.run.speed is None else f"{run.run.speed:,.0f}",
            format_bytes(run.run.size),
        )


def _difference(run: "Compared") -> tuple[str, ...]:
    found = run.difference
    assert found is not None
    is_known = found.difference == found.difference
    interval = f"{found.low:+.4f} to {found.high:+.4f}" if is_known else ""
    difference, p_value = figure(found.difference, "+.4f"), figure(found.p_value)
    return run.run.name, difference, interval, p_value if is_known else ""


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f} s"
