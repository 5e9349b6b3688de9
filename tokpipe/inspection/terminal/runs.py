"""The curves of trainings in the terminal, and a table of what they came to."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.foundation.visible import visible
from tokpipe.inspection.runs import RunView, heading, last_step
from tokpipe.inspection.terminal.curves import chart, key

_HEAD = ("steps", "tokens", "loss, last 50", "best validation", "tokens/s")
_GAP = 2  # columns before each of them
_LEAST_NAME = 12  # columns of a run's name


def runs_renderable(
    runs: Sequence[RunView], metrics: Sequence[str], width: int, *, ascii: bool, color: bool
) -> RenderableType:
    """Draw each metric that a run has as one chart, with the runs over one another.

    Runs stand in the order of their colours and letters: without colours several are drawn as
    letters. Metrics are figures of a line, see `metrics_of`.
    """
    letters = ascii or (not color and len(runs) > 1)
    parts: list[RenderableType] = [_summary(runs, width, letters=letters)]
    for run in runs:
        each = [f"phase {phase} from step {step:,}" for phase, step in run.phases.items()]
        if each:
            parts.append(Text(f"{visible(run.name)}: {', '.join(each)}", style="dim"))
    for metric in metrics:
        curves = [run.curve(metric, width) for run in runs]
        if any(curve.values for curve in curves):
            parts += [Text(), Text(heading(runs, metric), style="bold")]
            ends = ("0", plural(last_step(runs), "step"))
            parts += chart(curves, width, ends, letters=letters)
    return Group(*parts)


def _summary(runs: Sequence[RunView], width: int, *, letters: bool) -> Table:
    """Draw a line a run; a narrow terminal keeps the first columns, and what nobody knows is blank.

    Names that do not fit go on below.
    """
    rows = [_HEAD, *(_figures(run) for run in runs)]
    widths = [max(map(len, column)) + _GAP for column in zip(*rows, strict=True)]
    while len(widths) > 1 and sum(widths) + _LEAST_NAME > width:
        widths.pop()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold")
    for name in _HEAD[: len(widths)]:
        table.add_column(name, justify="right", no_wrap=True)
    for number, (run, figures) in enumerate(zip(runs, rows[1:], strict=True)):
        name = key(number, letters=letters).append(visible(run.name), "default")
        table.add_row(name, *figures[: len(widths)])
    return table


def _figures(run: RunView) -> tuple[str, ...]:
    figures = run.figures()
    loss, speed = figures["loss"], figures["tokens_per_second"]
    best = figures.get("best_score", figures["best_validation_loss"])
    return (
        f"{figures['steps']:,}",
        f"{figures['tokens']:,}",
        "" if loss is None else f"{loss:.4f}",
        "" if best is None else f"{best:.4f} at {figures['best_step']:,}",
        f"{speed:,.0f}" if speed else "",
    )
