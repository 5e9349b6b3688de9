"""`tokpipe attention` as it is called, and what masks look at."""

import json
from pathlib import Path

import pytest

from tests.unit.tasks.models import SPECIALS, WORDS, small
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.attention import attention
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "m"
    small().save(folder)
    return folder


@pytest.mark.parametrize("view", ["model", "head", "neuron"])
def test_views_are_drawn_and_written(tokpipe, model, view):
    ran = tokpipe("attention", model, TEXT, "--view", view)
    assert ran.code == 0 and "\x1b" not in ran.out and not ran.err
    assert max(map(len, ran.out.splitlines())) <= 80
    content = tokpipe("attention", model, TEXT, "--view", view, "--json").json
    assert [token["token"] for token in content["tokens"]][:3] == ["[CLS]", "the", "cat"]


def test_weights_in_json_are_those_of_the_library(tokpipe, model):
    asked = ("--view", "head", "--layer", "2", "--head", "1", "--token", "cat", "--json")
    found = tokpipe("attention", model, TEXT, *asked).json["looks"][0]["weights"]
    weights = attention(BertModel.load(model), TEXT).layer(2).weights()[0, 2]
    assert found == pytest.approx(weights.tolist(), abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((TEXT, "--view", "head", "--layer", "5"), 2, "layer 5: the model has 1 to 4"),
        ((TEXT, "--view", "head", "--head", "3"), 2, "--head 3: this view takes 1 to 2"),
        ((TEXT, "--view", "head", "--token", "dog"), 3, "no token of the text is 'dog'"),
        ((TEXT, "--view", "head", "--token", "the"), 3, "'the' is at the places 1, 5"),
        ((TEXT, "--from", "b"), 2, "--from b: there is no second text"),
        ((TEXT, "--view", "nothing"), 2, "'nothing' is not one of"),
        ((TEXT, "--layer", "x"), 2, "'x' is not a valid integer"),
        ((TEXT, "--view", "head", "--head", "all"), 2, "--head all shows one token"),
        ((TEXT, "--corpus", "c.txt"), 2, "at one of the two"),
        ((), 2, "at one of the two"),
        ((TEXT, "--exact"), 2, "--exact says nothing without --html"),
        (("--corpus", "c.txt", "--exact"), 2, "--exact says nothing with --corpus"),
        (("--corpus", "c.txt", "--layer", "1"), 2, "--layer says nothing with --corpus"),
        (("--corpus", "c.txt", "--layer", "0"), 2, "--layer says nothing with --corpus"),
        (("--corpus", "c.txt", "--from", "a"), 2, "--from says nothing with --corpus"),
        (("--corpus", "c.txt", "--view", "head"), 2, "--view says nothing with --corpus"),
        (("--corpus", "c.txt"), 3, "c.txt"),
        ((TEXT, "--dry-run"), 2, "--dry-run"),
    ],
)
def test_what_cannot_be_shown_is_one_error(tokpipe, model, arguments, code, said):
    ran = tokpipe("attention", model, *arguments)
    assert ran.code == code and said in ran.err and not ran.out
    assert ran.err.count("error:") == 1


def test_a_side_is_asked_for_by_flag_file_and_environment(tokpipe, model, monkeypatch):
    asked = ("attention", model, TEXT, "a dog", "--view", "head")
    flag = tokpipe(*asked, "--from", "b")
    Path("from.toml").write_text("[attention]\nfrom = 'b'\n")
    file = tokpipe(*asked, "--config", "from.toml")
    monkeypatch.setenv("TOKPIPE_ATTENTION_FROM", "b")
    assert flag.code == 0 and flag.out == file.out == tokpipe(*asked).out != tokpipe(*asked[:3]).out
    monkeypatch.setenv("TOKPIPE_ATTENTION_FROM", "c")
    assert "environment TOKPIPE_ATTENTION_FROM: 'c' is not one of" in tokpipe(*asked).err


@pytest.mark.parametrize(
    ("texts", "side", "said"),
    [
        (("the cat",), "b", "there is no second text, or it is empty"),
        (("the cat", ""), "b", "there is no second text, or it is empty"),
    ],
)
def test_a_text_that_is_not_there_is_no_side(tokpipe, model, texts, side, said):
    ran = tokpipe("attention", model, *texts, "--view", "head", "--to", side)
    assert ran.code == 2 and f"--to {side}: {said}" in ran.err


def test_places_of_a_token_that_is_often_there_are_told_in_short(tokpipe, model):
    ran = tokpipe("attention", model, "dog " * 22, "--view", "head", "--token", "dog")
    assert ran.code == 3 and "1, 2, 3" in ran.err and ", 20, ...\n" in ran.err


def test_a_text_that_was_cut_is_told(tokpipe, model):
    ran = tokpipe("attention", model, "dog " * 40)
    assert ran.code == 0 and "was cut" in ran.err and "24 tokens" in ran.out


def test_hostile_tokens_and_names_are_shown_as_text(tokpipe, tmp_path):
    bad = ["\x1b[31m", "\u202e", "[bold]", "\x07"]
    tokens = [*SPECIALS, *bad, *WORDS[len(bad) :]]
    spec = spec_from_bert_vocab(tokens)
    hostile = BertModel(Parameters.initialised(small().config, 3), Tokenizer(spec))
    folder = tmp_path / "m\x1b[2J"
    hostile.save(folder)
    for view in ("model", "head", "neuron"):
        ran = tokpipe("attention", folder, "\x1b[31m \u202e [bold] \x07 x", "--view", view)
        assert ran.code == 0, ran.err
        assert not set(ran.out) & set("\x1b\x07\u202e") and "\\x1b" in ran.out
        ran = tokpipe("attention", folder, "x", "--view", view, "--json")
        assert not set(ran.out) & set("\x1b\x07\u202e")
    ran = tokpipe("attention", folder, "x", "--view", "head", "--token", "\x1b]0;y\x07")
    assert ran.code == 3 and not set(ran.err) & set("\x1b\x07")


def test_a_corpus_is_measured_for_any_threads(tokpipe, model, tmp_path):
    (tmp_path / "c.txt").write_text("the cat sat\n\na dog ran on the old road\n" * 9)
    one, two = (
        tokpipe("attention", model, "--corpus", "c.txt", "--json", "--threads", n) for n in (1, 2)
    )
    assert one.code == 0 and one.out == two.out
    assert one.json["texts"] == 18 and len(one.json["layers"]) == 4
    drawn = tokpipe("attention", model, "--corpus", "c.txt")
    assert "18 texts" in drawn.out and max(map(len, drawn.out.splitlines())) <= 80


def test_views_stand_in_a_pipe_of_ascii(process, model):
    for environment in ({"LC_ALL": "C"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        for view in ("model", "head", "neuron"):
            ran = process("attention", model, TEXT, "--view", view, env=environment)
            assert ran.returncode == 0, ran.stderr
            assert b"\x1b" not in ran.stdout
            assert "LC_ALL" not in environment or ran.stdout.isascii()


def test_masks_say_what_they_look_at(tokpipe, model):
    text = "the [MASK] sat on [MASK]"
    ran = tokpipe("fill-mask", model, text, "-k", "2", "--attend", "--json")
    (found,) = ran.json
    assert [len(tokens) for tokens in found["attended"]] == [2, 2]
    mean = attention(BertModel.load(model), text).mean
    for place, tokens in zip((2, 5), found["attended"], strict=True):
        for token in tokens:
            assert token["share"] == pytest.approx(float(mean[place, token["place"]]))
            assert token["token"] in ("the", "sat", "on")
    drawn = tokpipe("fill-mask", model, text, "-k", "2", "--attend", "-q").out
    assert drawn.count("looks among the other words") == 2
    best = found["attended"][0][0]
    assert f"{best['token']} " in drawn and f"{100 * best['share']:.2f} %" in drawn
    assert "attended" not in tokpipe("fill-mask", model, text, "--json").json[0]
    assert json.loads(ran.out) == ran.json


@pytest.mark.parametrize("view", ["model", "head", "neuron"])
def test_a_page_is_written_whole_and_not_over_another(tokpipe, model, tmp_path, view):
    asked = ("attention", model, TEXT, "--view", view, "--html", "page.html")
    ran = tokpipe(*asked)
    assert (ran.code, ran.out) == (0, "page.html\n"), ran.err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f'"view": "{view}"' in page and page.rstrip().endswith("</html>")
    again = tokpipe(*asked)
    assert again.code == 4 and "page.html" in again.err and "--force" in again.err
    ran = tokpipe(*asked, "--force", "--exact", "--json")
    assert ran.code == 0 and ran.json["model"] == str(model)
    assert '"exact": true' in (tmp_path / "page.html").read_text("utf-8")
