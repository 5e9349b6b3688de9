"""Answers as lines: a table, JSON, CoNLL; nothing in them ends a line, or acts on a terminal."""

import io
import json
from dataclasses import replace

import pytest

from tokpipe.cli.answer_writers import AnswerLines
from tokpipe.tasks.answers import (
    ClassAnswer,
    Entity,
    NumberAnswer,
    QuestionAnswer,
    Span,
    TagAnswer,
)

NAMED = TagAnswer(
    "Ada  wrote.",
    ((0, 3), (5, 10), (10, 11)),
    ("B-PER", "O", "O"),
    (0.5, 0.75, 1.0),
    (Entity("PER", "Ada", 0, 3, 0, 1, 0.5),),
)
UNNAMED = replace(NAMED, entities=(replace(NAMED.entities[0], label=""),))
TAGGED = TagAnswer("a b", ((0, 1), (2, 3)), ("DET", "NOUN"), (0.5, 0.75), None)
SPAN = Span("b", 2, 3, 0.75)


def written(form, *answers, visibly=False):
    file = io.BytesIO()
    writer = AnswerLines(file, form, visibly=visibly)
    writer.write(answers)
    return file.getvalue().decode()


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (ClassAnswer(("a\tb", "c"), ("x",), {"x": 0.75, "y": 0.25}), "x\t0.7500\ta\\tb\tc"),
        (ClassAnswer(("a",), ("x", "y"), {"x": 0.75, "y": 0.5}), "x,y\t0.7500,0.5000\ta"),
        (ClassAnswer(("a",), (), {"x": 0.25}), "\t\ta"),
        (NumberAnswer(("a\n",), 1.5), "1.5\ta\\n"),
        (NAMED, "[PER Ada]  wrote."),
        (UNNAMED, "[Ada]  wrote."),
        (TAGGED, "a/DET b/NOUN"),
        (TagAnswer("", (), (), (), ()), ""),
        (QuestionAnswer("7", "q?", "a b", (SPAN,), True, None), "b\t0.7500\tq?"),
        (QuestionAnswer("7", "q?", "a b", (SPAN,), False, 0.25), "\t0.2500\tq?"),
    ],
    ids=[
        "pair",
        "several",
        "none",
        "number",
        "entities",
        "of no kind",
        "tags",
        "empty",
        "answer",
        "no answer",
    ],
)
def test_an_answer_is_one_line_of_a_table(answer, line):
    assert written("table", answer) == f"{line}\n"


@pytest.mark.parametrize("answer", [NAMED, TAGGED])
def test_tags_are_lines_of_conll(answer):
    lines = [f"{word}\t{tag}" for word, tag in zip(answer.words, answer.tags, strict=True)]
    assert written("conll", answer, answer).split("\n") == [*lines, "", *lines, "", ""]


def test_json_holds_all_that_is_known():
    found = [json.loads(line) for line in written("jsonl", NAMED, TAGGED).splitlines()]
    assert found[0]["words"] == ["Ada", "wrote", "."] and found[0]["tags"] == ["B-PER", "O", "O"]
    assert found[0]["entities"][0] == {
        **{"label": "PER", "text": "Ada", "start": 0, "end": 3},
        **{"first": 0, "last": 1, "probability": 0.5},
    }
    assert "entities" not in found[1]
    answer = QuestionAnswer("7", "q?", "a b", (SPAN,), True, None)
    found = json.loads(written("jsonl", answer))
    assert (found["id"], found["answer"], found["start"], found["end"]) == ("7", "b", 2, 3)
    assert found["best"] == [{"text": "b", "start": 2, "end": 3, "probability": 0.75}]
    pair = ClassAnswer(("a", "b"), ("x",), {"x": 1.0})
    assert json.loads(written("jsonl", pair)) == {
        **{"text": "a", "second_text": "b", "labels": ["x"]},
        "probabilities": {"x": 1.0},
    }


HOSTILE = "\x1b]0;x\x07\u202e\u2028\x85\t\n\x7f"


@pytest.mark.parametrize("form", ["table", "jsonl", "conll"])
def test_hostile_text_ends_no_line_and_does_not_reach_a_terminal(form):
    answer = TagAnswer(HOSTILE, ((0, len(HOSTILE)),), (HOSTILE,), (1.0,), None)
    raw = written(form, answer)
    assert len(raw.split("\n")) == (3 if form == "conll" else 2)
    if form == "jsonl":
        assert json.loads(raw)["text"] == HOSTILE
    seen = written(form, answer, visibly=True)
    assert not set(seen) & set("\x1b\x07\u202e\u2028\x85\x7f")
    assert form != "jsonl" or json.loads(seen)["text"] == HOSTILE
