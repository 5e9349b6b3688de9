"""What cannot be read is one error that says where and what."""

import gzip
import lzma

import pytest

from tests.unit.labelled.files import read, write
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.labelled.texts import read_texts

DEEP = '{"text": "a", "label": 0, "more": ' + "[" * 101 + "]" * 101 + "}"


BAD = {  # by the name of the file: what it holds, and what is said
    "a.tsv": {
        "not UTF-8": (b"text\tlabel\na\t0\nb\xe9\t1\n", r"a\.tsv:3: byte 0xE9 at offset 16"),
        "binary": (bytes(range(256)), r"a\.tsv:\d: "),
        "too many fields": ("text\tlabel\na\t0\nb\tc\t1\n", r"a\.tsv:3: 3 fields, the first"),
        "old line ends": ("text\tlabel\ra\t0\rb\t1\r", r"a\.tsv:1: a lone CR"),
    },
    "a.jsonl": {
        "not UTF-8 in JSON": (b'{"text": "b\xe9"}\n', r"a\.jsonl:1: byte 0xE9"),
        "NUL in JSON": (b'{"text": "\0", "label": 1}', r"a\.jsonl:1: a NUL byte"),
        "no label in JSON": ('{"text": "a"}\n', r"a\.jsonl: which column is the label\?"),
        "two of a name in JSON": ('{"text":"a","label":0,"label":1}', "called 'label'"),
        "two of a name later": (
            '{"text":"a","label":0}\n{"text":"a","label":0,"label":1}',
            r"a\.jsonl:2: the key 'label' stands more than once",
        ),
        "only blank lines": ("\n\n", "no rows"),
        "text null": ('{"text": null, "label": 0}', r"a\.jsonl:1: the text is null"),
        "text a number": ('{"text": 1, "label": 0}', r"a\.jsonl:1: the text is no text"),
        "label null": ('{"text": "", "label": null}', r"a\.jsonl:1: no label: the value is"),
        "label a list": ('{"text": "", "label": ["a"]}', r"a\.jsonl:1: the label is a list"),
        "label an object": ('{"text": "", "label": {}}', r":1: the label is an object"),
        "label NaN": ('{"text": "", "label": NaN}', r"a\.jsonl:1: the label is NaN"),
        "label Infinity": ('{"text": "", "label": -Infinity}', r"the label is -Infinity"),
        "key missing later": (
            '{"text": "a", "label": 0}\n{"txt": "a", "label": 0}',
            r"a\.jsonl:2: no column 'text'\nDid you mean 'txt'\? Pass --text-column",
        ),
        "no JSON": ('{"text": "a", "label": 0}\n{"text"', r"a\.jsonl:2:\d+: not JSON"),
        "no JSON at first": ("hello\n", r"a\.jsonl:1:1: the line is no JSON object"),
        "deep JSON": (
            DEEP,
            r"a\.jsonl:1: nested deeper than 100 objects and arrays\nFlatten it\.$",
        ),
        "very deep JSON": ("[" * 100_000, r"a\.jsonl:1:1: the line is no JSON object"),
        "half a character": ('{"text": "\\ud83d", "label": 0}', "half a surrogate pair"),
    },
    "a.csv": {
        "UTF-16": ("text,label\na,b\n".encode("utf-16"), "the text is UTF-16-LE"),
        "NUL": (b"text,label\na,0\nb\0,1\n", r"a\.csv:3: a NUL byte at offset 16"),
        "open quote": ('text,label\na,0\n"b,1\nc,2\n', r"a\.csv:3: a quote is never closed"),
        "open quote in the header": ('"text,label\na,0\n', r"a\.csv:1: a quote is never"),
        "no text column": ("x,y,label\na,b,0\n", r"a\.csv:1: which column is the text\?"),
        "no label column": ("text,y\na,b\n", r"a\.csv:1: which column is the label\?"),
        "other marks": ("text;label\na;0\n", r"the text\? 'text;label'\nOne column: cells of"),
        "texts alone": ("text\na\n", r"label\?.*\nOne column: .*for `tokpipe predict`"),
        "two of a name": ("text,label,text\na,0,b\n", "two columns are called 'text'"),
        "too few fields": ("text,label\na,0\n\nb\n", r"a\.csv:4: 1 field, the first line has"),
        "empty": ("", "the file is empty"),
        "only a mark": ("\ufeff", r"a\.csv:1: the first line is blank"),
        "only a header": ("text,label\n", r"a\.csv: no rows"),
        "a label that is empty": ("text,label\na,0\nb,\n", r"a\.csv:3: the label is empty"),
        "a label of spaces": ("text,label\na,0\nb,  \n", r"a\.csv:3: the label is empty"),
        "an archive": (b"PK\x03\x04" + bytes(99), "a zip archive"),
    },
    "a.csv.gz": {
        "empty, compressed": (gzip.compress(b""), "the file is empty"),
        "cut short": (gzip.compress(b"text,label\na,0\n" * 99)[:-9], "is cut short"),
    },
    "a.json": {
        "a JSON array": ('[{"text": "a"}]', r"a\.json:1:1: the line is no JSON object\nA JSON"),
    },
    "a.txt": {
        "no table": ("just some words\n", "no table that is known"),
    },
    "a.parquet": {
        "no Parquet": (b"PAR1\x15 and nothing", "the file is damaged"),
    },
}


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in BAD for case in BAD[name]])
def test_what_cannot_be_read_is_one_error_with_its_place(tmp_path, name, case):
    content, problem = BAD[name][case]
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


def test_a_bomb_is_refused(tmp_path):
    rows = b"text,label\n" + b"a,b\n" * (30 << 20)
    path = write(tmp_path, "a.csv.xz", lzma.compress(rows, preset=0))
    with pytest.raises(InputError, match="became more than 200 times as many"):
        read_texts(path)
