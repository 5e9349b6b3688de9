"""`tokpipe inspect run`: the curves of one or more trainings."""

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.pages import check_page, page_option, write_page


@command(
    name="run",
    examples=[
        "tokpipe inspect run out/run",
        "tokpipe inspect run out/run out/other --html curves.html",
    ],
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="All curves, not the losses alone.")
@page_option("Write one page with all curves.")
def inspect_run(
    session: Session, runs: tuple[str, ...], everything: bool, html: str | None
) -> None:
    """Draw the curves of trainings over one another.

    RUN is a run folder, finished or not, or one of several seeds.
    """
    from tokpipe.inspection.runs import metrics_of, read_run, runs_in

    check_page(session, html)
    found = [read_run(one) for run in runs for one in runs_in(run)]
    if html is not None:
        from tokpipe.inspection.run_page import run_page

        write_page(session, html, run_page(found, metrics_of(found)))
    if session.json:
        session.console.json([{"run": run.name, **run.figures()} for run in found])
    if session.json or html is not None:
        return
    from tokpipe.inspection.terminal.runs import runs_renderable

    out = session.console.out
    metrics = metrics_of(found, losses_only=not everything)
    session.console.rich().print(
        runs_renderable(found, metrics, out.width, ascii=out.ascii, color=out.color)
    )
