import json

from tokpipe.cli.main import execute


def test_the_textbook_run_ends_with_its_three_letters(capsys):
    assert execute(["explain", "bpe", "aaabdaaabac", "--steps", "3"]) == 0
    assert "\nZ = aa, Y = ab, X = ZY\n" in capsys.readouterr().out


def test_wordpiece_and_bpe_part_ways_on_hugs(capsys):
    words = "hug:10,pug:5,pun:12,bun:4,hugs:5"
    assert execute(["explain", "wordpiece", words, "--steps", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["pair"] == ["##g", "##s"]
    assert execute(["explain", "wordpiece", words, "--score", "frequency", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["pair"] == ["##u", "##g"]


def test_a_wrong_count_is_a_usage_error(capsys):
    assert execute(["explain", "bpe", "a:0"]) == 2
    assert "'a:0' is no word with its count" in capsys.readouterr().err
