"""Score against labelled rows as one page that fetches nothing."""

import math
from collections.abc import Sequence
from typing import Any

from tokpipe.foundation.sizes import scored
from tokpipe.foundation.visible import visible
from tokpipe.inspection.pages import CHARTS, PLOT, SIZE, color, rendered, x_of, y_of, y_ticks
from tokpipe.tasks.learning import Learned, LearningCurve, Reached


def learning_page(learned: Learned) -> str:
    """Return the page: a chart with the interval of each score, and a table."""
    curves = [(number, curve, _known(curve)) for number, curve in enumerate(learned.curves)]
    points = [point for *_, known in curves for point in known]
    low = min((point.low for point in points), default=0.0)
    high = max((point.high for point in points), default=1.0)
    place = _Places(points, low, high if high > low else low + 1)
    lines = [place.line(number, curve, known) for number, curve, known in curves if known]
    rows = [
        {
            "name": visible(curve.method),
            "color": color(number),
            "figures": (f"{point.rows:,}", *scored(*point[1:4])),
            "seconds": point.seconds,
        }
        for number, curve, _ in curves
        for point in curve.points
    ]
    chart = {
        "title": visible(learned.score),
        "lines": lines,
        "size": SIZE,
        "plot": PLOT,
        "y_ticks": y_ticks(place.low, place.high),
        "x_ticks": [(place.x(count), f"{count:,}") for count in place.rows],
    }
    title = "Score against labelled rows"
    content = {"rows": rows, "chart": chart, "score": chart["title"]}
    return rendered("learning.html", title=title, scripts=CHARTS, **content)


def _known(curve: LearningCurve) -> list[Reached]:
    return [point for point in curve.points if math.isfinite(point.value)]


class _Places:
    """Where in the chart points stand: rows in equal ratios, scores from `low` to `high`."""

    def __init__(self, points: Sequence[Reached], low: float, high: float) -> None:
        self.rows = sorted({point.rows for point in points})
        self.low, self.high = low, high

    def x(self, rows: int) -> float:
        """Return the pixel of a number of rows."""
        first, last = self.rows[0], self.rows[-1]
        return x_of(math.log(rows / first) / math.log(last / first) if last > first else 0.5)

    def y(self, value: float) -> float:
        """Return the pixel of a score."""
        return y_of((value - self.low) / (self.high - self.low))

    def line(self, number: int, curve: LearningCurve, known: Sequence[Reached]) -> dict[str, Any]:
        """Return what the template draws of a method: a line, and an interval at each point."""
        pairs = [(self.x(point.rows), self.y(point.value)) for point in known]
        spans = [(self.x(p.rows), self.y(p.low), self.y(p.high)) for p in known]
        return {
            "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs),
            "dots": pairs,
            "spans": spans,
            "color": color(number),
            "label": visible(curve.method),
        }
