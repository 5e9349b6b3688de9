"""The curves of trainings in the terminal, and a table of what they came to."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.foundation.visible import visible
from tokpipe.inspection.runs import RunView, heading
from tokpipe.inspection.terminal.curves import chart, key


def runs_renderable(
    runs: Sequence[RunView], metrics: Sequence[str], width: int, *, ascii: bool, color: bool
) -> RenderableType:
    """Draw each metric that a run has as one chart, with the runs over one another.

    Runs stand in the order of their colours and letters: without colours several are drawn as
    letters. Metrics are figures of a line, see `metrics_of`.
    """
    letters = ascii or (not color and len(runs) > 1)
    parts: list[RenderableType] = [_summary(runs, letters=letters)]
    for run in runs:
        each = [f"phase {phase} from step {step:,}" for phase, step in run.phases.items()]
        if each:
            parts.append(Text(f"{visible(run.name)}: {', '.join(each)}", style="dim"))
    for metric in metrics:
        curves = [run.curve(metric, width) for run in runs]
        if any(curve.values for curve in curves):
            parts += [Text(), Text(heading(runs, metric), style="bold")]
            last = max(step for curve in curves for step in curve.steps)
            ends = ("0", plural(int(last), "step"))
            parts += chart(curves, width, ends, letters=letters)
    return Group(*parts)


def _summary(runs: Sequence[RunView], *, letters: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "steps", "tokens", "loss, last 50", "best validation", "tokens/s"):
        table.add_column(name, justify="left" if name == "run" else "right", overflow="fold")
    for number, run in enumerate(runs):
        figures = run.figures()
        name = key(number, letters=letters).append(visible(run.name), "default")
        best = figures.get("best_score", figures["best_validation_loss"])
        table.add_row(
            name,
            f"{figures['steps']:,}",
            f"{figures['tokens']:,}",
            f"{figures['loss'] or 0:.4f}",
            "" if best is None else f"{best:.4f} at {figures['best_step']:,}",
            f"{figures['tokens_per_second'] or 0:,.0f}",
        )
    return table
