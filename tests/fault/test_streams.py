"""O1 and O2: readers that go away, full and closed streams, terminals of every kind."""

import os
import pty
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.fault.conftest import PATIENCE, ROOT, TRAIN, Command, write_corpus
from tokpipe.cli.main import main


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a corpus of some size, and a tokenizer."""
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder / "text.txt", 4000)
    assert Command(folder, *TRAIN).run().code == 0
    return folder


LINES = [
    ("--help",),
    ("doctor",),
    ("encode", "-t", "out", "text.txt"),
    ("encode", "-t", "out", "text.txt", "--to", "jsonl"),
    ("explain", "bpe", "aaabdaaabac"),
]


@pytest.mark.parametrize("line", LINES)
def test_reader_that_goes_away_is_no_error(made, line):
    command = Command(made, *line)
    with command.started() as process:
        process.stdout.close()  # before a byte is read
        said = process.stderr.read().decode()
        assert process.wait(PATIENCE) in (0, 141), said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "error:" not in said


@pytest.mark.parametrize("line", LINES[:3])
def test_full_output_is_an_error(made, line):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        ran = Command(made, *line).run(stdout=full)
    assert ran.code == 4, ran.err
    assert "no space left on device" in ran.err.lower()
    assert "Traceback" not in ran.err
    assert "Exception ignored" not in ran.err


def all_commands(group=main, path=()):
    """Every command line that prints help."""
    yield (*path, "--help")
    for name in group.list_commands(None):
        inner = group.get_command(None, name)
        if hasattr(inner, "list_commands"):
            yield from all_commands(inner, (*path, name))
        else:
            yield (*path, name, "--help")


RESULTS = [
    ("--version",),
    ("doctor",),
    ("completion", "bash"),
    ("count-words", "text.txt", "-o", "new"),
    ("train-vocab", "text.txt", "-o", "new", "--vocab-size", "99"),
    ("train-vocab", "text.txt", "-o", "new", "--dry-run"),
    ("encode", "-t", "out", "text.txt", "--to", "arrow"),
    ("encode", "-t", "out", "text.txt", "--to", "jsonl", "--offsets"),
    ("decode", "-t", "out", "ids.txt"),
    ("inspect", "tokens", "-t", "out", "a harbour"),
    ("inspect", "vocab", "out"),
    ("explain", "bpe", "aaabdaaabac"),
    ("explain", "wordpiece", "hug"),
    ("check", "out", "--json"),
]


@pytest.mark.slow
@pytest.mark.parametrize("line", [*all_commands(), *RESULTS], ids=" ".join)
def test_no_command_loses_its_result_unsaid(made, line):
    encoded = Command(made, "encode", "-t", "out", "text.txt", "-o", "ids.txt", "--force").run()
    assert encoded.code == 0, encoded.err
    for target, said in (("/dev/full", b"no space left"), ("&-", b"bad file descriptor")):
        shutil.rmtree(made / "new", ignore_errors=True)
        words = shlex.join((sys.executable, "-m", "tokpipe", *line))
        done = subprocess.run(
            ["bash", "-c", f"PYTHONPATH={ROOT} {words} >{target}"],
            cwd=made,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 4, done.stderr
        assert said in done.stderr.lower()
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(("closed", "codes"), [(">&-", (4,)), ("2>&-", (0,)), ("<&-", (0,))])
def test_closed_streams_are_no_crash(made, closed, codes):
    python = f"PYTHONPATH={ROOT} {sys.executable} -m tokpipe encode -q -t out text.txt"
    done = subprocess.run(
        ["bash", "-c", f"{python} {closed}"], cwd=made, capture_output=True, check=False
    )
    assert done.returncode in codes, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def on_terminal(command, env):
    """Run a command with stdout and stderr on a terminal; return what it shows."""
    ours, its = pty.openpty()
    process = command.started(stdout=its, stderr=its, env=env)
    os.close(its)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(PATIENCE) == 0, shown
    return shown


NO_COLOUR = [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}]


@pytest.mark.parametrize("env", NO_COLOUR)
def test_no_escape_byte_on_a_terminal_without_colour(made, env):
    line = ("count-words", "text.txt", "-o", "counts", "--force")
    assert b"\x1b" not in on_terminal(Command(made, *line), env)


def test_colours_on_a_terminal(made):
    line = ("count-words", "text.txt", "-o", "counts", "--force")
    env = {"TERM": "xterm", "NO_COLOR": None, "FORCE_COLOR": None}
    assert b"\x1b[" in on_terminal(Command(made, *line), env)


@pytest.mark.parametrize("line", [("--help",), ("doctor",), ("explain", "bpe", "aaabdaaabac")])
def test_narrow_pipes_get_no_escape_byte(made, line):
    ran = Command(made, *line).run(env={"COLUMNS": "20", "FORCE_COLOR": None})
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out + ran.err


def test_hostile_text_does_not_act_on_a_terminal(made):
    (made / "hostile.txt").write_text("a \x1b]0;title\x07 \x1b[31m harbour\n")
    ids = Command(made, "encode", "-t", "out", "hostile.txt", "-o", "ids.txt", "--force")
    assert ids.run().code == 0
    env = {"NO_COLOR": "1", "TERM": "xterm"}
    for line in (
        ("decode", "-t", "out", "ids.txt"),
        ("encode", "-q", "-t", "out", "hostile.txt", "--to", "tokens"),
    ):
        shown = on_terminal(Command(made, *line), env)
        assert b"\x1b" not in shown
        assert b"\x07" not in shown
