"""Curves and maps as drawings of a page, with the numbers behind them as tables."""

from collections.abc import Mapping
from typing import Any
from unicodedata import combining, east_asian_width

import numpy as np

from tokpipe.foundation.visible import visible
from tokpipe.inspection.chapters.chapter import Curves, Grid
from tokpipe.inspection.pages import PLOT, SIZE, TICKS, color, x_of, y_of, y_ticks

_CELL, _LETTER = 14, 7  # pixels of a number in a map, and of a letter beside it
_WRITTEN = 17  # points of a curve, in the table behind it


def curves_figure(curves: Curves) -> Mapping[str, Any]:
    """Return curves as `figure.html` draws them."""
    low = min(float(values.min()) for values in curves.y.values())
    high = max(float(values.max()) for values in curves.y.values())
    first, span = float(curves.x[0]), float(curves.x[-1] - curves.x[0]) or 1.0
    height = high - low or 1.0
    places = [x_of((x - first) / span) for x in curves.x.tolist()]
    lines = []
    for number, (name, values) in enumerate(curves.y.items()):
        heights = [y_of((value - low) / height) for value in values.tolist()]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
        lines.append({"points": points, "color": color(number), "label": visible(name)})
    some = np.linspace(0, len(curves.x) - 1, min(_WRITTEN, len(curves.x))).round().astype(int)
    return {
        "kind": "curves",
        "title": visible(curves.name),
        "size": SIZE,
        "plot": PLOT,
        "lines": lines,
        "y_ticks": y_ticks(low, low + height),
        "x_ticks": [(x_of(i / TICKS), f"{first + span * i / TICKS:g}") for i in range(TICKS + 1)],
        "heads": [f"{x:g}" for x in curves.x[some].tolist()],
        "table": [(visible(name), _digits(values[some])) for name, values in curves.y.items()],
    }


def map_figure(grid: Grid, most: float | None = None) -> Mapping[str, Any]:
    """Return numbers as cells, the stronger the further from 0; full from `most` on.

    By default that is the greatest, but twice the spread at most: an outlier is no measure.
    """
    names = [visible(name) for name in grid.rows] or [""] * len(grid.values)
    left = _LETTER * max(map(_columns, names)) + 12
    if most is None:
        most = min(float(abs(grid.values).max()), 2 * float(grid.values.std()) or np.inf) or 1.0
    cells = [
        {
            "y": _CELL * i,
            "label": name,
            "filled": [
                (left + _CELL * j, "above" if value > 0 else "below", f"{share:.2f}")
                for j, value in enumerate(row.tolist())
                if (share := min(abs(value) / most, 1.0)) >= 1 / 100
            ],
        }
        for i, (name, row) in enumerate(zip(names, grid.values, strict=True))
    ]
    count = grid.values.shape[1]
    return {
        "kind": "map",
        "title": visible(grid.name),
        "size": (left + _CELL * count, _CELL * len(names)),
        "left": left,
        "cell": _CELL,
        "cells": cells,
        "signs": bool((grid.values < 0).any()),
        "heads": [*map(visible, grid.columns)] or [f"{j + 1}" for j in range(count)],
        "table": [(name, _digits(row)) for name, row in zip(names, grid.values, strict=True)],
    }


def _columns(name: str) -> int:
    """Return how many letters wide a name is: those of East Asia are two, marks are none."""
    return sum(1 + (east_asian_width(sign) in "WF") for sign in name if not combining(sign))


def _digits(values: np.ndarray) -> list[str]:
    return [f"{value:.3f}" for value in values.tolist()]
