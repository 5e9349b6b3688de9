"""What views draw in the terminal as one page, which fetches nothing."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console, RenderableType
from rich.style import Style

from tokpipe.inspection.pages import CHARTS, rendered

_SIZE = 100, 25  # columns and lines: with both, no environment has a say
_WAYS = ("bold", "dim", "italic", "underline", "reverse")


class TextPage:
    """A page that views are printed to, one under the other."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(
            file=StringIO(), width=_SIZE[0], height=_SIZE[1], color_system="standard", markup=False
        )
        self._parts: list[Any] = []  # runs of text and their classes, or a drawing

    def print(self, view: RenderableType = "") -> None:
        """Add a view, or an empty line."""
        if not (self._parts and isinstance(self._parts[-1], list)):
            self._parts.append([])
        for line in self._console.render_lines(view, pad=False):
            runs = [(one.text, _classes(one.style)) for one in line if not one.control]
            self._parts[-1] += [*runs, ("\n", "")]

    def draw(self, figure: Mapping[str, Any]) -> None:
        """Add what ``figure.html`` draws, under what is printed."""
        self._parts.append(figure)

    def html(self) -> str:
        """Return the page; it runs nothing, unless a drawing has its button to be copied."""
        scripts = CHARTS if any(not isinstance(part, list) for part in self._parts) else ()
        about = {"title": self._title, "styles": ["text.css"], "scripts": scripts}
        return rendered("text.html", parts=self._parts, **about)


def _classes(style: Style | None) -> str:
    """Return the classes of ``text.css``; colours that it has not are left out."""
    if style is None:
        return ""
    ways = [way for way in _WAYS if getattr(style, way)]
    return " ".join([*ways, style.color.name] if style.color else ways)
