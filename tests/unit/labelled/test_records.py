import pytest

from tokpipe.labelled.records import place_of


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("a.tsv.xz", "a.tsv.xz:3"),
        ("wnut.conll", "wnut.conll:3"),
        ("-", "-:3"),
        ("a.parquet", "a.parquet: row 3"),
        ("a.arrow", "a.arrow: row 3"),
    ],
)
def test_a_row_of_a_table_has_no_line(source, place):
    assert place_of(source, 3) == place


def test_a_row_of_a_saved_dataset_has_no_line(tmp_path):
    assert place_of(str(tmp_path), 3) == f"{tmp_path}: row 3"
