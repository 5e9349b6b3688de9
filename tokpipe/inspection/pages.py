"""Pages in one file, which fetch nothing: their frame, and where in a chart its points stand."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).with_name("templates")
_COLORS = 6  # of `page.css`, which has them for light and for dark
SIZE = 560, 220  # pixels of a chart
_LEFT, _BOTTOM, _TOP = 58, 40, 8  # pixels round the plot, for its ticks and their names
PLOT = _LEFT, _TOP, SIZE[0] - 10, SIZE[1] - _BOTTOM  # left, top, right and lower edge
TICKS = 4  # parts of an axis
CHARTS = ("copy.js", "charts.js")  # the scripts of a page that has drawings


def rendered(
    template: str,
    *,
    title: str,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    **content: Any,
) -> str:
    """Return a page of a template that extends ``page.html``.

    All text is escaped. The policy allows our own style and script alone, by their hashes, and
    nothing that would be fetched.

    Parameters
    ----------
    template
        Its file in `templates`, as are those of `styles` and `scripts`.
    title
        Of the page.
    styles
        What comes behind the style of all pages.
    scripts
        Run at the end of the page, one after the other; without them a page runs nothing.
    """
    style, script = _joined(("page.css", *styles)), _joined(scripts)
    policy = f"default-src 'none'; style-src '{_hash(style)}'"
    policy += f"; script-src '{_hash(script)}'" if script else ""
    about = {"title": title, "style": style, "script": script, "policy": policy}
    return _template(template).render(**content, **about)


def _joined(files: Sequence[str]) -> str:
    return "".join((_TEMPLATES / file).read_text("utf-8") for file in files)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


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
