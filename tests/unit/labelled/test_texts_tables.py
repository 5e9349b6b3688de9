"""Texts and labels in Parquet, Arrow and saved datasets."""

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.labelled.files import strings
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.texts import read_texts

TABLE = pa.table({"id": [4, 5], "text": ["ä b", "c"], "label": pa.array([1, 0], pa.int8())})


def _stored(folder, kind):
    if kind == "parquet":
        pq.write_table(TABLE, folder / "a.parquet")
        return folder / "a.parquet"
    if kind == "saved":
        (folder / "set").mkdir()
        _write_arrow(folder / "set" / "data-0.arrow", TABLE.slice(0, 1))
        _write_arrow(folder / "set" / "data-1.arrow", TABLE.slice(1))
        files = [{"filename": "data-0.arrow"}, {"filename": "data-1.arrow"}]
        (folder / "set" / "state.json").write_text(json.dumps({"_data_files": files}))
        return folder / "set"
    _write_arrow(folder / "a.arrow", TABLE)
    return folder / "a.arrow"


def _write_arrow(path, table):
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "saved"])
def test_tables_are_read_with_their_numbers(tmp_path, kind):
    data = read_texts(_stored(tmp_path, kind), TextColumns(id="id"))
    assert strings(data.texts[0]) == ["ä b", "c"]
    assert data.names == ("0", "1")
    assert data.labels.tolist() == [1, 0]
    assert strings(data.ids) == ["4", "5"]
    assert data.lines.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("column", "kind", "labels"),
    [
        (pa.array([0.5, 2]), "number", [0.5, 2.0]),
        (pa.array([3, 4], pa.uint16()), "number", [3.0, 4.0]),
        (pa.array([Decimal("2.50"), Decimal("-1E+3")]), "number", [2.5, -1_000.0]),
        (pa.array([1.0, 0.0]), "class", [1, 0]),
        (pa.array([True, False]), "class", [1, 0]),
        (pa.array(["x", "y"]).dictionary_encode(), "class", [0, 1]),
        (pa.array([["x", "y"], []]), "several", [[1, 1], [0, 0]]),
        (pa.array([[7], [5, 7]]), "several", [[0, 1], [1, 1]]),
        (pa.array([["x"], ["y"]], pa.list_(pa.string(), 1)), "several", [[1, 0], [0, 1]]),
    ],
)
def test_columns_of_all_kinds_are_labels(tmp_path, column, kind, labels):
    pq.write_table(pa.table({"text": ["a", "b"], "label": column}), tmp_path / "a.parquet")
    assert read_texts(tmp_path / "a.parquet", None, kind).labels.tolist() == labels


def _classes(kind, feature):
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": feature}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return pa.schema([("text", pa.string()), ("label", kind)], metadata)


def test_classes_of_datasets_come_by_their_names(tmp_path):
    named = {"names": ["neg", "pos"], "_type": "ClassLabel"}
    schema = _classes(pa.int64(), named)
    pq.write_table(pa.table([["a", "b"], [1, 0]], schema=schema), tmp_path / "a.parquet")
    data = read_texts(tmp_path / "a.parquet")
    assert [data.names[label] for label in data.labels] == ["pos", "neg"]
    several = _classes(pa.list_(pa.int64()), {"feature": named, "_type": "Sequence"})
    pq.write_table(pa.table([["a", "b"], [[1, 0], [1]]], schema=several), tmp_path / "b.parquet")
    data = read_texts(tmp_path / "b.parquet", None, "several")
    assert data.names == ("neg", "pos")
    assert data.labels.tolist() == [[1, 1], [0, 1]]
    for value, problem in ((2, r"row 2: class 2, but the file names 2 classes"), (-1, "row 2: no")):
        pq.write_table(pa.table([["a", "b"], [1, value]], schema=schema), tmp_path / "c.parquet")
        with pytest.raises(InputError, match=problem):
            read_texts(tmp_path / "c.parquet")


def test_a_column_of_another_kind_is_refused(tmp_path):
    for column, kind in (
        (pa.array([{"a": 1}]), "struct"),
        (pa.array([[b"x"]]), "list<.*binary"),
        (pa.array([[Decimal("1.5")]]), "list<.*decimal"),
        (pa.array([[0]], pa.list_(pa.date32())), "list<.*date32"),
        (pa.array([[["x"]]]), "list<.*list"),
    ):
        pq.write_table(pa.table({"text": ["a"], "label": column}), tmp_path / "a.parquet")
        with pytest.raises(InputError, match=f"column 'label' holds {kind}"):
            read_texts(tmp_path / "a.parquet", None, "several")
    pq.write_table(pa.table({"text": ["a", None], "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: row 2: the text is null"):
        read_texts(tmp_path / "a.parquet")
