"""Whatever a file holds, it is read, or refused with an error of ours."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokpipe.foundation.errors import InputError
from tokpipe.labelled.check import brief, check_labelled
from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.tagged import read_tagged
from tokpipe.labelled.texts import KINDS, read_texts

WHOLE = {
    "a.csv": b'text,label\n"a, ""b""\nc",x\nd,y\n\ne,0\n',
    "a.tsv": b"sentence1\tsentence2\tscore\na\tb\t1.5\nc\td\t-2\n",
    "b.tsv": b"gj04\t1\t\ta b c\ngj04\t0\t*\td e f\n",
    "a.jsonl": b'{"text": "a\\u00e9", "label": 1, "x": [{}]}\n{"text": "b", "label": "z"}\n',
    "b.jsonl": b'{"text": "a", "labels": ["p", "q"]}\n\n{"text": "b", "labels": []}\n',
    "a.conll": b"-DOCSTART- -X- O\n\n# c\na X B-P\nb Y I-P\n\nc X O\n",
    "b.conll": b"a\tO\n\xc2\xa0\tS-X\n\n#\tO\nb c\tB-Y\nd\tE-Y\n",
    "a.conllu": b"# t\n1-2\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\ta\tX\tx\tF=G\t0\tr\t_\t_\n"
    b"2\tb\tb\tY\t_\t_\t1\td\t_\t_\n2.1\tc\tc\tZ\tz\t_\t_\t_\t_\t_\n\n",
    "a.json": json.dumps(
        {
            "data": [
                {
                    "title": "t",
                    "paragraphs": [
                        {
                            "context": "a é b",
                            "qas": [
                                {
                                    "id": "1",
                                    "question": "q",
                                    "answers": [{"text": "b", "answer_start": 4}],
                                },
                                {"id": "2", "question": "p", "is_impossible": True, "answers": []},
                            ],
                        }
                    ],
                }
            ]
        },
        indent=0,
    ).encode(),
}
SCRAPS = [
    *(b"\t", b"\n", b"\r", b'"', b",", b"#", b" ", b"{", b"}", b"[", b"]", b":", b"\\", b"\0"),
    *(b"\xff", b"\xc3", b"\xef\xbb\xbf", b"null", b"true", b"1e999", b"NaN", b"-", b"-1", b"0"),
    *(b"\\ud83d", b"-DOCSTART-", b"text", b"label", b"\xe2\x80\xa8", b"1-2\t", b"B-X", b"I-Y"),
]


@st.composite
def damaged(draw):
    """A file that was whole, with some stretches taken out, doubled or replaced."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    content = WHOLE[name]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(content)))
        end = draw(st.integers(at, min(at + 12, len(content))))
        middle = draw(
            st.one_of(st.sampled_from(SCRAPS), st.just(content[at:end] * 2), st.just(b""))
        )
        content = content[:at] + middle + content[end:]
    return name, content


def readers(name):
    if name.endswith(".json"):
        return [read_questions, lambda path: read_questions(path, "leave-out")]
    if ".conll" in name:
        return [read_tagged, lambda path: read_tagged(path, TagColumns(tag="2", scheme="none"))]
    return [lambda path, kind=kind: read_texts(path, None, kind) for kind in KINDS]


@given(damaged())
@settings(max_examples=300)
def test_damage_is_read_or_refused_with_the_name_of_the_file(tmp_path_factory, file):
    name, content = file
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    for read in readers(name):
        try:
            data = read(path)
        except InputError as error:
            assert re.search(rf"{re.escape(str(path))}\b", error.problem)
            continue
        assert len(data) or data.left_out
        findings = check_labelled({"train": data, "test": data})
        assert brief({"train": data}, findings)


@given(st.binary(max_size=200), st.sampled_from(sorted(WHOLE)))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("binary") / name
    path.write_bytes(content)
    for read in readers(name):
        try:
            assert len(read(path))
        except InputError as error:
            assert str(path) in error.problem


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_whole_files_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WHOLE[name])
    read = 0
    for reader in readers(name):
        try:
            read += len(reader(path)) > 0
        except InputError:
            continue
    assert read
