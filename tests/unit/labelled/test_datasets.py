"""What `datasets` writes, read here with the same texts and labels."""

import pytest

from tokpipe.labelled.texts import read_texts

pytestmark = pytest.mark.peers

TEXTS = ["ä b", 'c "d", e', "", "f\ng"]


def _written(data, folder, kind):
    if kind == "saved":
        data.save_to_disk(folder / "set")
        return folder / "set"
    path = folder / f"a.{kind}"
    {"parquet": data.to_parquet, "csv": data.to_csv, "jsonl": data.to_json}[kind](path)
    return path


@pytest.mark.parametrize("kind", ["saved", "parquet", "csv", "jsonl"])
def test_classes_of_datasets(tmp_path, kind):
    datasets = pytest.importorskip("datasets")
    label = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": label})
    rows = {"text": TEXTS, "label": [1, 0, 0, 1]}
    found = read_texts(_written(datasets.Dataset.from_dict(rows, features), tmp_path, kind))
    assert [text.decode() for text in found.texts[0].iter_bytes()] == TEXTS
    names = ("neg", "pos") if kind in ("saved", "parquet") else ("0", "1")
    assert (found.names, found.labels.tolist()) == (names, [1, 0, 0, 1])


@pytest.mark.parametrize("kind", ["saved", "parquet", "jsonl"])
def test_several_classes_of_datasets(tmp_path, kind):
    datasets = pytest.importorskip("datasets")
    label = datasets.Sequence(datasets.ClassLabel(names=["x", "y"]))
    features = datasets.Features({"text": datasets.Value("string"), "labels": label})
    rows = {"text": TEXTS, "labels": [[0, 1], [], [1], [0]]}
    path = _written(datasets.Dataset.from_dict(rows, features), tmp_path, kind)
    found = read_texts(path, None, "several")
    assert found.names == (("x", "y") if kind != "jsonl" else ("0", "1"))
    assert found.labels.tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]


def test_numbers_of_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = {"sentence1": TEXTS, "sentence2": TEXTS[::-1], "score": [0.1, 5.0, 2.25, 1e-9]}
    path = _written(datasets.Dataset.from_dict(rows), tmp_path, "saved")
    assert read_texts(path, None, "number").labels.tolist() == rows["score"]
    path = _written(datasets.Dataset.from_dict(rows), tmp_path, "csv")
    assert read_texts(path, None, "number").labels.tolist() == rows["score"]


def test_splits_of_datasets_are_named_one_by_one(tmp_path):
    datasets = pytest.importorskip("datasets")
    part = datasets.Dataset.from_dict({"text": TEXTS, "label": ["a", "b", "a", "b"]})
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(tmp_path / "all")
    assert len(read_texts(tmp_path / "all" / "train")) == 4
