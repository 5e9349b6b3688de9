"""The benches follow the names of what they measure; they run too long to be run here.

What they reckon themselves is held here: rows as files, targets, answers.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tests import bench
from tests.bench import corpus, encode, start, vocab
from tests.bench.finetune import is_same
from tests.bench.finetune_jobs import JOBS, plain
from tests.bench.finetune_quality import compared, earlier_rows, scored
from tests.bench.harness import Duel, Run, Worker, lacks
from tests.bench.peers import mixed_sentences
from tests.bench.peers_answers import best_answer, questions_in, target
from tests.bench.peers_words import sentences_in
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.tagged import read_tagged
from tokpipe.labelled.texts import read_texts

OURS = sorted(path.stem for path in Path(bench.__path__[0]).glob("ours*.py"))
PLACES = [None, None, (0, 3), (4, 9), (9, 10), (11, 15), None]  # "The river , Wien"


@pytest.mark.parametrize("side", OURS)
def test_our_side_of_a_bench_finds_what_it_measures(side):
    assert import_module(f"tests.bench.{side}").describe


def test_every_table_can_be_asked_for():
    main = import_module("tests.bench.__main__")
    assert main.TABLES and not main.TABLES.keys() & main.LIMITED.keys()


def test_every_table_has_its_place_on_the_page_of_measurements():
    main = import_module("tests.bench.__main__")
    page = (Path(bench.__path__[0]) / "RESULTS.md").read_text(encoding="utf-8")
    for name in [*main.TABLES, *main.LIMITED]:
        assert f"<!-- bench:{name} -->" in page and f"<!-- /bench:{name} -->" in page


def test_a_worker_that_fails_says_what_it_complained_of():
    with pytest.raises(RuntimeError, match=r"ended with 1:\n(?s:.*)no_such_job"):
        Worker(sys.executable, "peers_words", "no_such_job")


def test_texts_of_mixed_length_come_from_all_over_a_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f" line {number}\n\n" for number in range(107)), encoding="utf-8")
    found = mixed_sentences(str(path), 10, 6)
    assert found == [f"line {number}"[:6] for number in range(0, 100, 10)]


def test_a_peer_that_is_not_there_is_passed_over_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "text_file", lambda: tmp_path / "none.txt")
    assert not lacks(sys.executable, "numpy") and lacks(sys.executable, "no_such_package")
    for module in (encode, start, vocab):
        monkeypatch.setattr(module, "lacks", lambda python, package: True)
    rows = [
        vocab._against_gigabpe("none.txt", sys.executable, 1),
        encode._processor_row(sys.executable, 1, "WordPiece", "none.json", 1.3),
        start._warm(tmp_path, ("gigabpe", 20, 1.5), sys.executable, 1),
    ]
    assert [row.measured for row in rows] == ["skipped: not installed beside the peers"] * 3
    assert [row.floor for row in rows] == ["2×", "1.3×", "1.5×"]
    assert all(row.passed and row.ours == "–" for row in rows)


def test_processors_time_is_held_against_each_other_by_pairs():
    ours = [Run(1.0, 0, None, one) for one in (1.0, 2.0, 4.0)]
    peer = [Run(9.0, 0, None, one) for one in (3.0, 4.0, 4.0)]
    duel = Duel(ours, peer)
    assert (duel.ratio, duel.processor_ratio, duel.processor) == (9.0, 2.0, (2.0, 4.0))


@pytest.mark.parametrize("text", ['a\t"b"\tç\n', "it 's\t<br />\tno\n"])
def test_texts_come_back_from_the_plain_file_as_they_were(tmp_path, text):
    source, path = tmp_path / "a.tsv", tmp_path / "a.jsonl"
    source.write_text(f"one\ttwo\tlabel\n{text * 2}", encoding="utf-8")
    columns = TextColumns(text="one", second="two", label=("label",))
    data = read_texts(source, columns, "class")
    path.write_text(plain(data), encoding="utf-8")
    again = read_texts(path, TextColumns(text="text", second="second", label=("label",)), "class")
    assert [c.to_arrow() for c in again.texts] == [c.to_arrow() for c in data.texts]
    assert (again.names, again.labels.tolist()) == (data.names, data.labels.tolist())


def test_words_are_the_same_for_both_sides(tmp_path):
    source, path = tmp_path / "a.conll", tmp_path / "b.conll"
    source.write_text("#\tO\n@you\tB-a\n\n\u00a0\tO\nå\tI-a\n", encoding="utf-8")
    data = read_tagged(source)
    path.write_text(plain(data), encoding="utf-8")
    again, peers = read_tagged(path), sentences_in(str(path))
    assert again.words.to_arrow() == data.words.to_arrow()
    assert [word for words, _ in peers for word in words] == data.words.to_arrow().to_pylist()
    assert [tag for _, tags in peers for tag in tags] == [data.names[tag] for tag in data.tags]
    assert [len(words) for words, _ in peers] == np.diff(again.borders).tolist()


def test_answers_stand_where_they_did_in_the_plain_file(tmp_path):
    answers = [{"text": "née", "answer_start": 5}, {"text": "é", "answer_start": 6}]
    asked = {"id": "q", "question": "wie?", "answers": answers}
    article = {"title": "t", "paragraphs": [{"context": "Åse, née Ö", "qas": [asked]}]}
    source, path = tmp_path / "a.json", tmp_path / "b.json"
    source.write_text(json.dumps({"version": "1.1", "data": [article]}))
    path.write_text(plain(read_questions(source)))
    assert questions_in(str(path)) == [{**asked, "context": "Åse, née Ö"}]


@pytest.mark.parametrize(
    ("start", "text", "tokens"),
    [(0, "The", (2, 2)), (4, "river,", (3, 4)), (5, "iver", (3, 3)), (11, "Wien b", (0, 0))],
)
def test_the_peers_target_is_an_answer_that_the_window_holds_whole(start, text, tokens):
    assert target(PLACES, {"answer_start": start, "text": text}) == tokens


def test_the_peers_best_answer_lies_in_the_paragraph_and_ends_behind_its_begin():
    logits = np.zeros((7, 2), np.float32)
    logits[0], logits[5, 0], logits[3, 1] = 9, 3, 3  # [CLS]; a begin behind the best end
    logits[2, 0] = 2
    assert best_answer(PLACES, logits) == (5.0, (0, 9))
    assert best_answer([None, None], logits[:2]) is None


def test_labels_that_are_given_by_name_are_scored(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": t, "label": t}) + "\n" for t in "abca"))
    data = read_texts(path, TextColumns(text="text", label=("label",)), "class")
    assert scored(JOBS["sst2"], data, ["a", "b", "c", "b"]).scores[0].value == 0.75


def _figures(value, low, high, majority=0.5):
    score = {"value": value, "low": low, "high": high}
    return {"n": 10, "majority": majority, "scores": {"accuracy": score, "f1": score}}


@pytest.mark.parametrize(
    ("ours", "passed"), [((0.8, 0.7, 0.6), True), ((0.59, 0.9, 0.3), False), ((0.5,), False)]
)
def test_our_median_is_held_against_the_interval_of_the_peer(ours, passed):
    peer = [_figures(value, value - 0.1, value + 0.1) for value in (0.75, 0.7, 0.65)]
    row = compared(JOBS["sst2"], 100, [_figures(one, 0.0, 1.0) for one in ours], peer)
    assert row.passed is passed
    assert row.floor == "at least 60.0"


@pytest.mark.parametrize(
    ("name", "nbsvm", "vectors", "passed"),
    [
        ("imdb", 0.915, 0.911, True),
        ("imdb", 0.915, 0.909, False),
        ("imdb", 0.9, 0.9, False),
        ("rte", 0.5, 0.4, True),
    ],
)
def test_earlier_approaches_are_held_to_what_is_published_of_imdb(name, nbsvm, vectors, passed):
    values = {"bow": 0.8, "nbsvm": nbsvm, "vectors": vectors}
    earlier = {method: _figures(value, 0, 1) for method, value in values.items()}
    assert earlier_rows(name, earlier, is_whole=True)[0].passed is passed
    assert earlier_rows(name, earlier, is_whole=False)[0].passed


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"steps": 3}, False), ({"rows": 9}, False), ({"first": [{"a": 0.8}]}, False)],
)
def test_sides_that_did_not_do_the_same_are_told(change, same):
    result = {"rows": 8, "steps": 2, "first": [{"a": 0.5}]}
    assert is_same(result, {**result, **change}) is same
