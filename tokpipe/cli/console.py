"""What the two streams can show: results on stdout, progress and log on stderr.

Colour is on for a terminal, unless ``--no-color``, ``NO_COLOR`` or ``TERM=dumb`` says no;
``FORCE_COLOR`` turns it on in a pipe. Glyphs fall back to ASCII where a stream cannot encode them.
"""

import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from tokpipe.foundation.told import named, told
from tokpipe.foundation.visible import visible

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "1;31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_MOST_COLUMNS = 1000  # no screen has more; lines are filled with spaces up to the last
_LINES = 25  # that nothing asks for; a width without a height is 80 where TERM is dumb or unknown
_GLYPHS = {
    "✓": "+",
    "✗": "x",
    "━": "=",
    "╸": "-",
    "─": "-",
    "·": ".",
    "→": "->",
    "…": "...",
    "×": "x",
}


class Stream:
    """One of the standard streams, as it is at the time of asking, and what it can show."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.allow_color = True

    @property
    def file(self) -> TextIO:
        """The stream itself."""
        return getattr(sys, self._name)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""
        return self.file is not None and self.file.isatty()

    @property
    def color(self) -> bool:
        """Whether escape codes are welcome."""
        if not self.allow_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
            return True
        return self.is_terminal and os.environ.get("TERM") != "dumb"

    @property
    def ascii(self) -> bool:
        """Whether decoration must be ASCII: by its encoding, or because the locale says C."""
        encoding = (getattr(self.file, "encoding", None) or "ascii").lower()
        return not encoding.startswith("utf") or os.environ.get("LC_ALL") in ("C", "POSIX")

    @property
    def width(self) -> int:
        """How many columns there are: COLUMNS, else the terminal's, else 80."""
        asked = os.environ.get("COLUMNS", "").lstrip("0")
        if asked.isdecimal():
            return min(int(asked[:6]), _MOST_COLUMNS)
        try:
            return os.get_terminal_size(self.file.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):
            return 80

    def styled(self, text: str, style: str) -> str:
        """Return the text in a style, where colour is on."""
        if not style or not self.color:
            return text
        codes = ";".join(_STYLES[name] for name in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"

    def glyph(self, wanted: str) -> str:
        """Return the glyph, or its ASCII stand-in where it cannot be shown."""
        if not self.ascii:
            return wanted
        return "".join(_GLYPHS.get(c, c) if ord(c) > 127 else c for c in wanted)

    def line(self, text: str = "") -> None:
        """Write one line; what the encoding cannot show becomes a backslash escape."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write text as it is; what the encoding cannot show becomes a backslash escape."""
        encoding = getattr(self.file, "encoding", None) or "utf-8"
        self.file.write(named(text).encode(encoding, "backslashreplace").decode(encoding))


class Console:
    """The terminal as the commands see it: results go to `out`, everything else to `err`.

    `when_stopped` returns what to tell a person who stops the command: what is kept, or nothing.
    """

    def __init__(self) -> None:
        self.out = Stream("stdout")
        self.err = Stream("stderr")
        self.when_stopped: Callable[[], str] = str
        self.is_over = False  # the command has failed, and it has been said

    def no_color(self) -> None:
        """Turn colour off, whatever the environment says."""
        self.out.allow_color = self.err.allow_color = False

    def warn(self, message: str) -> None:
        """Write a warning to stderr."""
        self.err.line(f"{self.err.styled('warning:', 'yellow')} {safe_lines(message)}")

    def json(self, value: Any) -> None:
        """Write JSON to stdout, indented, control characters escaped; no number is null."""
        text = json.dumps(
            _finite(value),
            indent=2,
            ensure_ascii=self.out.ascii,
            default=os.fspath,
            allow_nan=False,
        )
        self.out.line(escape_controls(text))

    def rich(self) -> "RichConsole":
        """Make a rich console that keeps to the rules of this one.

        Print `rich.text.Text` and tables of it, never strings: markup is off, and text that comes
        from a file must have gone through `foundation.visible` before.
        """
        from rich.console import Console as RichConsole  # 50 ms, only for tables

        stream = self.out
        console = RichConsole(
            file=_Encodable(stream),  # type: ignore[arg-type]
            width=stream.width,
            height=_LINES,
            color_system=("auto" if stream.is_terminal else "standard") if stream.color else None,
            force_terminal=stream.color,
            no_color=not stream.color,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
            safe_box=True,
        )
        console.on_broken_pipe = _raise_again  # rich would exit with 1
        return console

    def table(self, title: str, rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> None:
        """Write an aligned table to stdout: the first column names, the others right-aligned."""
        from tokpipe.cli.table import table_lines  # rich, for the widths of characters

        out = self.out
        if title:
            out.line(out.styled(self._cell(title), "bold"))
        lines = table_lines(
            [[self._cell(cell) for cell in row] for row in rows],
            [self._cell(name) for name in header],
            out.width,
            name_style=lambda text: out.styled(text, "cyan"),
            head_style=lambda text: out.styled(text, "dim"),
        )
        for line in lines:
            out.line(line)

    def go_on_with(self, *commands: str, title: str = "Go on with:") -> None:
        """Write to stdout which commands come next."""
        self.out.line(f"{title}\n")
        for line in commands:
            self.out.line(f"  {self.out.styled('$', 'dim')} {line}")

    def _cell(self, text: str) -> str:
        return self.out.glyph(visible(text))

    def flush(self) -> None:
        """Push everything out, so that a full disk is noticed while it can still be said."""
        for stream in (self.out, self.err):
            if stream.file is not None:
                stream.file.flush()


def typed(path: object) -> str:
    """Write a path into a command, as a shell takes it.

    Examples
    --------
    >>> typed("out/run"), typed("my runs/run")
    ('out/run', "'my runs/run'")
    """
    return shlex.quote(visible(str(path)))


class _Encodable:
    """A text file for rich that writes through `Stream.write`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.encoding = "ascii" if stream.ascii else "utf-8"

    def write(self, text: str) -> int:
        self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        self._stream.file.flush()

    def isatty(self) -> bool:
        return self._stream.is_terminal

    def fileno(self) -> int:
        return self._stream.file.fileno()


def safe_lines(text: str) -> str:
    """Make text safe for a terminal, keeping its line ends."""
    return "\n".join(visible(line) for line in told(text).split("\n"))


def _raise_again() -> None:
    raise


def escape_controls(text: str) -> str:
    """Escape what JSON allows raw but a terminal obeys: DEL, C1, bidi controls."""
    escapes = {c: json.dumps(c)[1:-1] for c in set(text) if not c.isprintable() and c not in " \n"}
    return text.translate(str.maketrans(escapes | {"\x7f": "\\u007f"}))


def _finite(value: Any) -> Any:
    """Return what JSON can say: NaN and infinity are none of its numbers."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
