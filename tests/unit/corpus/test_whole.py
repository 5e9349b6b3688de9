import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokpipe.corpus.columns import Chosen
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.whole import read_block, read_columns
from tokpipe.foundation.errors import InputError


def write(folder, name, content):
    (folder / name).write_bytes(content)
    return folder / name


def both(head):
    """Choose two columns, the second one first."""
    return Chosen((1, 0), ("--second", "--first"))


def cells(column):
    return [cell.decode() for cell in column.cells.iter_bytes()]


CONTENT = {
    "a.csv": b'a,b\n1,"x,y"\n2,z\n',
    "a.tsv": b"a\tb\n1\tx,y\n2\tz\n",
    "a.jsonl": b'{"a": "1", "b": "x,y"}\n{"b": "z", "a": "2"}\n',
}


@pytest.mark.parametrize("name", CONTENT)
def test_columns_come_in_the_order_asked_for(tmp_path, name):
    table = read_columns(write(tmp_path, name, CONTENT[name]), both)
    assert [cells(column) for column in table.columns] == [["x,y", "z"], ["1", "2"]]
    assert not any(column.null.any() or column.values.any() for column in table.columns)


def test_values_of_json_are_told_from_texts(tmp_path):
    content = b'{"a": [1, {"x": "]"}], "b": null}\n{"a": "s", "b": -1.50}\n{"a": {}, "b": true}\n'
    table = read_columns(write(tmp_path, "a.jsonl", content), both)
    b, a = table.columns
    assert cells(a) == ['[1, {"x": "]"}]', "s", "{}"]
    assert a.values.tolist() == [True, False, True]
    assert cells(b) == ["", "-1.50", "true"]
    assert b.null.tolist() == [True, False, False]


def test_a_long_text_that_is_stored_once_cannot_fill_the_memory(tmp_path):
    texts = pa.array(["x" * (1 << 20)] * 1500).dictionary_encode()
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink:
        table = pa.table({"a": texts, "b": texts})
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    with pytest.raises(InputError, match=r"a\.arrow: .* hold 1,572,864,000 bytes of text in one"):
        read_columns(tmp_path / "a.arrow", both)


def test_text_of_a_table_that_is_not_utf8_is_told_with_its_row(tmp_path):
    column = pa.array([b"a", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"a": column, "b": column}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: row 2: byte 0xFF"):
        read_columns(tmp_path / "a.parquet", both)


def test_rows_of_a_table_do_not_depend_on_its_batches(tmp_path):
    table = pa.table({"a": [str(i) for i in range(20_000)], "b": list(range(20_000))})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    found = read_columns(tmp_path / "a.parquet", both)
    assert cells(found.columns[1]) == cells(found.columns[0]) == [str(i) for i in range(20_000)]
    assert found.columns[0].values.all()
    assert found.lines.tolist() == list(range(1, 20_001))


def test_the_longest_line_and_the_deepest_json_are_as_asked(tmp_path):
    path = write(tmp_path, "a.csv", b"a,b\n" + b"x" * 50 + b",y\n")
    with pytest.raises(InputError, match=r"a\.csv:2: the line is longer than 40 bytes"):
        read_columns(path, both, ReadConfig(max_line_bytes=40))
    path = write(tmp_path, "a.jsonl", b'{"a": [[1]], "b": 1}\n')
    with pytest.raises(InputError, match="nested deeper than 2"):
        read_columns(path, both, ReadConfig(max_json_depth=2))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_text_is_read_whole_without_its_mark(tmp_path, compress):
    name = "a" if compress is bytes else "a.gz"
    block = read_block(write(tmp_path, name, compress(b"\xef\xbb\xbfa\nb\n")))
    assert block.data[block.start : block.stop].tobytes() == b"a\nb\n"
    assert block.place(block.start + 2) == (2, 5)
    assert not block.data[block.stop :].any()
