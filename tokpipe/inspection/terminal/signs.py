"""Numbers as signs: above 0 and below, near and far, told by shape and by colour."""

from collections.abc import Iterable

from rich.text import Text

from tokpipe.inspection.terminal.marks import QUIET, Marks

ABOVE, BELOW = "dodger_blue1", "orange3"
_FAR, _NEAR = 1 / 2, 1 / 8  # of the greatest value, from where on a sign is full, and not empty


def signs_text(values: Iterable[float], most: float, marks: Marks) -> Text:
    """Draw a sign a value; `most` is the greatest size that there is."""
    drawn = Text(end="")
    for value in values:
        size = abs(value) / most if most else 0.0
        level = int(size >= _NEAR) + int(size >= _FAR)
        style = (ABOVE if value > 0 else BELOW) if level else QUIET
        drawn.append(marks.signs[2 + (level if value > 0 else -level)], style)
    return drawn


def legend(marks: Marks) -> list[Text]:
    """Say what the signs mean."""
    far_below, below, near, above, far_above = marks.signs
    about = (
        *((f"{far_above} far above 0", ABOVE), (f"{above} above 0", ABOVE)),
        (f"{near} near 0", QUIET),
        *((f"{below} below 0", BELOW), (f"{far_below} far below 0", BELOW)),
    )
    return [Text(text, style, end="") for text, style in about]
