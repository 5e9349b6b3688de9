"""E1: odd paths and locales change no byte."""

import pytest

from tests.fault.conftest import Command, hashes, write_corpus

FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")
ODD = "å b\n'\"[bold]\x1b"


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_locale_changes_no_byte(train, undisturbed, env):
    ran = train.run(env=env)
    assert ran.code == 0, ran.err
    assert hashes(train.folder / "out") == undisturbed[0]
    assert ran.err.isascii()
    assert ran.out.isascii()


def test_odd_paths_change_no_byte_and_cannot_act(tmp_path, undisturbed):
    folder = tmp_path / ODD
    folder.mkdir()
    write_corpus(folder / "text.txt")
    line = ("train-vocab", folder / "text.txt", "--vocab-size", "220", "-o", folder / "out")
    ran = Command(tmp_path, *line).run(env={"LC_ALL": "C"})
    assert ran.code == 0, ran.err
    made = hashes(folder / "out")
    assert {name: made[name] for name in FILES} == {name: undisturbed[0][name] for name in FILES}
    assert "\x1b" not in ran.out + ran.err


def test_name_that_is_no_text_is_shown_as_escapes(tmp_path):
    (tmp_path / "a\udcff").mkdir()
    ran = Command(tmp_path, "count-words", "a\udcff", "-o", "out").run()
    assert ran.code == 3
    assert "Traceback" not in ran.err
