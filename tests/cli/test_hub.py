"""Models by their names on the Hub, from its cache alone: no test goes out."""

import shutil

import pytest

from tests.unit.tasks.models import small
from tokpipe.foundation import hub
from tokpipe.foundation.errors import InputError
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.tokenizer import Tokenizer

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The shared cache, with one model in it, and no net."""
    from huggingface_hub import constants

    root = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    place = root / "models--us--tiny"
    small().save(tmp_path / "saved")
    shutil.copytree(tmp_path / "saved", place / "snapshots" / REVISION)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(REVISION)
    (place / "refs/v2").write_text(REVISION)
    return root


@pytest.mark.parametrize("name", ["hub:us/tiny", "hub:us/tiny@v2", f"hub:us/tiny@{REVISION}"])
def test_a_model_of_the_cache_opens_by_its_name(name, tmp_path):
    wanted = BertModel.load(tmp_path / "saved")
    model = BertModel.load(name)
    assert (model.parameters.block == wanted.parameters.block).all()
    assert Tokenizer.load(name).tokens == wanted.tokenizer.tokens
    assert hub.shown_name(model.folder) == f"us/tiny@{REVISION[:7]}"


COMMANDS = [
    ("inspect", "model", "hub:us/tiny"),
    ("check", "hub:us/tiny"),
    ("fill-mask", "hub:us/tiny", "the [MASK] sat"),
    ("embed", "hub:us/tiny", "t.txt"),
    ("nearest", "hub:us/tiny", "cat"),
    ("predict", "nsp", "hub:us/tiny", "the cat", "it ran"),
    ("encode", "t.txt", "-t", "hub:us/tiny"),
    ("inspect", "tokens", "the cat", "-t", "hub:us/tiny"),
    ("inspect", "vocab", "hub:us/tiny"),
    ("inspect", "masking", "the cat", "-t", "hub:us/tiny"),
    ("build-shards", "t.txt", "-t", "hub:us/tiny", "-o", "shards"),
    ("import", "hub:us/tiny", "-o", "copy"),
    ("export", "hub:us/tiny", "-o", "copy"),
    ("finetune", "classification", "hub:us/tiny", "--train", "c.csv", "--epochs", 1, "-o", "out"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(map(str, words[:2])))
def test_every_command_that_takes_a_model_takes_a_name(tokpipe, tmp_path, arguments):
    (tmp_path / "t.txt").write_text("the cat sat on the mat .\nit ran and ran .\n" * 20)
    rows = [f"the {animal} {verb},{verb}" for animal in ("cat", "dog") for verb in ("ran", "sat")]
    (tmp_path / "c.csv").write_text("text,label\n" + "\n".join(rows * 8) + "\n")
    ran = tokpipe(*arguments)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hub:us/other", "hub:us/other: the Hub cannot be reached, and the cache does not have it"),
        ("hub:us/tiny@v9", "cannot be reached"),
        ("hub:", "hub: is no name of the Hub"),
        ("hub:a/b/c", "is no name of the Hub"),
        ("hub:us/tiny@", "is no name of the Hub"),
        ("hub:../../etc", "is no name of the Hub"),
        ("hub:us/ti ny", "is no name of the Hub"),
        ("hub:us/..", "hub:us/.."),
        ("hub:us/tiny@../../..", "hub:us/tiny@../../.."),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(tokpipe, name, said):
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        BertModel.load(name)
    ran = tokpipe("inspect", "model", name)
    assert ran.code == 3 and said in ran.err and "Traceback" not in ran.err


def test_a_name_without_the_mark_says_how_it_is_written(tokpipe):
    ran = tokpipe("embed", "us/tiny", "t.txt")
    assert ran.code == 3 and "Write hub:us/tiny" in ran.err
