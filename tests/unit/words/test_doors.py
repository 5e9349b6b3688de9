"""What the public functions of counting and training refuse, and that they say where and what."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import tokpipe
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import TokpipeError
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.words.config import WordsConfig
from tokpipe.words.counts import WordCounts

NAN = float("nan")
ONE_WORD = WordCounts(words=Strings.from_list(["ab"]), counts=np.ones(1, np.int64))


@pytest.mark.parametrize(
    "function",
    [tokpipe.count_words, tokpipe.train_vocab, tokpipe.merge_counts],
    ids=lambda function: function.__name__,
)
@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ("text.txt", r"is a str \('text.txt'\); a list of paths"),
        (Path("text.txt"), "a list of paths"),
        (b"text.txt", "is a bytes"),
        (None, "is None"),
        (7, r"is an int \(7\)"),
        ([None], r"\[0\] is None"),
        (["a", NAN], r"\[1\] is a float \(nan\)"),
        (["a", "b", b"c"], r"\[2\] is a bytes \(b'c'\)"),
        ([["a"]], r"\[0\] is a list"),
        ((x for x in ("a", 3)), r"\[1\] is an int \(3\)"),
        ([], "no (input|folders)"),
        (["a", "list", "of", "words"], "a: [Nn]o such"),
        (OrderedDict(a=1), "a: [Nn]o such"),
    ],
)
def test_what_is_no_list_of_paths_is_named_with_its_place(
    function, inputs, problem, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if not isinstance(inputs, list | str | bytes | Path | dict | int | None):
        inputs = iter(["a", 3])  # each function its own
    with pytest.raises(TokpipeError, match=problem):
        function(inputs)


def test_any_iterable_of_paths_is_read(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be")
    for inputs in ([path], (str(path),), {path}, (p for p in [path]), {path: 1}):
        assert tokpipe.count_words(inputs).total == 6


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("threads", "2"),
        ("threads", 1.5),
        ("threads", True),
        ("threads", 0),
        ("memory", "1GB"),
        ("memory", NAN),
        ("held_out", "half"),
        ("held_out", None),
        ("held_out", NAN),
        ("held_out", 1),
        ("words", "bert"),
        ("read", {"format": "txt"}),
        ("workdir", 3),
    ],
)
def test_settings_of_another_kind_are_named(tmp_path, setting, value):
    path = tmp_path / "text.txt"
    path.write_text("to be")
    with pytest.raises(TokpipeError, match=setting):
        tokpipe.count_words([path], **{setting: value})


@pytest.mark.parametrize(
    "make",
    [
        lambda: WordCounts(words=["a"], counts=np.ones(1, np.int64)),
        lambda: WordCounts(words=Strings.from_list(["a"]), counts=[1]),
        lambda: WordCounts(words=Strings.from_list(["a"]), counts=np.ones(2, np.int64)),
        lambda: WordCounts(words=Strings.from_list(["a"]), counts=np.ones(1, np.float64)),
        lambda: WordCounts(words=Strings.from_list(["a"]), counts=np.ones((1, 1), np.int64)),
        lambda: WordCounts.load(None),
        lambda: WordCounts.load(3),
        lambda: train(["a", "b"], VocabConfig()),
        lambda: train({"a": 1}, VocabConfig()),
        lambda: train(None, VocabConfig()),
        lambda: train(ONE_WORD, None),
        lambda: train(ONE_WORD, {"vocab_size": 300}),
        lambda: tokpipe.train_vocab(ONE_WORD, {"vocab_size": 300}),
        lambda: tokpipe.merge_counts(["a"], memory="3"),
    ],
)
def test_what_is_no_counts_or_no_settings_is_refused(make):
    with pytest.raises(TokpipeError, match=r"\b(is|are)\b"):
        make()


@pytest.mark.parametrize("given", [300, [300], (300,), np.int64(300)])
def test_one_size_stands_for_a_tuple_of_one(given):
    assert VocabConfig(vocab_size=given).sizes == (300,)


@pytest.mark.parametrize(
    ("kind", "setting", "value", "problem"),
    [
        (VocabConfig, "vocab_size", "300", "vocab_size is a str"),
        (VocabConfig, "vocab_size", (300, "8k"), r"vocab_size\[1\] is a str \('8k'\)"),
        (VocabConfig, "vocab_size", NAN, "is a float"),
        (VocabConfig, "vocab_size", None, "is None"),
        (VocabConfig, "min_frequency", "2", "an int is needed"),
        (VocabConfig, "min_frequency", True, "is a bool"),
        (VocabConfig, "limit_alphabet", 1e3, "is a float"),
        (VocabConfig, "model", None, "is None"),
        (VocabConfig, "model", b"bpe", "is a bytes"),
        (VocabConfig, "special_tokens", ("[UNK]", None), r"special_tokens\[1\] is None"),
        (VocabConfig, "special_tokens", {"[UNK]": 1}, "is a dict"),
        (VocabConfig, "initial_alphabet", ["a"], "is a list"),
        (WordsConfig, "lowercase", "no", "is a str"),
        (WordsConfig, "normalizer", 3, "is an int"),
    ],
)
def test_a_setting_of_another_kind_is_refused(kind, setting, value, problem):
    with pytest.raises(TokpipeError, match=problem):
        kind(**{setting: value})


def test_a_million_threads_are_as_many_as_are_of_use(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be\n" * 100)
    assert tokpipe.count_words([path], threads=1_000_000).total == 600
