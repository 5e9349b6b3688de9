"""Curves in the terminal: lines of Braille dots, or of letters where only ASCII can be shown."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from tokpipe.inspection.runs import Curve

_COLORS = ("cyan", "yellow", "magenta", "green", "red", "blue")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # column, row of a Braille cell
_HEIGHT = 8  # lines of a chart: two fit a terminal of 24
_AXIS = 10  # columns of the numbers at the left


def key(number: int, *, letters: bool) -> Text:
    """Return the sign of a curve, by which a table names it."""
    mark = f"{_LETTERS[number % 26]} " if letters else "● "
    return Text(mark, style=_COLORS[number % len(_COLORS)])


def chart(
    curves: Sequence[Curve],
    width: int,
    ends: tuple[str, str],
    *,
    letters: bool,
    height: int = _HEIGHT,
) -> list[Text]:
    """Return the lines of a chart with its axes.

    Parameters
    ----------
    curves
        One at least has a point; steps count from 0.
    width
        Columns that there are.
    ends
        What stands below the axis at its left and at its right.
    letters
        Draw curves as letters: several without colours, or where only ASCII can be shown.
    height
        Lines of the plot.
    """
    width = max(width - _AXIS - 1, 8)
    values = [value for curve in curves for value in curve.values]
    last = max(step for curve in curves for step in curve.steps)
    low, high = min(values), max(values)
    cells = _cells(curves, (width, height), (last, low, high), letters=letters)
    lines = []
    for row in range(height):
        at = {0: high, height - 1: low}.get(row)
        line = Text(f"{'' if at is None else f'{at:.4g}':>{_AXIS - 1}} ", style="dim")
        for column in range(width):
            sign, owner = cells.get((column, row), (" ", -1))
            line.append(sign, _COLORS[owner % len(_COLORS)] if owner >= 0 else "default")
        line.rstrip()
        lines.append(line)
    left, right = ends
    lines.append(Text(f"{'':>{_AXIS}}{left}{right:>{max(width - len(left), 0)}}", style="dim"))
    return lines


def _cells(
    curves: Sequence[Curve],
    size: tuple[int, int],
    limits: tuple[float, float, float],
    *,
    letters: bool,
) -> dict[tuple[int, int], tuple[str, int]]:
    """Return sign and run of each cell that a curve passes through.

    Curves that lie on one another take turns, so that none hides the others.
    """
    fine = (1, 1) if letters else (2, 4)
    dots = (size[0] * fine[0], size[1] * fine[1])
    bits: dict[tuple[int, int], int] = {}
    passing: dict[tuple[int, int], list[int]] = {}
    for number, curve in enumerate(curves):
        for x, y in _joined([_dot(*point, dots, limits) for point in zip(*curve, strict=True)]):
            cell = x // fine[0], y // fine[1]
            bits[cell] = bits.get(cell, 0) | _DOTS[x % fine[0]][y % fine[1]]
            here = passing.setdefault(cell, [])
            if number not in here:
                here.append(number)
    owners = {cell: here[cell[0] % len(here)] for cell, here in passing.items()}
    if letters:
        return {cell: (_LETTERS[owner % 26], owner) for cell, owner in owners.items()}
    return {cell: (chr(0x2800 + bits[cell]), owner) for cell, owner in owners.items()}


def _dot(
    step: float, value: float, dots: tuple[int, int], limits: tuple[float, float, float]
) -> tuple[int, int]:
    last, low, high = limits
    share = (high - value) / (high - low) if high > low else 0.5
    return int(step / last * (dots[0] - 1)) if last else 0, int(share * (dots[1] - 1))


def _joined(points: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the dots of the lines from each point to the next."""
    yield from points[:1]
    for (x, y), (to_x, to_y) in pairwise(points):
        count = max(abs(to_x - x), abs(to_y - y), 1)
        for i in range(1, count + 1):
            yield x + round((to_x - x) * i / count), y + round((to_y - y) * i / count)
