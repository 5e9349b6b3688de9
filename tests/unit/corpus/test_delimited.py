import csv
import io
import lzma

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.corpus.reference import texts_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.delimited import read_delimited
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError


def read(path, piece_bytes=1 << 20, **settings):
    corpus = open_corpus([path], ReadConfig(**settings))
    return texts_of(piece.load() for piece in corpus.pieces(piece_bytes)), corpus.tally


CELL = st.text(st.sampled_from('ab,"\n;é東\t '), max_size=8)


@given(
    st.sampled_from(["id", "id\nor name"]),
    st.lists(st.tuples(CELL, CELL, CELL), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 50),
    st.integers(1, 30),
)
@settings(max_examples=200)
def test_cells_are_those_that_python_wrote_and_do_not_depend_on_the_pieces(
    first, rows, end, bom, piece_bytes, chunk
):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerows([(first, "text", "more"), *rows])
    raw = (b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode()
    chunks = (raw[i : i + chunk] for i in range(0, len(raw), chunk))
    loads = read_delimited("csv", chunks, "x", piece_bytes, ReadConfig())
    assert texts_of(load() for load in loads) == [row[1].encode() for row in rows]


@given(st.text(st.sampled_from('ab,"\n'), max_size=20))
def test_odd_quotes_are_read_as_pythons_csv_reads_them(text):
    assume(text.count('"') % 2 == 0)
    rows = [row for row in csv.reader(io.StringIO("text,b\n" + text, newline="")) if row]
    loads = read_delimited(
        "csv", iter([b"text,b\n" + text.encode()]), "x", 10, ReadConfig(errors="skip")
    )
    try:
        ours = texts_of(load() for load in loads)
    except InputError as error:
        assert "never closed" in error.problem
        return
    assert ours == [row[0].encode() if len(row) == 2 else b"" for row in rows[1:]]


def test_tsv_knows_no_quotes(tmp_path):
    path = tmp_path / "a.tsv.xz"
    path.write_bytes(lzma.compress(b'n\ttext\r\n1\t5" wide\r\n\r\n2\t"so" she said\r\n3\tlast'))
    assert read(path) == ([b'5" wide', b'"so" she said', b"last"], {})


def test_rows_of_another_length_are_named_or_skipped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,"two\nlines"\n2,a,b\n3,c\n')
    for piece_bytes in (1, 1 << 20):
        with pytest.raises(InputError, match=r"a\.csv:4: 3 fields, the header has 2"):
            read(path, piece_bytes)
    assert read(path, errors="skip") == ([b"two\nlines", b"", b"c"], {"skipped": 1})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"id,txt\n1,a\n", r"a\.csv: no column 'text'\nDid you mean 'txt'\? Pass --text-column"),
        (b"text,text\n1,a\n", "two columns are called 'text'"),
        (b'id,text\n1,a\n2,"open\n\n', r"a\.csv:3: a quote is never closed"),
        (b'id,"text\n1,a\n', r"a\.csv:1: a quote is never closed"),
        (b"id,text\n1,a\n2,caf\xe9\n", r"a\.csv:3: byte 0xE9 at offset 17 is not UTF-8"),
        ("id,text\n1,some words\n".encode("utf-16"), "the text is UTF-16-LE"),
        (b"\xef\xbb\xbf", r"a\.csv:1: no header: the first line is blank"),
        (b"\n\ntext\na\n", r"a\.csv:1: no header: the first line is blank"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, raw, message):
    (tmp_path / "a.csv").write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.csv")


def test_bad_bytes_in_cells_are_replaced_or_skipped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n\xff,a\n2,caf\xe9\n")
    assert read(path, errors="replace") == ([b"a", "caf\ufffd".encode()], {"replaced": 1})
    assert read(path, errors="skip") == ([b"a", b""], {"skipped": 1})


def test_a_record_above_the_limit_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,"' + b"word\n" * 1000 + b'"\n')
    with pytest.raises(InputError, match=r"a\.csv:2: the line is longer than 4,000 bytes"):
        read(path, max_line_bytes=4000)
    assert len(read(path, piece_bytes=10)[0][0]) == 5000


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("codec", ["", ".xz"])
@pytest.mark.parametrize(
    "rows", ["{text}|b\r1|2\r", "{text}\rone\rtwo\r", "{text}|b\r1|2\n", "{text}\r"]
)
def test_lines_that_end_with_a_lone_cr_are_an_error_and_never_no_text(tmp_path, kind, codec, rows):
    data = rows.format(text="text").replace("|", "," if kind == "csv" else "\t").encode()
    path = tmp_path / f"x.{kind}{codec}"
    path.write_bytes(lzma.compress(data) if codec else data)
    with pytest.raises(InputError, match=rf"x\.{kind}{codec}:1: a lone CR outside of quotes"):
        read(path)


def test_a_lone_cr_that_joins_records_is_named(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text,b\n1,2\n3,4\r5,6\n", newline="")
    with pytest.raises(InputError, match=r"x\.csv:3: a lone CR"):
        read(path)


def test_a_lone_cr_in_quotes_is_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('"i\rd",text\n1,"a\rb"\n', newline="")
    assert read(path)[0] == [b"a\rb"]
