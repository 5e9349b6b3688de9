"""Signs, colours and line-by-line layout that all views share.

Colour only repeats what signs say already, so that a pipe, NO_COLOR or a colour-blind reader loses
nothing. Signs fall back to ASCII where the console's encoding has no more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tokpipe.foundation.visible import visible
from tokpipe.inspection.readable import Part

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs that the views draw with."""

    ascii_only: bool = False
    word: str = "│"  # before the first token of a word
    piece: str = "┊"  # between two tokens of one word
    space: str = "·"
    open_byte: str = "‹"
    close_byte: str = "›"
    carrier: str = "◌"  # holds a combining mark that stands alone
    bars: str = " ▏▎▍▌▋▊▉█"
    heights: str = "·▁▂▃▄▅▆▇█"  # from nothing to all
    signs: str = "▼▽·△▲"  # far below 0, below, near, above, far above
    rule: str = "─"
    arrow: str = "→"
    times: str = "×"
    dash: str = "–"
    more: str = "…"
    good: str = "✓"
    bad: str = "✗"


UNICODE = Marks()
ASCII = Marks(
    True, "|", ":", "_", "<", ">", "o", " #", ".123456789", "=-.+#",
    "-", "->", "x", "-", "...", "ok", "x"
)  # fmt: skip

HEADING = "bold"
QUIET = "dim"
HOT = "bold yellow"  # what a step chose, what a bar shows
GOOD = "green"
BAD = "bold red"
SPECIAL = "magenta"
_WORDS = ("cyan", "green")  # words alternate between them
_KINDS = {"space": QUIET, "byte": "yellow", "escape": "red", "affix": QUIET}


class Laid:
    """A renderable that is laid out when it is printed, for the width and signs there are."""

    def __init__(self, lay: Callable[[int, Marks], Iterable[Text]]) -> None:
        self._lay = lay

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of text."""
        yield from self._lay(options.max_width, ASCII if options.ascii_only else UNICODE)


def laid(draw: Callable[Concatenate[int, Marks, P], Iterable[Text]]) -> Callable[P, Laid]:
    """Turn a function that draws for a width and signs into one that returns a renderable."""

    @wraps(draw)
    def renderable(*args: P.args, **settings: P.kwargs) -> Laid:
        return Laid(lambda width, marks: draw(width, marks, *args, **settings))

    return renderable


def word_style(word: int | None) -> str:
    """Return the colour of a word by its number."""
    return SPECIAL if word is None else _WORDS[word % len(_WORDS)]


def parts_text(parts: Iterable[Part], marks: Marks, style: str = "") -> Text:
    """Draw the parts of a token, neighbouring bytes in one pair of brackets."""
    drawn, bytes_before = Text(end=""), ""
    for part in parts:
        if part.kind == "byte":
            bytes_before += f" {part.text}" if bytes_before else part.text
            continue
        _append_bytes(drawn, bytes_before, marks)
        bytes_before = ""
        drawn.append(_sign(part, marks), _KINDS.get(part.kind, style))
    _append_bytes(drawn, bytes_before, marks)
    return drawn


def plain_text(text: str, marks: Marks, style: str = "") -> Text:
    """Draw foreign text that is no token: a name, a path, a word."""
    return Text(visible(text, ascii_only=marks.ascii_only), style, end="")


def bar(value: float, most: float, width: int, marks: Marks) -> str:
    """Draw a bar, `width` columns at `most`; whatever is not nothing shows at least a trace."""
    fine = len(marks.bars) - 1
    eighths = round(value / most * width * fine) if most else 0
    eighths = max(eighths, 1 if value > 0 else 0)
    whole, rest = divmod(eighths, fine)
    return marks.bars[-1] * whole + (marks.bars[rest] if rest else "")


def pad(text: Text, width: int, *, right: bool = False) -> Text:
    """Fill a text with spaces up to a width in columns."""
    blank = " " * max(width - cell_len(text.plain), 0)
    return Text.assemble(blank, text, end="") if right else Text.assemble(text, blank, end="")


def cut(text: Text, width: int, marks: Marks, *, keep_end: bool = False) -> Text:
    """Cut a text that is wider than `width` columns, and say so with an ellipsis."""
    if cell_len(text.plain) <= width:
        return text
    room = max(width - cell_len(marks.more), 0)
    if keep_end:
        start = len(text.plain)
        while start and cell_len(text.plain[start - 1 :]) <= room:
            start -= 1
        return Text.assemble((marks.more, QUIET), text[start:], end="")
    shorter = text.copy()
    shorter.truncate(room, overflow="crop")
    return Text.assemble(shorter, (marks.more, QUIET), end="")


def whole_line(text: Text) -> Text:
    """Return a text that was put together from parts as a line of its own."""
    text.end = "\n"
    return text


def cut_line(text: Text, width: int, marks: Marks) -> Text:
    """Cut a text to one line."""
    return whole_line(cut(text, width, marks))


def chunks(text: Text, width: int) -> list[Text]:
    """Split a text into pieces of at most `width` columns, characters and marks kept whole."""
    pieces, start, used = [], 0, 0
    plain = text.plain
    for index, character in enumerate(plain):
        columns = cell_len(character)
        if used + columns > width and index > start:
            pieces.append(text[start:index])
            start, used = index, 0
        used += columns
    return [*pieces, text[start:]] if plain[start:] or not pieces else pieces


def flow(items: Iterable[Text], width: int, gap: str = "  ", indent: str = "") -> Iterable[Text]:
    """Set items side by side, as many as fit into each line."""
    line, used = Text(indent), len(indent)
    for item in items:
        columns = cell_len(item.plain)
        if used > len(indent) and used + len(gap) + columns > width:
            yield line
            line, used = Text(indent), len(indent)
        if used > len(indent):
            line.append(gap)
            used += len(gap)
        line.append_text(item)
        used += columns
    if used > len(indent):
        yield line


def _append_bytes(drawn: Text, digits: str, marks: Marks) -> None:
    if digits:
        drawn.append(f"{marks.open_byte}{digits}{marks.close_byte}", _KINDS["byte"])


def _sign(part: Part, marks: Marks) -> str:
    if part.kind == "space":
        return marks.space
    if part.kind == "mark" and not marks.ascii_only:
        return marks.carrier + part.text
    return visible(part.text, ascii_only=True) if marks.ascii_only else part.text
