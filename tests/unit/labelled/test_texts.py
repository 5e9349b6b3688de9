import bz2
import gzip
import json
import lzma
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.texts import read_texts


def strings(column):
    return [item.decode() for item in column.iter_bytes()]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder, name, content, kind="class", names=None, **columns):
    return read_texts(write(folder, name, content), TextColumns(**columns), kind, names)


# What GLUE's, SNLI's and others' files look like: name, content, texts, labels by name, first line.
SHAPES = {
    "SST-2": (
        "train.tsv",
        "sentence\tlabel\nit 's good \t1\nno , \" bad\t0\n",
        [["it 's good ", 'no , " bad']],
        ["1", "0"],
        2,
    ),
    "MRPC": (
        "dev.tsv",
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\t" He said\tShe said .\n',
        [['" He said'], ["She said ."]],
        ["1"],
        2,
    ),
    "RTE": (
        "dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\ta b\tc d\tnot_entailment\n1\te\tf\tentailment\n",
        [["a b", "e"], ["c d", "f"]],
        ["not_entailment", "entailment"],
        2,
    ),
    "QNLI": (
        "dev.tsv",
        "index\tquestion\tsentence\tlabel\n0\twho?\tThe king.\tentailment\n",
        [["who?"], ["The king."]],
        ["entailment"],
        2,
    ),
    "QQP": (
        "dev.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tWhy so?\t0\n",
        [["Why?"], ["Why so?"]],
        ["0"],
        2,
    ),
    "MNLI": (
        "dev_matched.tsv",
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse"
        "\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
        "0\t1\t2\tslate\t( a )\t( b )\t(A)\t(B)\ta b\tc d\tneutral\tcontradiction\n",
        [["a b"], ["c d"]],
        ["contradiction"],
        2,
    ),
    "CoLA": (
        "train.tsv",
        "gj04\t1\t\tOur friends won't buy this.\ngj04\t0\t*\tThey drank the pub.\n",
        [["Our friends won't buy this.", "They drank the pub."]],
        ["1", "0"],
        1,
    ),
    "SNLI without header": (
        "dev.tsv",
        "a man walks\ta man moves\t0\na man walks\ta man sits\t2\na dog runs\tit is fast\t1\n",
        [["a man walks", "a man walks", "a dog runs"], ["a man moves", "a man sits", "it is fast"]],
        ["0", "2", "1"],
        1,
    ),
    "SNLI": (
        "dev.jsonl",
        '{"gold_label": "neutral", "sentence1": "a b", "sentence2": "c\\u00e9"}\n'
        '{"gold_label": "-", "sentence1": "x", "sentence2": "y"}\n',
        [["a b"], ["cé"]],
        ["neutral"],
        1,
    ),
    "AG News": (
        "test.csv",
        '"3","Fears for pension","Unions ""say"" they, are"\n"4","The race is on","A second team"\n'
        '"3","Oil falls again","Prices fell on"\n',
        [
            ["Fears for pension", "The race is on", "Oil falls again"],
            ['Unions "say" they, are', "A second team", "Prices fell on"],
        ],
        ["3", "4", "3"],
        1,
    ),
    "IMDb": (
        "train.jsonl",
        '{"id": "pos/0", "label": 1, "text": "fine"}\n\n{"id": "neg/0", "label": 0, "text": ""}\n',
        [["fine", ""]],
        ["1", "0"],
        1,
    ),
    "two columns, one of them a label": (
        "a.csv",
        'phrase,label\n"so, good",pos\nbad,neg\n',
        [["so, good", "bad"]],
        ["pos", "neg"],
        2,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_files_of_known_tasks_open_as_they_are(tmp_path, shape):
    name, content, texts, labels, first = SHAPES[shape]
    data = read(tmp_path, name, content)
    assert [strings(column) for column in data.texts] == texts
    assert [data.names[label] for label in data.labels] == labels
    assert data.lines[0] == first
    assert data.labels.dtype == np.int32


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_blank_lines_do_not_matter_but_for_the_lines(tmp_path, end):
    content = "text\tlabel\n\na b\t0\n\nc\t1".replace("\n", end)
    data = read(tmp_path, "a.tsv", content)
    assert strings(data.texts[0]) == ["a b", "c"]
    assert data.lines.tolist() == [3, 5]


def test_the_undecided_of_snli_are_left_out_and_counted(tmp_path):
    lines = [
        json.dumps({"gold_label": label, "sentence1": str(i), "sentence2": "x"})
        for i, label in enumerate(["-", "neutral", "-", "entailment"])
    ]
    data = read(tmp_path, "a.jsonl", "\n".join(lines))
    assert data.left_out == {"gold label -": 2}
    assert strings(data.texts[0]) == ["1", "3"]
    assert data.lines.tolist() == [2, 4]
    with pytest.raises(InputError, match="no row has a label"):
        read(tmp_path, "b.jsonl", lines[0])


def test_a_dash_is_a_label_like_any_other_elsewhere(tmp_path):
    assert read(tmp_path, "a.tsv", "text\tlabel\na\t-\nb\t+\n").names == ("+", "-")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["b", "a", "10"], ("10", "a", "b")),
        (["Neg", "pos", "neg"], ("Neg", "neg", "pos")),
        (["3", "3", "7"], ("3", "7")),
        (["två ord", "å", "ä"], ("två ord", "ä", "å")),
    ],
)
def test_labels_are_any_strings_and_whole_numbers_in_any_order(tmp_path, labels, names):
    rows = "".join(f"t\t{label}\n" for label in labels)
    data = read(tmp_path, "a.tsv", f"text\tlabel\n{rows}")
    assert data.names == names
    assert [data.names[i] for i in data.labels] == labels


def test_a_number_and_its_digits_are_one_label(tmp_path):
    rows = '{"text": "a", "label": 1}\n{"text": "b", "label": "1"}\n{"text": "c", "label": 2.0}\n'
    data = read(tmp_path, "a.jsonl", rows)
    assert data.names == ("1", "2")
    assert data.labels.tolist() == [0, 0, 1]


def test_names_that_are_given_keep_their_order(tmp_path):
    data = read(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\n", names=("y", "z", "x"))
    assert data.labels.tolist() == [2, 0]
    with pytest.raises(InputError, match=r"a\.tsv:3: the label 'y' is none of the 2"):
        read(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\n", names=("x", "z"))


def test_columns_are_taken_as_asked(tmp_path):
    content = "text,other,label,kind\na,b,0,x\nc,d,1,y\n"
    data = read(tmp_path, "a.csv", content, text="other", second="text", label="kind", id="label")
    assert [strings(column) for column in data.texts] == [["b", "d"], ["a", "c"]]
    assert data.names == ("x", "y")
    assert strings(data.ids) == ["0", "1"]


def test_columns_of_a_file_without_a_header_are_numbers(tmp_path):
    content = "x,a,1\ny,b,0\n"
    data = read(tmp_path, "a.csv", content, text="2", label="1")
    assert strings(data.texts[0]) == ["a", "b"]
    assert data.names == ("x", "y")
    data = read(tmp_path, "a.csv", "text,label\nb,c\n", text="1", label="2", header=False)
    assert strings(data.texts[0]) == ["text", "b"]
    data = read(tmp_path, "a.csv", "1,2\nb,c\n", text="2", label="1", header=True)
    assert strings(data.texts[0]) == ["c"]


def test_labels_are_not_looked_for_where_none_are_wanted(tmp_path):
    for content in ("text\nfoo\nbar\n", "text,label\nfoo,\nbar,1\n"):
        data = read(tmp_path, "a.csv", content, kind="none")
        assert strings(data.texts[0]) == ["foo", "bar"]
        assert data.labels.tolist() == [-1, -1]
        assert data.names == ()


STS = "index\tgenre\tsentence1\tsentence2\tscore\n"


def test_numbers_of_sts_are_read(tmp_path):
    rows = "0\tnews\ta b\tc\t5.000\n1\tnews\td\te f\t-1e-1\n2\tx\tg\th\t+3\n"
    data = read(tmp_path, "sts-dev.tsv", STS + rows, kind="number")
    assert data.labels.tolist() == [5.0, -0.1, 3.0]
    assert data.names == ()
    assert [strings(column) for column in data.texts] == [["a b", "d", "g"], ["c", "e f", "h"]]


@pytest.mark.parametrize("value", ["n/a", "", "nan", "inf", "1e999", "1,5", "0x10", "1_0", "١"])
def test_what_is_no_finite_number_is_told_with_its_line(tmp_path, value):
    rows = f"0\tnews\ta b\tc\t5.000\n1\tnews\td\te f\t{value}\n"
    with pytest.raises(InputError, match=r"dev\.tsv:3: the label is .*, not a finite number"):
        read(tmp_path, "dev.tsv", STS + rows, kind="number")


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", 'text,labels\nx,"b,a"\ny,\nz,a\n', {"separator": ","}),
        ("a.tsv", "text\tlabels\nx\tb | a\ny\t\nz\ta\n", {"separator": "|"}),
        ("a.tsv", "text\ta\tb\nx\t1\t1\ny\t0\t0\nz\t1\t0\n", {"label": ("a", "b")}),
        (
            "a.jsonl",
            '{"text":"x","a":true,"b":1}\n{"text":"y","a":0,"b":"0"}\n'
            '{"text":"z","a":"true","b":false}',
            {"label": ("a", "b")},
        ),
        (
            "a.jsonl",
            '{"text":"x","labels":["b", "a"]}\n{"text":"y","labels":[]}\n{"text":"z","labels":"a"}',
            {},
        ),
    ],
)
def test_several_labels_stand_in_one_cell_a_list_or_a_column_each(tmp_path, name, content, columns):
    data = read(tmp_path, name, content, kind="several", **columns)
    assert data.names == ("a", "b")
    assert data.labels.dtype == np.uint8
    assert data.labels.tolist() == [[1, 1], [0, 0], [1, 0]]


def test_several_labels_are_put_into_the_order_of_the_names_that_are_given(tmp_path):
    content = 'text,labels\nx,"b,a"\ny,\nz,a\n'
    names = ("c", "b", "a")
    data = read(tmp_path, "a.csv", content, kind="several", names=names, separator=",")
    assert data.labels.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 1]]
    with pytest.raises(InputError, match=r"a\.csv:2: the label 'b' is none of the 1"):
        read(tmp_path, "a.csv", content, kind="several", names=("a",), separator=",")


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


def _lz4(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("lz4", _lz4)],
)
@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_compressed_files_are_read_like_plain_ones(tmp_path, suffix, compress, name):
    content = {
        "a.tsv": "text\tlabel\nä b\tx\n",
        "a.csv": "text,label\nä b,x\n",
        "a.jsonl": '{"text": "ä b", "label": "x"}\n',
    }[name]
    data = read(tmp_path, f"{name}.{suffix}", compress(content.encode()))
    assert strings(data.texts[0]) == ["ä b"]
    assert data.names == ("x",)


@pytest.mark.parametrize(
    ("content", "kind"),
    [('{"text": "a b", "label": 0}\n', "jsonl"), ("text\tlabel\na b\t0\n", "tsv")],
)
def test_a_file_with_another_ending_is_known_by_its_first_line(tmp_path, content, kind):
    data = read(tmp_path, f"{kind}.txt", content)
    assert strings(data.texts[0]) == ["a b"]


def test_rows_and_lines_do_not_depend_on_how_the_file_is_cut(tmp_path, monkeypatch):
    rows = [f'"text {i}\nof two lines",{i % 3}' for i in range(200)]
    content = "text,label\n" + "\n".join(rows)
    whole = read(tmp_path, "a.csv", content)
    lines = [json.dumps({"text": f"é {i}", "label": i % 3}) for i in range(200)]
    whole_lines = read(tmp_path, "a.jsonl", "\n".join(lines))
    monkeypatch.setattr("tokpipe.corpus.delimited_columns._PIECE", 50)
    monkeypatch.setattr("tokpipe.corpus.jsonl_columns._PIECE", 50)
    for data, again in (
        (whole, read(tmp_path, "a.csv", content)),
        (whole_lines, read(tmp_path, "a.jsonl", "\n".join(lines))),
    ):
        assert strings(again.texts[0]) == strings(data.texts[0])
        assert again.lines.tolist() == data.lines.tolist()
        assert again.labels.tolist() == data.labels.tolist()
    assert whole.lines[:3].tolist() == [2, 4, 6]


DEEP = '{"text": "a", "label": 0, "more": ' + "[" * 101 + "]" * 101 + "}"
BAD = {
    "not UTF-8": ("a.tsv", b"text\tlabel\na\t0\nb\xe9\t1\n", r"a\.tsv:3: byte 0xE9 at offset 16"),
    "not UTF-8 in JSON": ("a.jsonl", b'{"text": "b\xe9"}\n', r"a\.jsonl:1: byte 0xE9"),
    "UTF-16": ("a.csv", "text,label\na,b\n".encode("utf-16"), "the text is UTF-16-LE"),
    "NUL": ("a.csv", b"text,label\na,0\nb\0,1\n", r"a\.csv:3: a NUL byte at offset 16"),
    "NUL in JSON": ("a.jsonl", b'{"text": "\0", "label": 1}', r"a\.jsonl:1: a NUL byte"),
    "binary": ("a.tsv", bytes(range(256)), r"a\.tsv:\d: "),
    "open quote": ("a.csv", 'text,label\na,0\n"b,1\nc,2\n', r"a\.csv:3: a quote is never closed"),
    "open quote in the header": ("a.csv", '"text,label\na,0\n', r"a\.csv:1: a quote is never"),
    "no text column": ("a.csv", "x,y,label\na,b,0\n", r"a\.csv:1: which column is the text\?"),
    "no label column": ("a.csv", "text,y\na,b\n", r"a\.csv:1: which column is the label\?"),
    "other marks": ("a.csv", "text;label\na;0\n", r"the text\? 'text;label'\nOne column: cells of"),
    "texts alone": ("a.csv", "text\na\n", r"label\?.*\nOne column: .*for `tokpipe predict`"),
    "no label in JSON": ("a.jsonl", '{"text": "a"}\n', r"a\.jsonl: which column is the label\?"),
    "two of a name": ("a.csv", "text,label,text\na,0,b\n", "two columns are called 'text'"),
    "two of a name in JSON": ("a.jsonl", '{"text":"a","label":0,"label":1}', "called 'label'"),
    "two of a name later": (
        "a.jsonl",
        '{"text":"a","label":0}\n{"text":"a","label":0,"label":1}',
        r"a\.jsonl:2: the key 'label' stands more than once",
    ),
    "too many fields": ("a.tsv", "text\tlabel\na\t0\nb\tc\t1\n", r"a\.tsv:3: 3 fields, the first"),
    "too few fields": ("a.csv", "text,label\na,0\n\nb\n", r"a\.csv:4: 1 field, the first line has"),
    "old line ends": ("a.tsv", "text\tlabel\ra\t0\rb\t1\r", r"a\.tsv:1: a lone CR"),
    "empty": ("a.csv", "", "the file is empty"),
    "only a mark": ("a.csv", "\ufeff", r"a\.csv:1: the first line is blank"),
    "only blank lines": ("a.jsonl", "\n\n", "no rows"),
    "only a header": ("a.csv", "text,label\n", r"a\.csv: no rows"),
    "empty, compressed": ("a.csv.gz", gzip.compress(b""), "the file is empty"),
    "cut short": ("a.csv.gz", gzip.compress(b"text,label\na,0\n" * 99)[:-9], "is cut short"),
    "a label that is empty": ("a.csv", "text,label\na,0\nb,\n", r"a\.csv:3: the label is empty"),
    "a label of spaces": ("a.csv", "text,label\na,0\nb,  \n", r"a\.csv:3: the label is empty"),
    "text null": ("a.jsonl", '{"text": null, "label": 0}', r"a\.jsonl:1: the text is null"),
    "text a number": ("a.jsonl", '{"text": 1, "label": 0}', r"a\.jsonl:1: the text is no text"),
    "label null": ("a.jsonl", '{"text": "", "label": null}', r"a\.jsonl:1: no label: the value is"),
    "label a list": ("a.jsonl", '{"text": "", "label": ["a"]}', r"a\.jsonl:1: the label is a list"),
    "label an object": ("a.jsonl", '{"text": "", "label": {}}', r":1: the label is an object"),
    "label NaN": ("a.jsonl", '{"text": "", "label": NaN}', r"a\.jsonl:1: the label is NaN"),
    "label Infinity": ("a.jsonl", '{"text": "", "label": -Infinity}', r"the label is -Infinity"),
    "key missing later": (
        "a.jsonl",
        '{"text": "a", "label": 0}\n{"txt": "a", "label": 0}',
        r"a\.jsonl:2: no column 'text'\nDid you mean 'txt'\? Pass --text-column",
    ),
    "no JSON": ("a.jsonl", '{"text": "a", "label": 0}\n{"text"', r"a\.jsonl:2:\d+: not JSON"),
    "no JSON at first": ("a.jsonl", "hello\n", r"a\.jsonl:1:1: the line is no JSON object"),
    "a JSON array": (
        "a.json",
        '[{"text": "a"}]',
        r"a\.json:1:1: the line is no JSON object\nA JSON",
    ),
    "deep JSON": (
        "a.jsonl",
        DEEP,
        r"a\.jsonl:1: nested deeper than 100 objects and arrays\nFlatten it\.$",
    ),
    "very deep JSON": ("a.jsonl", "[" * 100_000, r"a\.jsonl:1:1: the line is no JSON object"),
    "half a character": ("a.jsonl", '{"text": "\\ud83d", "label": 0}', "half a surrogate pair"),
    "no table": ("a.txt", "just some words\n", "no table that is known"),
    "an archive": ("a.csv", b"PK\x03\x04" + bytes(99), "a zip archive"),
    "no Parquet": ("a.parquet", b"PAR1\x15 and nothing", "the file is damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_error_with_its_place(tmp_path, case):
    name, content, problem = BAD[case]
    with pytest.raises(InputError, match=problem):
        read(tmp_path, name, content)


@pytest.mark.parametrize(
    ("content", "columns", "problem"),
    [
        ("text,label\na,0\n", {"text": "txt"}, r"1: no column 'txt'\nDid you mean 'text'\?"),
        ("text,label\na,0\n", {"label": "labl"}, r"Did you mean 'label'\? Pass --label-column"),
        ("text,label\na,0\n", {"second": "x"}, r"Pass --second-text-column"),
        ("text,label\na,0\n", {"id": "x"}, r"no column 'x'\nKnown: text, label\. Pass --id-column"),
        ("text,label\na,0\n", {"text": "label"}, r"'label' is both --text-column and --label-c"),
        ("text,label\na,0\n", {"second": "text"}, r"'text' is both --text-column and --second"),
        ("a b,0\nc d,1\n", {"text": "1", "label": "1"}, r"column '1' is both --text-column and"),
        ("a b,0\nc d,1\n", {"text": "3"}, r"column '3', but the file has 2 and no header"),
        ("a b,0\nc d,1\n", {"label": "0"}, r"column '0', but the file has 2 and no header"),
        ("phrase,mood,n\na b,good,1\nc d,bad,1\ne f,bad,1\n", {}, r"which column is the label\?"),
        ("phrase,mood\na b,good\nc d,bad\ne f,bad\ng h,good\n", {}, r"which column is the label\?"),
    ],
)
def test_a_column_that_is_not_there_or_not_clear_is_asked_for(tmp_path, content, columns, problem):
    with pytest.raises(InputError, match=problem):
        read(tmp_path, "a.csv", content, **columns)


@pytest.mark.parametrize(
    ("content", "columns", "problem"),
    [
        ("text,a,b\nx,1,2\n", {"label": ("a", "b")}, r"a\.csv:2: the label is '2'; 0 or 1"),
        ("text,a,b\nx,1,\n", {"label": ("a", "b")}, r"a\.csv:2: the label is ''; 0 or 1"),
    ],
)
def test_columns_of_labels_hold_0_and_1(tmp_path, content, columns, problem):
    with pytest.raises(InputError, match=problem):
        read(tmp_path, "a.csv", content, kind="several", **columns)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("null", "the value is null; an empty list says"),
        ('[["a"]]', r'the list of labels holds \["a"\]'),
        ("[null]", "the list of labels holds null"),
        ('[""]', "the list of labels holds"),
        ("{}", "the label is an object"),
    ],
)
def test_a_list_of_labels_holds_texts(tmp_path, value, problem):
    with pytest.raises(InputError, match=rf"a\.jsonl:1: .*{problem}"):
        read(tmp_path, "a.jsonl", f'{{"text": "a", "labels": {value}}}', kind="several")


def test_a_column_of_another_kind_is_refused(tmp_path):
    column = pa.array([{"a": 1}])
    pq.write_table(pa.table({"text": ["a"], "label": column}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="column 'label' holds struct"):
        read_texts(tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["a", None], "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: row 2: the text is null"):
        read_texts(tmp_path / "a.parquet")


def test_a_folder_is_told_what_is_in_it(tmp_path):
    write(tmp_path, "train.tsv", "text\tlabel\na\t0\n")
    with pytest.raises(InputError, match=r"is a folder; one file is needed\nIn it: train\.tsv"):
        read_texts(tmp_path)
    (tmp_path / "dict" / "train").mkdir(parents=True)
    write(tmp_path / "dict", "dataset_dict.json", '{"splits": ["train"]}')
    with pytest.raises(InputError, match=r"holds 1 split; one is needed\nName it: .*dict/train"):
        read_texts(tmp_path / "dict")
    with pytest.raises(InputError, match="names 2 files; one is needed"):
        write(tmp_path, "dev.tsv", "text\tlabel\na\t0\n")
        read_texts(tmp_path / "*.tsv")


def test_a_missing_file_names_the_nearest(tmp_path):
    write(tmp_path, "train.tsv", "text\tlabel\na\t0\n")
    with pytest.raises(InputError, match=r"No such file or directory\nDid you mean .*train\.tsv\?"):
        read_texts(tmp_path / "trian.tsv")


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="kind='klass' is not one of class, number"):
        read(tmp_path, "a.csv", "text,label\na,0\n", kind="klass")


def test_standard_input_is_known_by_its_first_line(tmp_path, monkeypatch):
    with write(tmp_path, "a", "text\tlabel\na b\tx\n").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        data = read_texts("-")
    assert strings(data.texts[0]) == ["a b"]


def test_a_bomb_is_refused(tmp_path):
    rows = b"text,label\n" + b"a,b\n" * (30 << 20)
    path = write(tmp_path, "a.csv.xz", lzma.compress(rows, preset=0))
    with pytest.raises(InputError, match="became more than 200 times as many"):
        read_texts(path)


def test_ragged_rows_are_left_out_and_counted_where_asked(tmp_path):
    content = "text\tlabel\na\t0\nb\nc\t1\tx\nd\t1\n"
    data = read(tmp_path, "a.tsv", content, ragged="leave-out")
    assert strings(data.texts[0]) == ["a", "d"]
    assert data.lines.tolist() == [2, 5]
    assert data.left_out == {"rows with another number of fields": 2}
    with pytest.raises(InputError, match="no rows"):
        read(tmp_path, "b.tsv", "text\tlabel\na\n", ragged="leave-out")
