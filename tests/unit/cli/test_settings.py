from pathlib import Path

import pytest


def settings(text, name="tokpipe.toml"):
    Path(name).write_text(text)


def test_file_in_the_working_folder_is_read(bakery):
    settings(
        "seed = 7\n[bake-bread]\nloaves = 5\nweights = [1, '8k']\nspices = 'a,b'\nhot = false\n"
        "flour_bytes = '1kB'\n"
    )
    code, session, bake = bakery("bake-bread")
    assert code == 0
    assert session.seed == 7
    assert (bake.loaves, bake.weights, bake.spices) == (5, (1, 8000), ("a", "b"))
    assert (bake.hot, bake.flour_bytes) == (False, 1000)
    assert session.settings_file == Path("tokpipe.toml")


@pytest.mark.parametrize("place", [0, 2])
def test_config_is_understood_before_and_after_the_command(bakery, place):
    settings("[bake_bread]\nflour-bytes = 3", "other.toml")
    settings("[bake-bread]\nflour-bytes = 4")
    line = ["bake-bread", "--no-hot"]
    line[place:place] = ["--config", "other.toml"]
    assert bakery(*line)[2].flour_bytes == 3


def test_flag_beats_environment_beats_file_beats_default(bakery, monkeypatch):
    assert bakery("bake-bread")[2].loaves == 2
    settings("seed = 1\n[bake-bread]\nloaves = 3")
    assert bakery("bake-bread")[2].loaves == 3
    monkeypatch.setenv("TOKPIPE_BAKE_BREAD_LOAVES", "4")
    assert bakery("bake-bread")[2].loaves == 4
    assert bakery("bake-bread", "--loaves", "5")[2].loaves == 5
    assert bakery("bake-bread")[1].seed == 1
    monkeypatch.setenv("TOKPIPE_SEED", "2")
    assert bakery("bake-bread")[1].seed == 2
    assert bakery("--seed", "3", "bake-bread")[1].seed == 3
    assert bakery("--seed", "3", "bake-bread", "--seed", "4")[1].seed == 4


def test_nested_commands_have_nested_tables(bakery):
    settings("[shop.open]\nthreads = 3")
    assert bakery("shop", "open")[1].threads == 3


def test_global_options_stand_anywhere(bakery):
    for line in (["-q", "--force", "shop", "open"], ["shop", "open", "-q", "--force"]):
        session = bakery(*line)[1]
        assert session.quiet
        assert session.force
        assert not session.dry_run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bake-bread]\nlaoves = 3", "tokpipe.toml:2: [bake-bread] has no setting 'laoves'"),
        ("[bake-bread]\nlaoves = 3", "Did you mean 'loaves'?"),
        ("\n\n[bake-bred]\n", "tokpipe.toml:3: no command is called 'bake-bred'"),
        ("[bake-bred]\n", "Did you mean 'bake-bread'?"),
        ("sed = 3", "tokpipe.toml:1: the part above the tables has no setting 'sed'"),
        ("seed = 3 3", "tokpipe.toml: not valid TOML"),
        ("[shop]\nopen = 3", "[shop] has no setting 'open'"),
        ("[bake-bread]\nloaves = 'x'", "tokpipe.toml: loaves: 'x' is not a count"),
        ("[bake-bread]\nhot = 'x'", "tokpipe.toml: hot: "),
        ("[bake-bread]\noven = 3", "tokpipe.toml: oven: "),
        ("[bake-bread]\nloaves = true", "tokpipe.toml: loaves: 'True' is not a count"),
        ("[bake-bread]\nloaves = 1.5", "not a whole number"),
        ("\x00", "not valid TOML"),
    ],
)
def test_mistakes_in_the_file_are_named(bakery, capsys, text, said):
    settings(text)
    assert bakery("bake-bread")[0] == 2
    assert said in capsys.readouterr().err


def test_missing_file_is_named(bakery, capsys):
    assert bakery("bake-bread", "--config", "no.toml")[0] == 2
    assert "no.toml: No such file" in capsys.readouterr().err


def test_file_that_is_not_utf8_is_refused(bakery, capsys):
    Path("tokpipe.toml").write_bytes(b"seed = \xff")
    assert bakery("bake-bread")[0] == 2
    assert "not UTF-8 at byte 7" in capsys.readouterr().err


def test_mistake_in_the_environment_is_named(bakery, capsys, monkeypatch):
    monkeypatch.setenv("TOKPIPE_BAKE_BREAD_LOAVE", "1")
    assert bakery("bake-bread")[0] == 2
    said = capsys.readouterr().err
    assert "'TOKPIPE_BAKE_BREAD_LOAVE'" in said
    assert "Did you mean 'TOKPIPE_BAKE_BREAD_LOAVES'?" in said


def test_bad_value_in_the_environment_names_the_variable(bakery, capsys, monkeypatch):
    monkeypatch.setenv("TOKPIPE_BAKE_BREAD_LOAVES", "many")
    assert bakery("bake-bread")[0] == 2
    assert "TOKPIPE_BAKE_BREAD_LOAVES: 'many' is not a count" in capsys.readouterr().err
