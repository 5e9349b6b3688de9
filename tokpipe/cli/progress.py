"""Progress for a person: a live line on a terminal, a plain line every ten seconds elsewhere.

The live line is drawn with carriage returns alone, so that it also works without colour, leaves the
cursor as it is when the process is killed, and costs no import of rich.
"""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from tokpipe.cli.console import Console, Stream, safe_lines
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.sizes import format_bytes

_REDRAW_SECONDS = 0.1  # seen as steady by an eye, and too rare to cost anything
_PLAIN_SECONDS = 10.0  # where lines stay, as in a log: 360 of them an hour
_WARM_UP_SECONDS = 0.5  # no rate before: it would jump
_LEAST_BAR = 8  # columns


class Task:
    """A piece of work that is shown while it runs."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self.start = time.monotonic()
        self._lock = threading.Lock()

    def add(self, done: int) -> None:
        """Count what was just done; any thread may call."""
        with self._lock:
            self.done += done

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.start

    @property
    def rate(self) -> float | None:
        """Units a second, once it means something."""
        seconds = self.seconds
        return self.done / seconds if seconds > _WARM_UP_SECONDS and self.done else None

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, if anybody can say."""
        if self.rate is None or not self.total:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def heading(self) -> str:
        """What the line begins with."""
        return self.label

    def parts(self, err: Stream) -> list[str]:
        """Return what is said of it behind its heading, the most important first."""
        rate = f"{_count(int(self.rate), self.unit)}/s" if self.rate else ""
        left = "" if self.seconds_left is None else f"{clock(self.seconds_left)} left"
        return [part for part in (_amount(self), rate, left) if part]

    def picture(self, err: Stream, room: int) -> tuple[str, str]:
        """Return what is drawn in so many columns, plain and styled: a bar, or nothing."""
        if not self.total or room < _LEAST_BAR:
            return "", ""
        width = min(room, 30)
        full = int(min(self.done / self.total, 1.0) * width)
        done, rest = err.glyph("━") * full, err.glyph("─") * (width - full)
        return done + rest, err.styled(done, "green") + err.styled(rest, "dim")

    def summary(self) -> str:
        """Return the line that stays of it."""
        rate = self.done / self.seconds if self.seconds > 0.05 else 0
        shown = f", {_count(int(rate), self.unit)}/s" if rate >= 1 else ""
        return f"{self.label}: {_count(self.done, self.unit)} in {duration(self.seconds)}{shown}"


class ConsoleProgress:
    """Shows the innermost task that runs; what is finished stays as one line."""

    def __init__(self, console: Console) -> None:
        self._err = console.err
        is_dumb = os.environ.get("TERM", "dumb") == "dumb"
        self._live = self._err.is_terminal and not is_dumb
        self._tasks: list[Task] = []
        self._lock = threading.RLock()
        self._drawn = 0  # columns that the live line takes now
        self._last_plain = time.monotonic()
        self._wake = threading.Event()

    @contextmanager
    def task(
        self, label: str, total: int | None, unit: str
    ) -> Generator[Callable[[int], None], None, None]:
        """Show a task while the block runs."""
        task = Task(label, total, unit)
        with self.shown(task):
            yield task.add

    @contextmanager
    def shown(self, task: Task) -> Generator[None, None, None]:
        """Show a task of any kind while the block runs."""
        self._begin(task)
        try:
            yield
        except BaseException as error:
            if isinstance(error, MemoryError):
                error.add_note(f"while {task.label}")
            self._end(task, finished=False)
            raise
        self._end(task, finished=True)

    def note(self, message: str) -> None:
        """Write one line that stays, above the live one."""
        with self._lock:
            self._clear()
            self._err.line(safe_lines(self._err.glyph(message)))
            self._flush()

    def _begin(self, task: Task) -> None:
        with self._lock:
            self._tasks.append(task)
            if len(self._tasks) == 1:
                self._wake = threading.Event()
                self._last_plain = time.monotonic()
                with suppress(RuntimeError):  # no thread to be had: nothing moves, the work does
                    threading.Thread(target=self._tick, args=(self._wake,), daemon=True).start()

    def _end(self, task: Task, *, finished: bool) -> None:
        with self._lock:
            self._tasks.remove(task)
            if not self._tasks:
                self._wake.set()
            self._clear()
            if finished:
                mark = self._err.styled(self._err.glyph("✓"), "green")
                self._err.line(f"{mark} {task.summary()}")
            self._flush()

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(_REDRAW_SECONDS if self._live else _PLAIN_SECONDS / 20):
            with self._lock:
                if not self._tasks or ended.is_set():
                    continue
                try:
                    self._show(self._tasks[-1])
                except (OSError, ValueError):
                    return  # nobody reads stderr any more: the work goes on

    def _show(self, task: Task) -> None:
        if self._live:
            line = live_line(task, self._err)
            self._clear()
            self._err.write(line.text)
            self._drawn = line.columns
            self._flush()
        elif time.monotonic() - self._last_plain >= _PLAIN_SECONDS:
            self._last_plain = time.monotonic()
            parts = ", ".join(" ".join(part.split()) for part in task.parts(self._err))
            self._err.line(f"{task.heading}: {parts}")
            self._flush()

    def _clear(self) -> None:
        if self._drawn:
            self._err.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def _flush(self) -> None:
        self._err.file.flush()


class _Line:
    def __init__(self) -> None:
        self.text, self.columns = "", 0

    def add(self, text: str, shown: str | None = None) -> None:
        self.columns += len(text)
        self.text += text if shown is None else shown


def console_progress(console: Console, *, quiet: bool) -> Progress:
    """Return the progress for a console; nothing where the user wants quiet."""
    return SILENT if quiet else ConsoleProgress(console)


def live_line(task: Task, err: Stream) -> _Line:
    """Draw one task in at most the width of the terminal, least important parts dropped first."""
    room = err.width - 1  # the last column would wrap on some terminals
    parts = task.parts(err)
    line = _Line()
    label = err.glyph(task.heading)[:room]
    while parts and len(label) + sum(len(p) + 2 for p in parts) > room:
        parts.pop()
    line.add(label, err.styled(label, "cyan"))
    pictured, styled = task.picture(err, room - line.columns - sum(len(p) + 2 for p in parts) - 2)
    if pictured:
        line.add(f"  {pictured}", f"  {styled}")
    for part in parts:
        line.add(f"  {part}")
    return line


def _amount(task: Task) -> str:
    if not task.total:
        return _count(task.done, task.unit)
    share = f"{min(task.done / task.total, 1.0):4.0%}"
    if task.unit == "B":
        return f"{share} of {format_bytes(task.total)}"
    return f"{share}  {task.done:,}/{task.total:,} {task.unit}"


def _count(number: int, unit: str) -> str:
    return format_bytes(number) if unit == "B" else f"{number:,} {unit}"


def clock(seconds: float) -> str:
    """Write a time as a clock does: ``0:07``, ``1:02:03``.

    Examples
    --------
    >>> clock(3723)
    '1:02:03'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """Write how long something took: ``0.42 s``, ``12.3 s``, ``3:20``.

    Examples
    --------
    >>> duration(0.4219)
    '0.42 s'
    """
    if seconds >= 100:
        return clock(seconds)
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
