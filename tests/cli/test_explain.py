import json

import pytest

from tests.unit.tasks.models import TOKENS, small
from tokpipe.cli.main import execute
from tokpipe.inspection.config import CHAPTERS
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "m"
    small().save(folder)
    return folder


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


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_are_told_on_made_up_numbers_and_on_a_model(tokpipe, model, name):
    toy = tokpipe("explain", name)
    assert toy.code == 0 and "1. " in toy.out and not toy.err
    text = "the cat [MASK]" if name == "mlm" else "the cat sat"
    more = ["a cat ran"] if name == "contextual" else []
    told = tokpipe("explain", name, text, *more, "--model", model, "--json")
    assert told.code == 0 and str(model) in told.json["model"]
    assert told.json["text"].startswith("[CLS] the cat")
    assert told.json["text"].count("[SEP]") == (2 if name == "contextual" else 1)
    assert tokpipe("explain", name, "--json").json["model"] is None
    assert max(map(len, toy.out.splitlines())) <= 80


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("mask", ["[MASK]", "<mask>"])
def test_a_chapter_has_a_text_for_any_model(tokpipe, tmp_path, mask, name):
    tokens = [mask if token == "[MASK]" else token for token in TOKENS]
    tokenizer = Tokenizer(spec_from_bert_vocab(tokens, roles={"mask_token": mask}))
    BertModel(small().parameters, tokenizer).save(tmp_path / "m")
    told = tokpipe("explain", name, "--model", "m")
    assert told.code == 0, told.err


def test_what_a_chapter_does_not_know_is_one_error(tokpipe, model):
    ran = tokpipe("explain", "ffn", "the cat")
    assert ran.code == 2 and "TEXT says nothing without a model" in ran.err
    ran = tokpipe("explain", "attention", "--layer", "1")
    assert ran.code == 2 and "--layer says nothing without a model" in ran.err
    asked = ("explain", "attention", "the cat", "-m", model)
    assert "layer 9: the model has 1 to 4" in tokpipe(*asked, "--layer", "9").err
    assert tokpipe(*asked, "--layer", "9").code == 2
    assert "--head 5: this view takes 1 to 2" in tokpipe(*asked, "--head", "5").err
    assert "2 texts: explain attention takes 1 at most" in tokpipe(*asked, "a dog").err
    assert "3 texts: explain nsp takes 2" in tokpipe("explain", "nsp", *"abc", "-m", model).err
    assert tokpipe("explain", "contextual", "the cat", "-m", model).code == 2
    assert tokpipe("explain", "mlm", "the cat", "-m", model).code == 3
    ran = tokpipe(*asked, "--token", "dog")
    assert ran.code == 3 and "no token of the text is 'dog'" in ran.err


def test_hostile_words_are_told_as_text(tokpipe, model):
    text = "\x1b]0;x\x07 \u202e [bold] cat [MASK]"
    for name in CHAPTERS:
        more = [text] if name == "contextual" else []
        ran = tokpipe("explain", name, text, *more, "-m", model)
        assert ran.code == 0, ran.err
        assert not set(ran.out) & set("\x1b\x07\u202e")


def test_a_text_that_a_chapter_cuts_is_told(tokpipe, model):
    ran = tokpipe("explain", "add-norm", "dog " * 40, "-m", model)
    assert ran.code == 0 and "was cut" in ran.err
