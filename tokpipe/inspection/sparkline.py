"""Numbers as a line of small bars, and how series are thinned out to fit."""

import math
from collections.abc import Sequence
from itertools import pairwise

_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"


def sparkline(values: Sequence[float], width: int, *, ascii: bool = False) -> str:
    """Draw numbers as bars from the least to the greatest; what is no number is left out.

    A longer series than `width` columns is thinned out by means. `ascii` is for what shows no more.

    Examples
    --------
    >>> sparkline([3, 2, 1, 1], 10)
    '█▄▁▁'
    """
    thin = thinned([value for value in values if math.isfinite(value)], width)
    if not thin:
        return ""
    bars = _ASCII_BARS if ascii else _BARS
    least, span = min(thin), max(thin) - min(thin)
    return "".join(bars[int((v - least) / span * (len(bars) - 1)) if span else 0] for v in thin)


def thinned(values: Sequence[float], most: int) -> list[float]:
    """Return at most so many numbers: the means of runs of the series.

    Examples
    --------
    >>> thinned([1, 3, 5, 7], 2)
    [2.0, 6.0]
    """
    if len(values) <= most:
        return list(values)
    borders = [i * len(values) // most for i in range(most + 1)]
    runs = (values[a:b] for a, b in pairwise(borders))
    return [sum(run) / len(run) for run in runs]
