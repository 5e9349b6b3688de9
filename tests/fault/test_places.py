"""E1: odd paths and locales change no byte. B3: nor is what another puts at a place replaced."""

import subprocess
import time

import pytest

from tests.fault.conftest import Command, hashes, names, write_corpus

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


COMMANDS = {  # that read standard input, and so work as long as we like
    "count-words": ("count-words", "-", "-o", "out"),
    "train-vocab": ("train-vocab", "-", "--vocab-size", "60", "-o", "out"),
    "encode": ("encode", "-", "-t", "tok", "-o", "out"),
    "build-shards": ("build-shards", "-", "-t", "tok", "--recipe", "roberta", "-o", "out"),
}
THINGS = {
    "file": lambda path: path.write_text("theirs"),
    "folder": lambda path: (path.mkdir(), (path / "theirs").write_text("theirs")),
    "link": lambda path: path.symlink_to("text.txt"),
}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    write_corpus(folder / "text.txt")
    ran = Command(folder, "train-vocab", "text.txt", "--vocab-size", "220", "-o", "tok").run()
    assert ran.code == 0, ran.err
    return folder / "tok"


def _is_under_way(folder):
    """Say whether the work has a place: the lock alone stands before the output is looked for."""
    return any(path.suffix != ".lock" for path in folder.glob(".out.*"))


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_comes_to_the_place_of_an_output_meanwhile_stays(tmp_path, vocabulary, name, thing):
    write_corpus(tmp_path / "text.txt")
    (tmp_path / "tok").symlink_to(vocabulary)
    process = Command(tmp_path, *COMMANDS[name]).started(stdin=subprocess.PIPE)
    limit = time.monotonic() + 300
    while time.monotonic() < limit and not _is_under_way(tmp_path):
        time.sleep(0.02)
    THINGS[thing](tmp_path / "out")
    before = (tmp_path / "out").lstat()
    _, err = process.communicate((tmp_path / "text.txt").read_bytes(), timeout=600)
    said = err.decode()
    assert process.returncode == 4, said
    assert "was put there by another while the work ran" in said and "Traceback" not in said
    assert (tmp_path / "out").lstat() == before
    assert names(tmp_path) == ["out", "out.finished", "text.txt", "tok"]
    assert "hint:  Move the other away, then: mv -- " in said
