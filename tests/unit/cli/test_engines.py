import io
import json
import sys

import pytest

from tests.unit.cli.test_console import Terminal
from tokpipe.cli.console import Console
from tokpipe.cli.engines import _CrewTask, crew_progress
from tokpipe.cli.main import execute
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


@pytest.mark.parametrize(
    "command",
    [
        ("count-words", "text.txt"),
        ("train-vocab", "text.txt", "--vocab-size", "300"),
        ("encode", "text.txt", "-t", "tokenizer"),
        ("build-shards", "text.txt", "-t", "tokenizer"),
    ],
    ids=lambda command: command[0],
)
def test_a_plan_says_workers_and_what_their_processes_take(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("low lower lowest new newer newest\n" * 100)
    assert execute(["train-vocab", "text.txt", "-o", "tokenizer", "--vocab-size", "60"]) == 0
    found = []
    for engine in ((), ("--engine", "dask"), ("--engine", "dask", "--scheduler", "host:8786")):
        capsys.readouterr()
        asked = [*command, "-o", "out", *engine, "--dry-run", "--json", "--threads", "3"]
        assert execute(asked) == 0
        found.append(json.loads(capsys.readouterr().out))
    plain, local, cluster = found
    assert (plain["threads"], local["workers"]) == (3, 3) and "threads" not in local
    assert cluster["workers"] == "those of tcp://host:8786, reckoned as 3"
    memory = [one["estimates"]["memory_bytes"] for one in found]
    assert memory[0] + 3 * 50_000_000 < memory[1] == memory[2]
