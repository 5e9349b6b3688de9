"""Pages that fetch nothing and run nothing: their frame, and where in a chart its points stand."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).with_name("templates")
_COLORS = 6  # of `page.css`, which has them for light and for dark
SIZE = 560, 220  # pixels of a chart
_LEFT, _BOTTOM, _TOP = 58, 40, 8  # pixels round the plot, for its ticks and their names
PLOT = _LEFT, _TOP, SIZE[0] - 10, SIZE[1] - _BOTTOM  # left, top, right and lower edge
TICKS = 4  # parts of an axis


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


def x_of(share: float) -> float:
    """Return the pixel of a share of the width, from the left."""
    return PLOT[0] + share * (PLOT[2] - PLOT[0])


def y_of(share: float) -> float:
    """Return the pixel of a share of the height, from below."""
    return PLOT[3] - share * (PLOT[3] - PLOT[1])


def y_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return pixels and names of values from the lowest to the highest."""
    shares = [number / TICKS for number in range(TICKS + 1)]
    return [(y_of(share), f"{low + (high - low) * share:.4g}") for share in shares]


def color(number: int) -> int:
    """Return the colour of a curve by its number."""
    return number % _COLORS
