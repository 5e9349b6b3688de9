import re

import pytest

from tokpipe.cli.main import execute


def test_unknown_option_names_the_nearest(capsys):
    assert execute(["doctor", "--thread", "3"]) == 2
    assert capsys.readouterr().err == (
        "error: tokpipe doctor: no such option '--thread'\nhint:  Did you mean '--threads'?\n"
    )


def test_unknown_command_names_the_nearest(capsys):
    assert execute(["docter"]) == 2
    assert "Did you mean 'doctor'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["doctor", "-h"], ["--version"]])
def test_help_and_version_leave_with_zero(arguments, capsys):
    assert execute(arguments) == 0
    assert capsys.readouterr().out


def test_no_command_shows_the_help(capsys):
    assert execute([]) == 2
    assert "Usage: tokpipe" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["doctor"], ["explain", "bpe", "abab"], ["check", "x"]])
def test_a_plan_of_what_makes_nothing_is_refused(arguments, capsys):
    assert execute([*arguments, "--dry-run"]) == 2
    said = capsys.readouterr()
    assert "makes nothing that could be planned" in said.err and not said.out


def test_verbose_tells_settings_time_and_memory(capsys):
    assert execute(["explain", "bpe", "abab", "-v", "--seed", "3"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "settings: none from a file; seed 3"
    assert re.fullmatch(r"took \S+ s, at most \S+ [MG]B of memory", said[-1])
