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
