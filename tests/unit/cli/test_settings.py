import os
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
        ("[bake-bread]\nloaves = {a = 1}", "'loaves' is a table, and 'bake-bread' has no command"),
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
        ("a = " + "[" * 9_999, "tokpipe.toml: not valid TOML: it is nested too deep"),
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


WRONG = {  # a value of each type of TOML
    "true": "true or false",
    "1": "a number",
    "-7": "a number",
    "1.5": "a number",
    "inf": "a number",
    "'word'": "a text",
    "[]": "",
    "[1]": "a list",
    "[[1]]": "a list",
    "['a', true]": "a list",
    "{}": "",
    "{a = 1}": "",
    "1979-05-27": "a date or time",
    "07:32:00": "a date or time",
    "1979-05-27T07:32:00Z": "a date or time",
    r"'''a'''": "a text",
    r'"a\u0000b"': "a text",
    "9" * 400: "a number",
    "[" * 400 + "]" * 400: "a list",
}
KEYS = {
    "": ("seed", "threads", "json", "quiet", "verbose", "debug", "no_color", "dry_run", "force"),
    "[bake-bread]\n": ("loaves", "oven", "hot", "rye", "weights", "spices", "flour_bytes", "salt"),
}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: value[:20])
@pytest.mark.parametrize(("table", "key"), [(t, k) for t, keys in KEYS.items() for k in keys])
def test_every_type_of_value_is_taken_or_refused_with_its_place(bakery, capsys, table, key, value):
    settings(f"{table}{key} = {value}")
    code, _, _ = bakery("bake-bread")
    said = capsys.readouterr().err
    assert code in (0, 2), said
    assert "unexpected" not in said and "Traceback" not in said
    assert code == 0 or "tokpipe.toml" in said or key.replace("_", "-") in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("json = 1", "tokpipe.toml: json: found a number; true or false is needed"),
        ("[bake-bread]\noven = true", "oven: found true or false; a text in quotes is needed"),
        ("[bake-bread]\nsalt = [1]", "salt: found a list; a number is needed"),
        ("[bake-bread]\nspices = 1979-05-27", "spices: found a date or time; a text in quotes"),
        ("[bake-bread]\nspices = ['a', 1]", "spices: found a number; a text in quotes"),
        ("[bake-bread]\nspices = 'a\\u0000'", None),
        ('[bake-bread]\nspices = "a\\u0000"', "spices: the text holds a NUL character"),
        ("[bake-bread]\nflour_bytes = 1.5", "flour_bytes: found a number; a number of bytes"),
    ],
)
def test_a_type_that_cannot_be_meant_is_told(bakery, capsys, text, said):
    settings(text)
    code = bakery("bake-bread")[0]
    assert code == (0 if said is None else 2)
    assert said is None or said in capsys.readouterr().err


PLACES = {
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": lambda path: os.mkfifo(path),
    "a folder": lambda path: path.mkdir(),
    "larger than 1,048,576 bytes": lambda path: path.write_bytes(b"#" * (1 << 21)),
    "not UTF-8 at byte 0": lambda path: path.write_bytes(b"\xff\xfes\0"),
    "not valid TOML": lambda path: path.write_bytes(b"\0" * 100),
}


@pytest.mark.parametrize(("said", "make"), PLACES.items(), ids=PLACES)
def test_what_is_no_settings_file_is_told_at_once(bakery, capsys, said, make):
    make(Path("odd.toml"))
    assert bakery("bake-bread", "--config", "odd.toml")[0] == 2
    assert said in capsys.readouterr().err


def test_a_byte_order_mark_is_passed_over(bakery):
    Path("tokpipe.toml").write_bytes(b"\xef\xbb\xbf[bake-bread]\nloaves = 3\n")
    assert bakery("bake-bread")[2].loaves == 3
