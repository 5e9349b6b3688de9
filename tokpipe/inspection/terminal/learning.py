"""Score against labelled rows in the terminal: a table, and a chart below it."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tokpipe.foundation.sizes import plural, scored
from tokpipe.foundation.visible import visible
from tokpipe.inspection.runs import Curve
from tokpipe.inspection.terminal.curves import chart, key
from tokpipe.tasks.learning import Learned, LearningCurve


def learned_renderable(learned: Learned, width: int, *, ascii: bool, color: bool) -> RenderableType:
    """Draw what methods came to with more and more labelled rows, which stand in equal ratios.

    Parameters
    ----------
    width
        Columns that there are.
    ascii, color
        What the terminal can show; several curves without colours are drawn as letters.
    """
    letters = ascii or (not color and len(learned.curves) > 1)
    rows = sorted({point.rows for curve in learned.curves for point in curve.points})
    curves = [_curve(curve, rows[0]) for curve in learned.curves]
    parts: list[RenderableType] = [_table(learned, letters=letters)]
    if any(curve.values for curve in curves):
        ends = f"{rows[0]:,}", plural(rows[-1], "labelled row")
        parts += [Text(), Text(visible(learned.score), style="bold")]
        parts += chart(curves, width, ends, letters=letters)
    return Group(*parts)


def _curve(curve: LearningCurve, fewest: int) -> Curve:
    known = [point for point in curve.points if math.isfinite(point.value)]
    steps = [math.log(point.rows / fewest) for point in known]
    return Curve(steps, [point.value for point in known])


def _table(learned: Learned, *, letters: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("method", "rows", visible(learned.score), "95 % interval", "seconds"):
        table.add_column(name, justify="left" if name == "method" else "right", overflow="fold")
    for number, curve in enumerate(learned.curves):
        name = key(number, letters=letters).append(visible(curve.method), "default")
        for row, point in enumerate(curve.points):
            figures = (f"{point.rows:,}", *scored(*point[1:4]), f"{point.seconds:,.1f}")
            table.add_row("" if row else name, *figures)
    return table
