"""`extend-vocab` as a user has it."""

import shlex

import pytest

from tests.unit.tasks.models import small

TEXT = "the cats sat on the roads\nolds dogs and cats, oldings and roads\n" * 30


@pytest.fixture
def model(tmp_path):
    small().save(tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def novel(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text(TEXT)
    return path


def test_a_model_says_what_was_gained_and_what_comes_next(tokpipe, model, novel):
    ran = tokpipe("extend-vocab", model, novel, "--add", 3, "--pad-to-multiple-of", 64, "-o", "out")
    assert ran.code == 0, ran.err
    assert "out: 3 new tokens" in ran.out
    for row in ("rows of the model", "tokens a word", "words gained", "old ids", "measured on"):
        assert f"\n{row} " in ran.out
    assert "tokpipe pretrain SHARDS --from out --also OTHERS -o RUN" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("name", ["out", "a wider 'model'"])
def test_what_comes_next_shows_the_losses_on_both_texts(tokpipe, model, novel, tmp_path, name):
    (tmp_path / "OLDER").write_text("the dog ran on the road .\n\na cat sat .\n" * 30)
    novel.rename(tmp_path / "INPUT")
    extended = tokpipe("extend-vocab", model, "INPUT", "--add", 3, "-o", name)
    told = [
        line.split("$ tokpipe ")[1] for line in extended.out.splitlines() if "$ tokpipe" in line
    ]
    *builds, trains = map(shlex.split, told)
    for build in builds:
        made = tokpipe(*build, "--max-seq-length", 16)
        assert made.code == 0, made.err
        assert f"tokpipe pretrain {shlex.quote(build[-1])} --preset" in made.out
    ran = tokpipe(*trains, "--steps", 2, "--batch-tokens", 64)
    assert ran.code == 0, ran.err
    table = ran.out[ran.out.index("\nloss on ") :].splitlines()[1:4]
    assert table[0].split() == ["loss", "on", "before", "after", "change", "by", "frequency"]
    assert [row.split()[0] for row in table[1:]] == ["SHARDS", "OTHERS"]
    assert "3 are new" not in ran.err, "the rows are there already"


def test_json_holds_the_numbers(tokpipe, model, novel):
    ran = tokpipe("extend-vocab", model, novel, "--add", 3, "-o", "out", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert found["added"] == 3 and found["tokens"] == found["rows"]
    gain = found["gain"]
    assert gain["after"]["tokens_per_word"] < gain["before"]["tokens_per_word"]


def test_words_that_are_there_and_words_that_change_are_named(tokpipe, model, tmp_path):
    (tmp_path / "words.txt").write_text("cat\nKittens\n")
    ran = tokpipe("extend-vocab", model, "--words", "words.txt", "-o", "out")
    assert ran.code == 0, ran.err
    assert "tokens already: cat" in ran.err
    assert "Kittens is kittens" in ran.err


def test_a_dry_run_does_nothing(tokpipe, model, novel, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    ran = tokpipe("extend-vocab", model, novel, "--add", 3, "-o", "out", "--dry-run")
    assert ran.code == 0, ran.err
    assert "Extending a wordpiece vocabulary (nothing is done)" in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_words_that_stay_unknown_are_a_warning(tokpipe, model, novel):
    novel.write_text(TEXT + "unheard wonders\n" * 99)
    ran = tokpipe("extend-vocab", model, novel, "--add", 4, "-o", "out")
    assert ran.code == 0 and "% of the words stay unknown" in ran.err
    assert "\nnew characters" in ran.out


def test_words_that_are_given_are_not_told_to_be_more(tokpipe, model, novel, tmp_path):
    novel.write_text("unheard wonders\n" * 99)
    (tmp_path / "words.txt").write_text("kittens\n")
    ran = tokpipe("extend-vocab", model, novel, "--words", "words.txt", "-o", "out")
    assert ran.code == 0 and "of them: --add learns them from the text" in ran.err
    assert "out: 1 new token\n" in ran.out


def test_what_is_taken_of_a_folder_and_what_is_not_is_said(tokpipe, model, novel):
    (model / "model.safetensors").unlink()
    (model / "tokpipe.json").unlink()
    ran = tokpipe("extend-vocab", model, novel, "--add", 2, "-o", "out")
    assert ran.code == 0 and "its tokenizer alone is extended" in ran.err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["novel.txt"], 2, "give --add or --words, one of them"),
        (["novel.txt", "--add", "3", "--words", "novel.txt"], 2, "give --add or --words"),
        (["--add", "3"], 2, "--add needs an INPUT"),
        (["novel.txt", "--add", "0"], 2, "below the least allowed value, 1"),
        (["none.txt", "--add", "3"], 3, "none.txt"),
        (["novel.txt", "--words", "novel.txt"], 3, "novel.txt:1: "),
        (["novel.txt", "--add", "3", "--held-out", "1"], 2, "held_out=1.0 is not a share"),
    ],
)
def test_what_cannot_be_is_said(tokpipe, model, novel, tmp_path, options, code, message):
    ran = tokpipe("extend-vocab", model, *options, "-o", "out")
    assert ran.code == code and message in ran.err
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in ran.err
