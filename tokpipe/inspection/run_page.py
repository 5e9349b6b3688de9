"""The curves of trainings as one page that fetches nothing and runs nothing."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tokpipe.foundation.visible import visible
from tokpipe.inspection.runs import Curve, RunView, heading

_TEMPLATES = Path(__file__).with_name("templates")
_COLORS = 6  # of `page.css`, which has them for light and for dark
_WIDTH, _HEIGHT = 560, 220  # pixels of a chart
_POINTS = 500  # of a curve, about one a pixel
_LEFT, _BOTTOM, _TOP = 58, 40, 8  # pixels round the plot, for its ticks and their names
_TICKS = 4  # parts of an axis


@dataclass(frozen=True)
class _Line:
    """A curve as SVG draws it."""

    points: str
    color: int
    label: str
    dashed: bool


def run_page(runs: Sequence[RunView], metrics: Sequence[str]) -> str:
    """Return the page: a table, and a chart for each metric that a run has."""
    charts = [chart for metric in metrics if (chart := _chart(runs, metric))]
    rows = [
        {"name": visible(run.name), "color": _color(number), **run.figures()}
        for number, run in enumerate(runs)
    ]
    return rendered("run.html", rows=rows, charts=charts)


def rendered(template: str, **content: Any) -> str:
    """Return a page of a template.

    All text is escaped; the page has no script, and its policy allows our own style alone.
    """
    style = (_TEMPLATES / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return _template(template).render(**content, style=style, policy=policy)


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader  # only for pages

    loader = FileSystemLoader(_TEMPLATES)
    return Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(name)


def _chart(runs: Sequence[RunView], metric: str) -> dict[str, Any] | None:
    """Return what the template draws of one metric, or None if no run has it."""
    found = [
        (number, run, measured, run.curve(metric, _POINTS, evaluations=measured))
        for number, run in enumerate(runs)
        for measured in (False, True)
    ]
    found = [entry for entry in found if entry[3].values]
    if not found:
        return None
    values = [value for *_, curve in found for value in curve.values]
    low, high = min(values), max(values)
    last = max(step for *_, curve in found for step in curve.steps) or 1.0
    limits = (low, high if high > low else low + 1, last)
    ticks = [i / _TICKS for i in range(_TICKS + 1)]
    lines = [
        _Line(
            points=_points(curve, limits),
            color=_color(number),
            label=f"{visible(run.name)}{' (validation)' if measured else ''}",
            dashed=measured,
        )
        for number, run, measured, curve in found
    ]
    return {
        "title": heading(runs, metric),
        "lines": lines,
        "measured": any(line.dashed for line in lines),
        "size": (_WIDTH, _HEIGHT),
        "plot": (_LEFT, _TOP, _WIDTH - 10, _HEIGHT - _BOTTOM),
        "y_ticks": [(_y(t), f"{limits[0] + (limits[1] - limits[0]) * t:.4g}") for t in ticks],
        "x_ticks": [(_x(t), f"{last * t:,.0f}") for t in ticks],
    }


def _points(curve: Curve, limits: tuple[float, float, float]) -> str:
    low, high, last = limits
    pairs = zip(curve.steps, curve.values, strict=True)
    points = [f"{_x(s / last):.1f},{_y((v - low) / (high - low)):.1f}" for s, v in pairs]
    return " ".join(points * 2 if len(points) == 1 else points)  # one point alone draws nothing


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - 10 - _LEFT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _color(number: int) -> int:
    return number % _COLORS
