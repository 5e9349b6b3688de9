"""What cannot be fine-tuned is one error, before anything is trained."""

import io

import pytest

from tests.unit.finetuning.jobs import PARTS, run, write_data, write_model
from tests.unit.tasks.models import small
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.finetune import finetune
from tokpipe.foundation.errors import ConfigError, InputError, StorageError
from tokpipe.labelled.config import TagColumns, TextColumns

CONLLU = "".join(f"{n}\tthe\tthe\t{tag}" + "\t_" * 6 + "\n" for n, tag in enumerate("AB_C", 1))
NO_LABELS = '{"text": "a", "label": []}\n{"text": "b", "label": []}\n'
ONE_CLASS = '{"text": "a", "label": "cat"}\n{"text": "b", "label": "cat"}\n'
ONE_NUMBER = ONE_CLASS.replace('"cat"', "2")


@pytest.mark.parametrize(
    ("task", "part", "text", "said"),
    [
        ("classification", "train", '{"a": 1, "b": 2}\n', "train.jsonl"),
        ("classification", "test", '{"text": "a", "label": "bird"}\n', r"test.jsonl:1.*bird"),
        ("classification", "train", "", "train.jsonl"),
        ("regression", "train", '{"text": "a", "label": "n/a"}\n', r"train.jsonl:1.*n/a"),
        (
            "classification",
            "validation",
            '{"sentence1": "a", "sentence2": "b", "label": "cat"}\n',
            r"train.jsonl has .*, but .*validation.jsonl has ",
        ),
        ("ner", "train", "cat\tNN\nran\tVB\n", r"train.conll:1.*'NN'.*do not say"),
        ("ner", "all", "\u200b\tB-X\n\u0301\tO\n", "train part has no word that the model reads"),
        ("ner", "train", "cat\tB-X\nran\tX\n", r"train.conll:2: tags like 'X' do not say"),
        ("ner", "test", "cat\tS-ANIMAL\nran\tPLACE\n", r"test.conll:2: tags like 'PLACE' do not"),
        ("ner", "test", "cat\tB-BIRD\n", r"test.conll:1.*BIRD"),
        ("pos", "validation", "", "validation.conll"),
        ("pos", "all", CONLLU, r"train.conll:3: no label, in the train part"),
        ("classification", "all", ONE_CLASS, r"train.jsonl: every text has the label 'cat'"),
        ("multilabel", "all", NO_LABELS, r"train.jsonl: no text has a label"),
        (
            "regression",
            "train",
            '{"text": "a", "label": 1e39}\n',
            r"train.jsonl:1.*can say 3.40282e\+38",
        ),
        ("multilabel", "all", ONE_CLASS, r"train.jsonl: every text has the label 'cat'"),
        ("regression", "all", ONE_NUMBER, r"train.jsonl: every number is 2"),
        ("ner", "all", "cat\tO\n\nran\tO\n", r"train.conll: every word has the tag 'O'"),
        ("pos", "all", "cat\tNN\n\nran\tNN\n", r"train.conll: every word has the tag 'NN'"),
        (
            "qa",
            "train",
            '{"data": [{"paragraphs": [{"context": "the cat", "qas": [{"id": "x", "question": '
            '"who", "answers": [{"text": "dog", "answer_start": 4}]}]}]}]}',
            r"train.json.*dog",
        ),
    ],
)
def test_wrong_data_is_one_error_before_training_starts(tmp_path, task, part, text, said):
    write_model(tmp_path / "model")
    paths = {n: write_data(tmp_path, task, 24, i, n) for i, n in enumerate(PARTS)}
    for name in PARTS if part == "all" else (part,):
        paths[name].write_text(text)
    with pytest.raises(InputError, match=said):
        finetune(task, tmp_path / "model", *(paths[n] for n in PARTS), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_to_nothing_is_no_place(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(StorageError, match="out is a link to nothing"):
        run(tmp_path, "classification")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        (None, {}, "task is None; a str is needed"),
        ("classification", {"train": None}, "train is None; a str or a Path is needed"),
        ("classification", {"train": ["a.csv"]}, r"train is a list .*'a\.csv'"),
        ("classification", {"test": 3}, "test is an int"),
        ("classification", {"model": small()}, "model is a BertModel"),
        ("classification", {"out": None}, "out is None"),
        (
            "classification",
            {"config": {"epochs": 3}},
            "config is a dict .* FinetuneConfig is needed",
        ),
        ("classification", {"windows": FinetuneConfig()}, "windows is a FinetuneConfig"),
        (
            "classification",
            {"columns": {"text": "a"}},
            "columns is a dict .* TextColumns is needed",
        ),
        ("classification", {"columns": TagColumns()}, "columns is a TagColumns"),
        ("classification", {"force": "no"}, r"force is a str \('no'\); a bool is needed"),
        ("ner", {"columns": TextColumns()}, "columns is a TextColumns .* a TagColumns is needed"),
        ("qa", {"columns": TextColumns()}, "columns say nothing of the questions of qa"),
    ],
)
def test_what_a_caller_gives_in_place_of_something_else_is_named(tmp_path, task, given, said):
    with pytest.raises(ConfigError, match=said):
        finetune(task, **{"model": "m", "train": "t.csv", "out": tmp_path / "o"} | given)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"freeze": "3"}, "freeze=3: the model has 2 layers"),
        ({"reinit_layers": 3}, "reinit_layers=3: the model has 2 layers"),
        ({"freeze": "half"}, "freeze='half' is none of"),
        ({"epochs": 1, "budget": "1m"}, "both say how long"),
    ],
)
def test_settings_that_suit_no_model_are_refused(tmp_path, settings, said):
    with pytest.raises(ConfigError, match=said):
        run(tmp_path, "classification", **settings)


def test_weights_of_classes_are_for_classes(tmp_path):
    with pytest.raises(ConfigError, match="not for regression"):
        run(tmp_path, "regression", class_weights="balanced")
    run(tmp_path, "pos", class_weights="balanced", label_smoothing=0.1, epochs=1)


@pytest.mark.parametrize("train", ["-", "tr*.csv"])
def test_data_that_cannot_be_read_again_is_refused_before_training_starts(
    tmp_path, monkeypatch, train
):
    write_model(tmp_path / "model")
    text = "text\tlabel\ncat\tx\ndog\ty\ncat ran\tx\ndog ran\ty\n"
    (tmp_path / "train.csv").write_text(text.replace("\t", ","))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="cannot be read again, when") as caught:
        finetune("classification", "model", train, out="out")
    assert "name that" in caught.value.hint and not (tmp_path / "out").exists()
