"""What labels of texts may be: names, numbers, several of a text."""

import json

import numpy as np
import pytest

from tests.unit.labelled.files import read, strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.labelled.config import TextColumns


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
    rows = '{"text": "a", "label": [1, "1", 2.0]}\n'
    assert read(tmp_path, "b.jsonl", rows, kind="several").names == ("1", "2")


def test_names_that_are_given_keep_their_order(tmp_path):
    data = read(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\n", names=("y", "z", "x"))
    assert data.labels.tolist() == [2, 0]
    with pytest.raises(InputError, match=r"a\.tsv:3: the label 'y' is none of the 2"):
        read(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\n", names=("x", "z"))
    with pytest.raises(InputError, match="no names for them: give it some, in id2label"):
        read(tmp_path, "a.tsv", "text\tlabel\na\t0\nb\t1\n", names=("LABEL_0", "LABEL_1"))


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
        ('["a", " "]', 'the list of labels holds " "'),
        ("[NaN]", "the list of labels holds NaN"),
        ("[1e999]", "the label is 1e999"),
        ('["\\ud800"]', r'the list of labels holds "\\ud800"'),
        ("{}", "the label is an object"),
    ],
)
def test_a_list_of_labels_holds_texts(tmp_path, value, problem):
    with pytest.raises(InputError, match=rf"a\.jsonl:1: .*{problem}"):
        read(tmp_path, "a.jsonl", f'{{"text": "a", "labels": {value}}}', kind="several")


def test_a_separator_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="label_separator is empty"):
        TextColumns(separator="")
    with pytest.raises(ConfigError, match="label_separator and several columns"):
        TextColumns(separator=",", label=("a", "b"))


@pytest.mark.parametrize("columns", [{"label": ("a", "b")}, {"label": ("a",), "separator": ";"}])
@pytest.mark.parametrize("kind", ["class", "number"])
def test_one_label_of_a_text_stands_in_one_column_whole(tmp_path, kind, columns):
    with pytest.raises(ConfigError, match=f"each text has one {kind}\nThe task is multilabel"):
        read(tmp_path, "a.csv", "text,a,b\nx,1,2\n", kind=kind, **columns)
