"""The files of real tasks, as they are."""

import bz2
import csv
import io
import json
import lzma
from itertools import pairwise

import pytest

from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.tagged import read_tagged
from tokpipe.labelled.texts import read_texts

TWO = ("0", "1")
TEXTS = {
    "sst2/train.tsv.xz": (67_349, 1, TWO, {}),
    "sst2/dev.tsv": (872, 1, TWO, {}),
    "mrpc/train.tsv": (3_667, 2, TWO, {}),
    "mrpc/dev.tsv": (408, 2, TWO, {}),
    "rte/train.tsv": (2_490, 2, ("entailment", "not_entailment"), {}),
    "rte/dev.tsv": (277, 2, ("entailment", "not_entailment"), {}),
    "snli/dev.tsv": (9_842, 2, ("0", "1", "2"), {}),
    "snli/cased-dev-sample.jsonl": (
        1_273,
        2,
        ("contradiction", "entailment", "neutral"),
        {"gold label -": 16},
    ),
    "agnews/test.csv.xz": (7_599, 2, ("1", "2", "3", "4"), {}),
    "imdb/test-2000.jsonl.bz2": (2_000, 1, TWO, {}),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_real_tasks(shared_data, name):
    rows, columns, names, left_out = TEXTS[name]
    data = read_texts(shared_data / "tasks" / name)
    assert (len(data), len(data.texts), data.names) == (rows, columns, names)
    assert data.left_out == left_out
    assert set(data.labels) == set(range(len(names)))


TAGGED = {
    "wnut17/train.conll": (3_394, 62_730, 13, "IOB2", {}),
    "wnut17/dev.conll": (1_009, 15_733, 13, "IOB2", {}),
    "wnut17/test.conll": (1_287, 23_394, 13, "IOB2", {}),
    "ud-ewt/en_ewt-ud-train.conllu.xz": (
        12_544,
        204_577,
        17,
        "none",
        {"multi-word ranges": 2_614, "empty nodes": 37},
    ),
    "ud-ewt/en_ewt-ud-test.conllu.xz": (
        2_077,
        25_094,
        17,
        "none",
        {"multi-word ranges": 354, "empty nodes": 2},
    ),
    "ud-swedish/sv_talbanken-ud-test.conllu.xz": (1_219, 20_377, 17, "none", {"empty nodes": 9}),
}


@pytest.mark.parametrize("name", TAGGED)
def test_words_of_real_tasks(shared_data, name):
    sentences, words, names, scheme, left_out = TAGGED[name]
    data = read_tagged(shared_data / "tasks" / name)
    assert (len(data), len(data.words), len(data.names)) == (sentences, words, names)
    assert (data.scheme, data.left_out) == (scheme, left_out)
    assert data.tags.min() >= 0


def test_features_of_a_real_treebank(shared_data):
    path = shared_data / "tasks" / "ud-swedish" / "sv_talbanken-ud-test.conllu.xz"
    assert read_tagged(path, TagColumns(tag="Number")).names == ("Plur", "Sing", "_")


@pytest.mark.parametrize(
    ("name", "questions", "contexts"),
    [
        ("squad/train-4k.json.xz", 4_284, 875),
        ("xquad/xquad.en.json", 1_190, 240),
        ("xquad/xquad.zh.json", 1_190, 240),
        ("xquad/xquad.ar.json.xz", 1_190, 240),
    ],
)
def test_answers_of_real_questions_are_where_they_are_said_to_be(
    shared_data, name, questions, contexts
):
    data = read_questions(shared_data / "tasks" / name)
    assert (len(data), len(data.contexts)) == (questions, contexts)
    for i in range(len(data)):
        context = data.contexts.bytes_of(data.context_of[i])
        for j in range(data.answer_borders[i], data.answer_borders[i + 1]):
            assert context[data.answer_starts[j] :].startswith(data.answers.bytes_of(j))


def _plain(path):
    opened = {".xz": lzma.open, ".bz2": bz2.open}.get(path.suffix, open)
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        return file.read()


def _by_name(data):
    columns = [[cell.decode() for cell in column.iter_bytes()] for column in data.texts]
    return list(zip(*columns, [data.names[label] for label in data.labels], strict=True))


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("sst2/train.tsv.xz", (0, 1)),
        ("mrpc/train.tsv", (3, 4, 0)),
        ("rte/train.tsv", (1, 2, 3)),
    ],
)
def test_tables_are_what_a_plain_split_gives(shared_data, name, columns):
    path = shared_data / "tasks" / name
    rows = [line.split("\t") for line in _plain(path).split("\n")[1:] if line]
    expected = [tuple(row[column].removesuffix("\r") for column in columns) for row in rows]
    assert _by_name(read_texts(path)) == expected


def test_quoted_cells_are_what_pythons_csv_reads(shared_data):
    path = shared_data / "tasks" / "agnews" / "test.csv.xz"
    rows = csv.reader(io.StringIO(_plain(path), newline=""))
    assert _by_name(read_texts(path)) == [(title, text, label) for label, title, text in rows]


def test_json_lines_are_what_python_reads(shared_data):
    path = shared_data / "tasks" / "imdb" / "test-2000.jsonl.bz2"
    rows = [json.loads(line) for line in _plain(path).split("\n") if line]
    assert _by_name(read_texts(path)) == [(row["text"], str(row["label"])) for row in rows]


@pytest.mark.parametrize(
    ("name", "word", "tag"),
    [
        ("wnut17/train.conll", 0, 1),
        ("ud-ewt/en_ewt-ud-dev.conllu.xz", 1, 3),
        ("ud-swedish/sv_talbanken-ud-dev.conllu.xz", 1, 3),
    ],
)
def test_sentences_are_what_a_plain_loop_over_lines_gives(shared_data, name, word, tag):
    path = shared_data / "tasks" / name
    expected, sentence = [], []
    for line in [*_plain(path).split("\n"), ""]:
        fields = line.split("\t")
        is_word = line.strip() and (len(fields) == 2 or fields[0].isdigit())
        if is_word:
            sentence.append((fields[word], fields[tag]))
        elif not line.strip() and sentence:
            expected.append(sentence)
            sentence = []
    data = read_tagged(path)
    words = [item.decode() for item in data.words.iter_bytes()]
    both = list(zip(words, [data.names[i] for i in data.tags], strict=True))
    assert [both[a:b] for a, b in pairwise(data.borders.tolist())] == expected
    lines = _plain(path).split("\n")
    assert all(word in lines[line - 1] for word, line in zip(words, data.lines, strict=True))
