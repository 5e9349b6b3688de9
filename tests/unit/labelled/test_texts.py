"""Files of texts and labels: their shapes, columns, lines and doors."""

import bz2
import gzip
import json
import lzma

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.labelled.files import read, strings, write
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.texts import read_texts

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


def test_standard_input_is_known_by_its_first_line(tmp_path, monkeypatch):
    with write(tmp_path, "a", "text\tlabel\na b\tx\n").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        data = read_texts("-")
    assert strings(data.texts[0]) == ["a b"]


def test_ragged_rows_are_left_out_and_counted_where_asked(tmp_path):
    content = "text\tlabel\na\t0\nb\nc\t1\tx\nd\t1\n"
    data = read(tmp_path, "a.tsv", content, ragged="leave-out")
    assert strings(data.texts[0]) == ["a", "d"]
    assert data.lines.tolist() == [2, 5]
    assert data.left_out == {"rows with another number of fields": 2}
    with pytest.raises(InputError, match="no rows"):
        read(tmp_path, "b.tsv", "text\tlabel\na\n", ragged="leave-out")


def test_spaces_around_the_name_of_a_column_hide_it_from_nobody(tmp_path):
    content = " words , kind \na,x\nb,y\n"
    assert read(tmp_path, "a.csv", content, text="words", label=("kind",)).names == ("x", "y")
    with pytest.raises(InputError, match="no column 'kind'"):
        read(tmp_path, "b.csv", "words, kind,kind \na,x,y\n", text="words", label=("kind",))
