import io
import sys

import pytest

from tests.unit.cli.test_console import Terminal
from tokpipe.cli.console import Console
from tokpipe.cli.engines import _CrewTask, crew_progress
from tokpipe.cli.progress import ConsoleProgress, live_line
from tokpipe.engines.dask.crew import Crew
from tokpipe.foundation.progress import SILENT


class Asked:
    def __init__(self, progress):
        self.progress = progress


def at_work():
    crew = Crew()
    crew.met(["a", "b"])
    crew.begun("1")
    crew.begun("2")
    crew.ended("1", 0.5)
    return crew


@pytest.mark.parametrize("columns", [1, 20, 40, 80, 140])
def test_the_line_fits_and_ends_with_who_is_at_it(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stderr", Terminal())
    crew = at_work()
    crew.lost_items = 3
    task = _CrewTask("counting words", 1000, "B", crew)
    task.add(500)
    drawn = live_line(task, Console().err)
    assert drawn.columns <= max(columns - 1, 0)
    if columns == 140:
        assert all(part in drawn.text for part in ("2 workers", "1 item", "3 done again"))
        assert "straggler" not in drawn.text


def test_without_workers_the_line_is_the_usual_one():
    task = _CrewTask("merging words", None, "words", Crew())
    assert task.parts(Console().err) == ["0 words"]


def test_notes_and_finished_tasks_are_said_as_usual(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    progress = crew_progress(Asked(ConsoleProgress(Console())), at_work())
    with progress.task("counting words", 10, "B") as done:
        done(10)
    progress.note("workers lost: 1")
    lines = sys.stderr.getvalue().splitlines()
    assert "counting words: 10 B" in lines[0] and lines[1] == "workers lost: 1"


def test_quiet_stays_quiet():
    assert crew_progress(Asked(SILENT), Crew()) is SILENT
