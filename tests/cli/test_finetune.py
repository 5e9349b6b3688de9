import io
import json

import pytest

from tests.unit.finetuning.jobs import TASKS, write_data, write_model

FAST = ("--epochs", 2, "--batch-size", 8, "--learning-rate", 0.005)


@pytest.fixture
def asked(tmp_path):
    def words(task, *more):
        model = tmp_path / "model"
        if not model.exists():
            write_model(model)
        parts = [write_data(tmp_path, task, 32, seed, name) for seed, name in enumerate(PARTS)]
        flags = [
            word for name, path in zip(PARTS, parts, strict=True) for word in (f"--{name}", path)
        ]
        return ("finetune", task, model, *flags, "-o", "out", *FAST, *more)

    return words


PARTS = ("train", "validation", "test")


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_its_command(tokpipe, asked, tmp_path, task):
    ran = tokpipe(*asked(task))
    assert ran.code == 0, ran.err
    assert "A model in out" in ran.out and "test majority" in ran.out
    assert "train: 32 " in ran.err and "step 4: validation loss" in ran.err
    assert tokpipe("check", "out").code == 0
    assert tokpipe("inspect", "run", "out").code == 0
    again = tokpipe(*asked(task))
    assert again.code == 4 and "out exists already" in again.err


def test_standard_input_is_no_part(tokpipe, asked, tmp_path, monkeypatch):
    words = asked("ner")
    data = io.BytesIO((tmp_path / "train.conll").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    ran = tokpipe(*(("-" if str(word).endswith("train.conll") else word) for word in words))
    assert ran.code == 3 and "standard input cannot be read again" in ran.err
    assert not (tmp_path / "out").exists()


def test_results_are_json_where_that_is_asked_for(tokpipe, asked):
    ran = tokpipe(*asked("classification", "--json", "--seeds", 2))
    assert ran.code == 0, ran.err
    assert ran.json["task"] == "classification" and ran.json["output"] == "out"
    assert set(ran.json["spread"]) == {"validation", "test"}
    assert ran.json["test"]["scores"]["accuracy"]["low"] <= ran.json["test"]["majority"] + 1


def test_a_plan_reads_everything_and_does_nothing(tokpipe, asked, tmp_path):
    ran = tokpipe(*asked("ner", "--dry-run", "--json"))
    assert ran.code == 0, ran.err
    assert ran.json["training_windows"] == 32 and ran.json["steps"] == 8
    assert not (tmp_path / "out").exists()


def test_settings_come_from_a_file(tokpipe, asked, tmp_path):
    (tmp_path / "tokpipe.toml").write_text('[finetune.classification]\nfreeze = "encoder"\n')
    assert tokpipe(*asked("classification")).code == 0
    settings = json.loads((tmp_path / "out/tokpipe.json").read_text())["settings"]
    assert settings["finetuning"]["freeze"] == "encoder"


@pytest.mark.parametrize(
    ("task", "part", "text", "code", "said"),
    [
        ("classification", "train", '{"a": 1, "b": 2}\n', 3, "train.jsonl"),
        ("classification", "test", '{"text": "a", "label": "bird"}\n', 3, "test.jsonl:1"),
        ("regression", "validation", '{"text": "a", "label": "n/a"}\n', 3, "validation.jsonl:1"),
        ("pos", "test", "", 3, "test.conll"),
    ],
)
def test_wrong_data_is_one_error(tokpipe, asked, tmp_path, task, part, text, code, said):
    words = asked(task)
    path = next(tmp_path.glob(f"{part}.*"))
    path.write_text(text)
    ran = tokpipe(*words)
    assert ran.code == code and said in ran.err
    assert ran.err.count("error:") == 1 and "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


def test_a_column_that_is_not_there_is_named(tokpipe, asked):
    ran = tokpipe(*asked("classification", "--text-column", "body"))
    assert ran.code == 3 and "body" in ran.err


def test_a_setting_that_says_nothing_of_a_task_is_no_option_of_it(tokpipe, asked):
    assert tokpipe(*asked("qa", "--class-weights", "balanced")).code == 2
    assert tokpipe(*asked("ner", "--long-texts", "mean")).code == 2
