"""What views draw in the terminal as one page, which fetches nothing and runs nothing."""

from io import StringIO

from rich.console import Console, RenderableType
from rich.style import Style

from tokpipe.inspection.pages import rendered

_WIDTH = 100  # columns
_WAYS = ("bold", "dim", "italic", "underline", "reverse")


class TextPage:
    """A page that views are printed to, one under the other."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(
            file=StringIO(), width=_WIDTH, color_system="standard", markup=False
        )
        self._runs: list[tuple[str, str]] = []  # text, and the classes of its style

    def print(self, view: RenderableType = "") -> None:
        """Add a view, or an empty line."""
        for line in self._console.render_lines(view, pad=False):
            self._runs += [(one.text, _classes(one.style)) for one in line if not one.control]
            self._runs.append(("\n", ""))

    def html(self) -> str:
        """Return the page."""
        runs = [*self._runs, ("\n", "")]
        return rendered("text.html", title=self._title, styles=["text.css"], runs=runs)


def _classes(style: Style | None) -> str:
    """Return the classes of ``text.css``; colours that it has not are left out."""
    if style is None:
        return ""
    ways = [way for way in _WAYS if getattr(style, way)]
    return " ".join([*ways, style.color.name] if style.color else ways)
