import io
import json
import subprocess
import sys

import pytest

from tests.unit.inspection.folders import bpe, wordpiece, write
from tokpipe.cli.main import execute


@pytest.fixture
def folders(tmp_path):
    return [str(write(tmp_path / "wp", wordpiece())), str(write(tmp_path / "bb", bpe()))]


def test_tokens_of_two_tokenizers_stand_one_under_the_other(folders, capsys):
    wp, bb = folders
    assert execute(["inspect", "tokens", "-t", wp, "-t", bb, "hugs, 東 abc"]) == 0
    drawn = capsys.readouterr().out
    assert "│ [CLS] │ hug ┊ ##s │ [UNK]=, │ 東  │" in drawn
    assert drawn.index("wordpiece, 19 tokens") < drawn.index("bpe, 6 tokens")
    assert "tokens/word" in drawn and "\x1b" not in drawn


def test_a_word_is_traced_in_each_tokenizer(folders, capsys):
    wp, bb = folders
    assert execute(["inspect", "tokens", "-t", wp, "-t", bb, "--trace", "abc"]) == 0
    drawn = capsys.readouterr().out
    assert "✗ abc" in drawn and "rank 1        abc\n" in drawn


def test_json_has_tokens_counts_and_traces(folders, capsys):
    arguments = ["inspect", "tokens", "-t", folders[0], "hugs", "--trace", "hugs", "--json"]
    assert execute(arguments) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [row["token"] for row in found["tokens"]] == ["[CLS]", "hug", "##s", "[SEP]"]
    assert [row["start"] for row in found["tokens"][1:3]] == [0, 3]
    assert found["counts"]["tokens"] == 2
    assert found["trace"][0]["tokens"] == ["hug", "##s"]


def test_hostile_text_and_markup_reach_the_terminal_as_text(folders, capsys):
    text = "\x1b]0;x\x07 [bold]hug[/] \u202eabc\x9b\x00"
    wp, bb = folders
    assert execute(["inspect", "tokens", "-t", wp, "-t", bb, text]) == 0
    drawn = capsys.readouterr().out
    assert not set(drawn) & set("\x1b\x07\x9b\x00\u202e")


def test_there_must_be_something_to_look_at(folders, capsys):
    assert execute(["inspect", "tokens", "-t", folders[0]]) == 2
    assert execute(["inspect", "tokens", "-t", "nowhere", "hug"]) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "tokens", "-t", "wp", "TEXT"),
        ("inspect", "tokens", "-t", "wp", "hug", "--pair", "TEXT"),
        ("inspect", "tokens", "-t", "wp", "--trace", "TEXT"),
        ("inspect", "tokens", "-t", "bb", "--trace", "TEXT"),
        ("inspect", "masking", "TEXT"),
        ("inspect", "masking", "TEXT", "-t", "wp"),
        ("explain", "masking", "TEXT"),
        ("explain", "bpe", "TEXT"),
        ("explain", "wordpiece", "TEXT:3,hug:2"),
    ],
    ids=" ".join,
)
def test_a_text_that_is_not_utf8_is_bad_input(folders, tokpipe, arguments):
    ran = tokpipe(*(one.replace("TEXT", "hug\udcff") for one in arguments))
    assert (ran.code, ran.out) == (3, "") and "lone surrogate U+DCFF" in ran.err


@pytest.mark.parametrize("count", ["0", "-1", "4611686018427387904", "9" * 5000])
def test_a_count_that_is_none_is_no_bug(tokpipe, count):
    ran = tokpipe("explain", "bpe", f"hug:{count},pug:2")
    assert ran.code == 2 and "is no word with its count" in ran.err


@pytest.mark.parametrize(
    "marked", ["\ufeffhug a", "hug a\r\n", "\ufeffhug a\n", "hug a"], ids=ascii
)
def test_a_mark_of_byte_order_and_line_ends_are_no_text(folders, tokpipe, monkeypatch, marked):
    stream = io.TextIOWrapper(io.BytesIO(marked.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    ran = tokpipe("inspect", "tokens", "-t", "bb", "-", "--json")
    assert ran.json[0]["counts"]["characters"] == 5


def test_standard_input_that_is_too_long_is_told_so(folders, tokpipe, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("😀".encode() * 200_001)))
    ran = tokpipe("inspect", "tokens", "-t", "bb", "-")
    assert ran.code == 3 and "longer than 200,000 characters" in ran.err


def test_a_vocabulary_is_shown_with_its_use_on_a_corpus(folders, tmp_path, capsys):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("hug hugs\nhug?\n")
    assert execute(["inspect", "vocab", folders[0], "--corpus", str(corpus), "--json"]) == 0
    use = json.loads(capsys.readouterr().out)["corpus"]
    assert (use["words"], use["whole"], use["unknown"]) == (4, 2, 1)
    assert execute(["inspect", "vocab", folders[0], "--corpus", str(corpus), "-q"]) == 0
    assert "  stay whole         2 (50.0 %)\n" in capsys.readouterr().out


def test_a_corpus_with_characters_without_tokens_is_a_problem(folders, tmp_path, capsys):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("hugs öl\n")
    assert execute(["check", folders[0], "--corpus", str(corpus), "--json"]) == 1
    characters, words = json.loads(capsys.readouterr().out)[0]["findings"]
    assert characters["problem"].endswith("in 1 word (50 %): 'l' (1), 'ö' (1)")
    assert words["problem"].startswith("50.0 % of the words are unknown")


def test_looking_at_tokens_imports_no_more_than_it_needs(folders):
    heavy = ("datasets", "pyarrow", "tokenizers", "torch")
    code = (
        "import sys; from tokpipe.cli.main import execute\n"
        f"execute(['inspect', 'tokens', '-t', {folders[0]!r}, 'hugs'])\n"
        f"print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.strip().endswith("heavy: []")
