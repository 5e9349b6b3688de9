import errno
import signal

import click
import pytest

from tokpipe.cli.console import Console
from tokpipe.cli.failures import explain, report
from tokpipe.cli.interrupts import Stopped
from tokpipe.foundation import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TokpipeError("x"), 1),
        (errors.ConfigError("x"), 2),
        (errors.InputError("x"), 3),
        (errors.ArtifactError("x"), 4),
        (errors.StorageError("x"), 4),
        (errors.MemoryLimitError("x"), 5),
        (MemoryError(), 5),
        (ImportError("lib.so: failed to map segment from shared object"), 5),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 5),
        (click.UsageError("x"), 2),
        (OSError(errno.ENOSPC, "x", "f"), 4),
        (PermissionError(errno.EACCES, "x", "f"), 4),
        (OSError("no number"), 4),
        (BrokenPipeError(), 141),
        (Stopped(2), 130),
        (Stopped(15), 143),
        (KeyError("x"), 1),
        (RecursionError("x"), 1),
        (SystemExit(3), 3),
        (click.exceptions.Exit(0), 0),
    ],
)
def test_every_error_has_its_exit_code_and_no_traceback(error, code, capsys):
    assert report(error, Console(), []) == code
    assert "Traceback" not in capsys.readouterr().err


def test_problem_and_hint_are_said(capsys):
    report(errors.InputError("a.txt:3: bad byte", hint="Convert it."), Console(), [])
    assert capsys.readouterr().err == "error: a.txt:3: bad byte\nhint:  Convert it.\n"


def test_debug_shows_the_traceback(capsys):
    report(ValueError("x"), Console(), ["--debug"])
    said = capsys.readouterr().err
    assert "ValueError: x" in said
    assert said.endswith(
        "error: unexpected ValueError: x\nhint:  This is a bug; --debug shows the traceback.\n"
    )


def test_bug_tells_how_to_see_more():
    assert explain(KeyError("x"))[1] == "This is a bug; --debug shows the traceback."


def test_errors_of_the_disk_name_the_path():
    problem, hint, _ = explain(OSError(errno.EROFS, "Read-only file system", b"/mnt/\xff"))
    assert problem.startswith("/mnt/")
    assert hint == "Write elsewhere."


def test_hostile_text_in_errors_cannot_act(capsys):
    report(errors.InputError("a\x1b[31m.txt", hint="\x07"), Console(), [])
    said = capsys.readouterr().err
    assert "a\\x1b[31m.txt" in said
    assert "\x07" not in said


def test_stopped_work_says_how_to_go_on(capsys):
    console = Console()
    console.when_stopped = lambda: "the words counted so far are kept"
    report(Stopped(2), console, ["train-vocab", "my text.txt", "--force"])  # which starts over
    assert capsys.readouterr().err == (
        "\nstopped by Ctrl-C; the words counted so far are kept. To go on:\n"
        "  tokpipe train-vocab 'my text.txt'\n"
    )


def test_signal_that_met_the_end_of_a_kernel_is_a_signal(capsys):
    error = SystemError("a kernel returned a result with an exception set")
    error.__cause__ = Stopped(signal.SIGINT)
    assert report(error, Console(), ["train-vocab"]) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err


def test_no_thread_to_be_had_is_no_bug():
    problem, hint, code = explain(RuntimeError("can't start new thread"))
    assert (problem, code) == ("the system allows no further thread", 5)
    assert "--threads" in hint and "ulimit -u" in hint
    assert explain(RuntimeError("else"))[2] == 1
