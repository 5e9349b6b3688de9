"""From files to the folder of a baseline, and the errors on the way."""

import json
import shutil

import numpy as np
import pytest

from tests.unit.baselines.reviews import classes, write
from tokpipe.baselines.config import BowConfig, NbsvmConfig
from tokpipe.baselines.model import KIND, SETTINGS, TENSORS, open_baseline
from tokpipe.baselines.train import train_baseline
from tokpipe.foundation.errors import (
    ArtifactError,
    ConfigError,
    InputError,
    MemoryLimitError,
    StorageError,
)
from tokpipe.foundation.manifest import Manifest
from tokpipe.labelled.texts import read_texts


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")
    return {
        name: write(folder / f"{name}.jsonl", classes(count, seed))
        for name, count, seed in (("train", 200, 1), ("validation", 60, 2), ("test", 60, 3))
    }


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    return train_baseline(
        "bow", "classification", **files, out=tmp_path_factory.mktemp("out") / "bow"
    )


def test_the_folder_holds_what_fine_tuning_writes(made):
    names = {path.name for path in made.folder.iterdir()}
    about = {"README.md", "metrics.json", "predictions.jsonl", "tokpipe.json"}
    assert names == about | {"baseline.json", "baseline.npz"}
    metrics = json.loads((made.folder / "metrics.json").read_text())
    assert metrics["method"] == "bow" and metrics["task"] == "classification"
    assert metrics["rows"] == {"train": 200, "validation": 60, "test": 60}
    assert metrics["test"]["n"] == 60 and metrics["seconds"] > 0 and metrics["rows_per_second"] > 0
    lines = (made.folder / "predictions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["part"] for row in rows] == ["validation"] * 60 + ["test"] * 60
    right = np.mean([row["label"] == row["gold"] for row in rows if row["part"] == "test"])
    assert right == pytest.approx(metrics["test"]["scores"]["accuracy"]["value"])
    assert "| test | accuracy |" in (made.folder / "README.md").read_text()


def test_an_opened_baseline_says_what_the_trained_one_said(made, files):
    opened = open_baseline(made.folder)
    data = read_texts(files["test"], None, "class", opened.names)
    said = [row for row in map(json.loads, open_lines(made)) if row["part"] == "test"]
    found = opened.predict(data).probabilities
    assert [opened.names[i] for i in found.argmax(axis=1)] == [row["label"] for row in said]
    assert found.max(axis=1) == pytest.approx([row["probability"] for row in said], abs=1e-5)


def open_lines(made):
    return (made.folder / "predictions.jsonl").read_text().splitlines()


def test_the_same_work_gives_the_same_bytes_but_for_the_time_it_took(made, files, tmp_path):
    train_baseline("bow", "classification", **files, out=tmp_path / "again")
    for name in ("README.md", "predictions.jsonl", "baseline.json", "baseline.npz"):
        assert (made.folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_without_a_validation_part_a_share_is_held_out(files, tmp_path):
    found = train_baseline(
        "nbsvm", "classification", files["train"], out=tmp_path / "out", validation_fraction=0.25
    )
    assert found.report.rows == {"train": 150, "validation": 50}
    assert set(found.chosen) == {"strength"}


@pytest.mark.parametrize(
    ("method", "hint"),
    [
        *((method, "--ngrams") for method in ("bow", "nbsvm", "vectors")),
        ("bilstm", "--hidden"),
    ],
)
def test_too_little_memory_is_said_before_the_work(files, tmp_path, monkeypatch, method, hint):
    monkeypatch.setattr("tokpipe.baselines.train.free_for_training", lambda: 1000)
    with pytest.raises(MemoryLimitError, match="training takes about") as caught:
        train_baseline(method, "classification", files["train"], out=tmp_path / "out")
    assert hint in caught.value.hint and not (tmp_path / "out").exists()


def test_a_second_run_into_a_folder_is_refused_unless_forced(made, files):
    how = {"train": files["train"], "out": made.folder}
    with pytest.raises(StorageError, match="exists already"):
        train_baseline("bow", "classification", **how)
    before = (made.folder / "baseline.npz").read_bytes()
    train_baseline("bow", "classification", **files, out=made.folder, force=True)
    assert (made.folder / "baseline.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("method", "task", "config", "said"),
    [
        ("bows", "classification", None, "no baseline 'bows'"),
        ("nbsvm", "regression", None, "nbsvm is no method for 'regression'"),
        ("bow", "qa", None, "bow is no method for 'qa'"),
        ("bow", "classification", NbsvmConfig(), "takes a BowConfig"),
    ],
)
def test_what_is_no_method_for_the_task_is_said(files, tmp_path, method, task, config, said):
    with pytest.raises(ConfigError) as caught:
        train_baseline(method, task, files["train"], out=tmp_path / "out", config=config)
    assert said in str(caught.value) and not (tmp_path / "out").exists()


def test_a_label_that_only_the_test_part_has_is_an_error_with_its_line(files, tmp_path):
    odd = tmp_path / "odd.jsonl"
    odd.write_text(files["test"].read_text() + '{"text": "odd", "label": "so-so"}\n')
    with pytest.raises(InputError, match=r"odd\.jsonl:61"):
        train_baseline("bow", "classification", files["train"], test=odd, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parts_of_one_text_and_of_two_do_not_go_together(files, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"text": "a", "text2": "b", "label": "good"}\n' * 3)
    from tokpipe.labelled.config import TextColumns

    columns = TextColumns(text="text", second="text2", label="label")
    with pytest.raises(InputError):
        train_baseline(
            "bow",
            "classification",
            pairs,
            test=files["test"],
            out=tmp_path / "out",
            columns=columns,
        )


def test_a_damaged_folder_is_not_opened(files, tmp_path):
    train_baseline(
        "bow", "classification", **files, out=tmp_path / "out", config=BowConfig(strength=1.0)
    )
    path = tmp_path / "out" / TENSORS
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=TENSORS):
        open_baseline(tmp_path / "out")
    with pytest.raises(ArtifactError):
        open_baseline(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "{}",
        "[]",
        "[" * 100_000,
        "\ud800",
        {"method": None},
        {"method": "none"},
        {"labels": None},
        {"labels": [1, 2]},
        {"texts": "1"},
        {"mean": "0"},
        {"task": 3},
    ],
)
def test_forged_settings_are_refused_though_their_seal_is_whole(made, tmp_path, change):
    folder = shutil.copytree(made.folder, tmp_path / "out")
    path = folder / SETTINGS
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text()) | change)
    path.write_bytes(change.encode("utf-8", "surrogatepass"))
    manifest = Manifest.read(folder, KIND)
    manifest.write(folder, list(manifest.files))
    with pytest.raises((ArtifactError, InputError), match=r"baseline\."):
        open_baseline(folder)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": None}, "method is None; a str is needed"),
        ({"out": None}, "out is None"),
        ({"out": 3}, "out is an int"),
        ({"force": "no"}, r"force is a str \('no'\); a bool is needed"),
        ({"config": {"ngrams": 1}}, "bow takes a BowConfig, not dict"),
    ],
)
def test_what_a_caller_gives_in_place_of_something_else_is_named(files, tmp_path, given, said):
    asked = {"method": "bow", "task": "classification", **files, "out": tmp_path / "o"}
    with pytest.raises(ConfigError, match=said):
        train_baseline(**asked | given)
    assert not (tmp_path / "o").exists()


def test_a_baseline_is_asked_about_data(made):
    with pytest.raises(ConfigError, match=r"data is a list .* a LabelledTexts or a TaggedWords"):
        open_baseline(made.folder).predict(["a"])


@pytest.mark.parametrize("place", ["file/out", "file/deep/out"])
def test_a_place_where_no_folder_can_be_is_told_before_anything_is_read(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        train_baseline("bow", "classification", tmp_path / "none.csv", out=tmp_path / place)
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
