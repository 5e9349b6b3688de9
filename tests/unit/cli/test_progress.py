import io
import re
import sys
import threading
import time

import pytest

from tests.unit.cli.test_console import Terminal
from tokpipe.cli import progress
from tokpipe.cli.console import Console
from tokpipe.cli.progress import ConsoleProgress, clock, console_progress, duration
from tokpipe.foundation.progress import SILENT


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal; called in the test, since pytest sets its own at the start of it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("LC_ALL", raising=False)
    return lambda: put(monkeypatch, Terminal())


def put(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def screen(written):
    """What a terminal shows in the end: a carriage return starts the line again."""
    lines = []
    for line in written.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


def test_quiet_is_silent():
    assert console_progress(Console(), quiet=True) is SILENT


def test_finished_task_leaves_one_line(terminal):
    stream = terminal()
    with ConsoleProgress(Console()).task("counting words", 1000, "B") as advance:
        advance(400)
        time.sleep(0.25)
        advance(600)
    lines = screen(stream.written)
    assert re.fullmatch(r"✓ counting words: 1.0 kB in 0\.\d\d s, \d\.\d kB/s", lines[0])
    assert lines[1:] == [""]
    assert " 40% of 1.0 kB" in stream.written
    assert "\x1b" not in stream.written


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 80, 200])
@pytest.mark.parametrize("total", [None, 10_000])
def test_live_line_keeps_to_the_width(terminal, monkeypatch, columns, total):
    terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    task = progress.Task("counting words", total, "words")
    task.add(5000)
    task.start -= 2
    line = progress.live_line(task, Console().err)
    assert line.columns == len(line.text) < max(columns, 1)


def test_live_line_shows_share_rate_and_time_left(terminal):
    terminal()
    task = progress.Task("counting words", 100_000_000, "B")
    task.add(50_000_000)
    task.start -= 2
    text = progress.live_line(task, Console().err).text
    assert re.search(r"━{10,}─{10,}   50% of 100.0 MB  2[45]\.\d MB/s  0:02 left", text)


def test_ascii_terminal_gets_an_ascii_bar(terminal, monkeypatch):
    terminal()
    monkeypatch.setenv("LC_ALL", "C")
    task = progress.Task("a", 10, "words")
    task.add(5)
    assert "=====-----" in progress.live_line(task, Console().err).text


def test_pipe_gets_a_plain_line_now_and_then(monkeypatch):
    pipe = put(monkeypatch, io.StringIO())
    monkeypatch.setattr(progress, "_PLAIN_SECONDS", 0.1)
    with ConsoleProgress(Console()).task("merging", 100, "merges") as advance:
        advance(50)
        time.sleep(0.3)
        advance(50)
    lines = pipe.getvalue().splitlines()
    assert 2 <= len(lines) <= 4
    assert lines[0].startswith("merging: 50% 50/100 merges")
    assert "\r" not in pipe.getvalue()


def test_notes_stay_above_the_live_line(terminal):
    stream = terminal()
    shown = ConsoleProgress(Console())
    with shown.task("counting", None, "words") as advance:
        advance(5)
        time.sleep(0.15)
        shown.note("3 lines \x1b skipped")
    note, done, _ = screen(stream.written)
    assert note == "3 lines \\x1b skipped"
    assert done.startswith("✓ counting: 5 words in 0.1")


def test_failed_task_leaves_no_line(terminal):
    stream = terminal()
    with pytest.raises(ValueError), ConsoleProgress(Console()).task("x", 1, "B"):
        time.sleep(0.15)
        raise ValueError
    assert screen(stream.written) == [""]


def test_nested_tasks_and_threads_add_up(terminal):
    stream = terminal()
    shown = ConsoleProgress(Console())
    with shown.task("outer", 2, "steps") as outer:
        for _ in range(2):
            with shown.task("inner", 4000, "words") as inner:
                workers = [
                    threading.Thread(target=lambda: [inner(1) for _ in range(1000)])
                    for _ in range(4)
                ]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
            outer(1)
    assert [line.split(" in ")[0] for line in screen(stream.written)] == [
        *["✓ inner: 4,000 words"] * 2,
        "✓ outer: 2 steps",
        "",
    ]


@pytest.mark.parametrize(
    ("seconds", "as_clock", "as_duration"),
    [(0, "0:00", "0.00 s"), (59.6, "1:00", "59.6 s"), (3600, "1:00:00", "1:00:00")],
)
def test_times_are_written_for_people(seconds, as_clock, as_duration):
    assert clock(seconds) == as_clock
    assert duration(seconds) == as_duration
