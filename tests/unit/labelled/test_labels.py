import json

from hypothesis import given
from hypothesis import strategies as st

from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.labels import ordered
from tokpipe.labelled.texts import read_texts

NAMES = st.one_of(
    st.text(min_size=1, max_size=6).filter(str.strip), st.integers(-(10**30), 10**30), st.booleans()
)


def written(label):
    return str(label).lower() if isinstance(label, bool) else str(label)


@given(rows=st.lists(NAMES, min_size=1, max_size=8))
def test_any_labels_of_json_come_back_by_name(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("labels") / "a.jsonl"
    lines = [json.dumps({"text": "é", "label": label}) for label in rows]
    path.write_text("\n".join(lines))
    data = read_texts(path)
    assert [data.names[label] for label in data.labels] == [written(label) for label in rows]
    assert data.names == ordered(written(label) for label in rows)


@given(rows=st.lists(st.lists(NAMES, max_size=3), min_size=1, max_size=6))
def test_any_lists_of_labels_come_back_by_name(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("labels") / "a.jsonl"
    lines = [json.dumps({"text": "", "labels": labels}) for labels in rows]
    path.write_text("\n".join(lines))
    data = read_texts(path, None, "several")
    for marks, labels in zip(data.labels, rows, strict=True):
        held = {name for name, mark in zip(data.names, marks, strict=True) if mark}
        assert held == {written(label) for label in labels}


@given(rows=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_any_numbers_come_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("labels") / "a.csv"
    path.write_text("text,score\n" + "".join(f"x,{number!r}\n" for number in rows))
    assert read_texts(path, TextColumns(), "number").labels.tolist() == rows
