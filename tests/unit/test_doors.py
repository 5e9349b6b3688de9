"""What public functions are given in place of a path or a model: named at the door."""

import inspect
import typing
from pathlib import Path

import numpy as np
import pytest

import tokpipe
from tests.unit.tasks.models import small
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer.build import train_vocab

LOADERS = {
    "Tokenizer.load": tokpipe.Tokenizer.load,
    "BertModel.load": tokpipe.BertModel.load,
    "WordCounts.load": tokpipe.WordCounts.load,
    "open_shards": tokpipe.open_shards,
    "open_baseline": tokpipe.open_baseline,
    "predict": lambda path: tokpipe.predict(path, ["a"]),
    "evaluate_shards": lambda path: tokpipe.evaluate_shards(small(), path),
    "BertModel.save": lambda path: small().save(path),
    "Tokenizer.save": lambda path: small().tokenizer.save(path),
    "build_shards": lambda path: tokpipe.build_shards(["a.txt"], "tok", path),
}
USES = {
    "attention": lambda model: tokpipe.attention(model, "a"),
    "embed_texts": lambda model: tokpipe.embed_texts(model, ["a"]),
    "fill_masks": lambda model: tokpipe.fill_masks(model, ["a [MASK]"]),
    "judge_pairs": lambda model: tokpipe.judge_pairs(model, [("a", "b")]),
    "evaluate_shards": lambda model: tokpipe.evaluate_shards(model, "s"),
    "WordVectors": tokpipe.WordVectors,
}


@pytest.mark.parametrize("path", [None, 5, b"x", ["x"], float("nan")])
@pytest.mark.parametrize("name", LOADERS)
def test_what_is_no_path(name, path):
    with pytest.raises(ConfigError, match=r"a str or a Path(Like)? is needed"):
        LOADERS[name](path)


def test_no_output_and_what_is_none(tmp_path):
    (tmp_path / "a.txt").write_text("a b a b\n" * 9)
    config = tokpipe.VocabConfig(vocab_size=20)
    with pytest.raises(ConfigError, match=r"output is an int \(5\)"):
        train_vocab([tmp_path / "a.txt"], config, output=5)  # type: ignore[arg-type]
    assert train_vocab([tmp_path / "a.txt"], config, output=None).vocab_size <= 20


@pytest.mark.parametrize("model", [None, 5, "out/run", Path("out/run")])
@pytest.mark.parametrize("name", USES)
def test_what_is_no_model(name, model):
    with pytest.raises(ConfigError, match=r"model is .*a BertModel is needed"):
        USES[name](model)


def kinds_of_settings():
    """Yield each public function, and each parameter of it that is settings of one kind."""
    for name in tokpipe.__all__:
        function = getattr(tokpipe, name)
        if inspect.isfunction(function):
            for one in inspect.signature(function).parameters.values():
                kinds = [*typing.get_args(one.annotation), one.annotation]
                if any(isinstance(kind, type) and Config in kind.__mro__[1:] for kind in kinds):
                    yield name, one.name


@pytest.mark.parametrize("value", [{"seed": 1}, "settings.toml"])
@pytest.mark.parametrize(("name", "parameter"), [*kinds_of_settings()])
def test_what_are_no_settings(name, parameter, value):
    function = getattr(tokpipe, name)
    given = {
        one.name: small() if one.annotation is tokpipe.BertModel else "pos"
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty
    }
    with pytest.raises(ConfigError, match=rf"{parameter} is a (dict|str).*Config is needed"):
        function(**{**given, parameter: value})


def test_folders_beside_those_to_train_on_are_a_list():
    with pytest.raises(InputError, match="also is a str"):
        tokpipe.pretrain_from("model", "shards", also="others")


def test_a_seed_of_numpy_is_one_of_json():
    assert type(tokpipe.BuildConfig(seed=np.int64(3)).seed) is int
