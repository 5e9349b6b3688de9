"""The curves of trainings as one page that fetches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokpipe.foundation.visible import visible
from tokpipe.inspection.pages import CHARTS, PLOT, SIZE, TICKS, color, rendered, x_of, y_of, y_ticks
from tokpipe.inspection.runs import SCORE, Curve, RunView, heading, last_step

_POINTS = 500  # of a curve, about one a pixel
_WRITTEN = 20  # of the same curve, in the table behind it


@dataclass(frozen=True)
class _Line:
    """A curve as SVG draws it."""

    points: str
    color: int
    label: str
    dashed: bool
    written: list[tuple[str, str]]  # steps and values


def run_page(runs: Sequence[RunView], metrics: Sequence[str]) -> str:
    """Return the page: a table, and a chart for each metric that a run has."""
    charts = [chart for metric in metrics if (chart := _chart(runs, metric))]
    rows = [
        {"name": visible(run.name), "color": color(number), **run.figures()}
        for number, run in enumerate(runs)
    ]
    scripts = CHARTS if charts else ()
    return rendered("run.html", title="Trainings", scripts=scripts, rows=rows, charts=charts)


def _chart(runs: Sequence[RunView], metric: str) -> dict[str, Any] | None:
    """Return what the template draws of one metric, or None if no run has it."""
    found = [
        (number, run, measured, run.curve(metric, _POINTS, evaluations=measured))
        for number, run in enumerate(runs)
        for measured in ((True,) if metric == SCORE else (False, True))
    ]
    found = [entry for entry in found if entry[3].values]
    if not found:
        return None
    values = [value for *_, curve in found for value in curve.values]
    low, high = min(values), max(values)
    last = last_step(runs) or 1.0
    limits = (low, high if high > low else low + 1, last)
    lines = [
        _Line(
            points=_points(curve, limits),
            color=color(number),
            label=f"{visible(run.name)}{' (validation)' if measured else ''}",
            dashed=measured,
            written=_written(run.curve(metric, _WRITTEN, evaluations=measured)),
        )
        for number, run, measured, curve in found
    ]
    return {
        "title": heading(runs, metric),
        "lines": lines,
        "measured": any(line.dashed for line in lines),
        "size": SIZE,
        "plot": PLOT,
        "y_ticks": y_ticks(*limits[:2]),
        "x_ticks": [(x_of(i / TICKS), f"{last * i / TICKS:,.0f}") for i in range(TICKS + 1)],
    }


def _points(curve: Curve, limits: tuple[float, float, float]) -> str:
    low, high, last = limits
    pairs = zip(curve.steps, curve.values, strict=True)
    points = [f"{x_of(s / last):.1f},{y_of((v - low) / (high - low)):.1f}" for s, v in pairs]
    return " ".join(points * 2 if len(points) == 1 else points)  # one point alone draws nothing


def _written(curve: Curve) -> list[tuple[str, str]]:
    pairs = zip(curve.steps, curve.values, strict=True)
    return [(f"{step:,.0f}", f"{value:.4g}") for step, value in pairs]
