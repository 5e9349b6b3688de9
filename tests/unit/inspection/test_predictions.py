"""Answers as a terminal shows them: with colour and without, narrow, in ASCII, hostile."""

import re

import pytest

from tests.unit.inspection.printing import colored, shown
from tokpipe.inspection.terminal.predictions import answer_renderable
from tokpipe.tasks.answers import (
    ClassAnswer,
    Entity,
    NumberAnswer,
    QuestionAnswer,
    Span,
    TagAnswer,
)

HOSTILE = "\x1b]0;x\x07\u202e[bold]\n"
NAMES = ("Lovelace", "London")
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def spans_of(text):
    return tuple((found.start(), found.end()) for found in re.finditer(r"\S+", text))


def entities(text, *found):
    made = [
        Entity(label, text[a:b], a, b, text[:a].count(" "), text[:b].count(" ") + 1, 0.9)
        for label, a, b in found
    ]
    spans = spans_of(text)
    return TagAnswer(text, spans, ("O",) * len(spans), (0.9,) * len(spans), tuple(made))


def test_classes_are_bars_the_likeliest_first():
    answer = ClassAnswer(("fine film",), ("good",), {"bad": 0.25, "good": 0.75})
    lines = shown(answer_renderable(answer)).splitlines()
    assert lines[0] == "fine film"
    assert [line.split()[0] for line in lines[1:]] == ["good", "bad"] and "75.00 %" in lines[1]
    pair = ClassAnswer(("one", "two"), ("a",), {"a": 1.0})
    assert shown(answer_renderable(pair)).startswith("one | two\n")


def test_a_number_stands_before_its_text():
    assert shown(answer_renderable(NumberAnswer(("a", "b"), 3.25))).split() == ["3.25", *"a|b"]


TEXT = "Ada Lovelace wrote  to London and home"
NAMED = entities(TEXT, ("PER", 0, 12), ("LOC", 23, 29))


def test_entities_are_bracketed_in_their_sentence_with_colour_and_without():
    plain = shown(answer_renderable(NAMED, LABELS))
    assert plain == "[PER Ada Lovelace] wrote  to [LOC London] and home\n"
    bright = colored(answer_renderable(NAMED, LABELS))
    assert re.sub(r"\x1b\[[\d;]*m", "", bright) == plain
    colors = [re.findall(r"\x1b\[([\d;]+)m", bright.split(word)[0])[-1] for word in NAMES]
    assert len(set(colors)) == 2 and "0" not in colors


def test_entities_of_no_kind_are_bracketed_alone():
    assert shown(answer_renderable(entities("a fine film", ("", 2, 11)))) == "a [fine film]\n"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_sentences_break_between_words(width):
    text = "Ada Lovelace " * 30
    found = [("PER", 13 * i, 13 * i + 12) for i in range(30)]
    lines = shown(answer_renderable(entities(text, *found), LABELS), width=width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(["[PER Ada Lovelace]"] * 30)


def test_tags_stand_below_their_words():
    text = "the cat 東京 sat"
    answer = TagAnswer(text, spans_of(text), ("DET", "NOUN", "PROPN", "VERB"), (1.0,) * 4, None)
    assert shown(answer_renderable(answer, ("DET",))).splitlines() == [
        "the cat  東京  sat ",
        "DET NOUN PROPN VERB",
    ]
    narrow = shown(answer_renderable(answer), width=12).splitlines()
    assert len(narrow) == 4 and narrow[2].split() == ["東京", "sat"]
    empty = TagAnswer("", (), (), (), None)
    assert shown(answer_renderable(empty)) == "\n"


CONTEXT = "x " * 300 + "It was Ada Lovelace who wrote. " + "y " * 300
START = CONTEXT.index("Ada")
BEST = Span("Ada Lovelace", START, START + 12, 0.6)


@pytest.mark.parametrize("answered", [True, False])
def test_an_answer_stands_in_its_context_with_its_rivals(answered):
    answer = QuestionAnswer("1", "who wrote?", CONTEXT, (BEST, Span("x", 0, 1, 0.3)), answered, 0.1)
    text = shown(answer_renderable(answer))
    lines = text.splitlines()
    assert lines[0] == "who wrote?" and all(len(line) <= 80 for line in lines)
    names = [re.split(r" {2,}", line.strip())[-1] for line in lines[-3:]]
    rivals = ["Ada Lovelace", "x"]
    assert [name.rpartition("█ ")[2] or name for name in names]
    order = [*rivals, "no answer"] if answered else ["no answer", *rivals]
    assert [name.endswith(wanted) for name, wanted in zip(names, order, strict=True)] == [True] * 3
    assert ("[Ada Lovelace]" in text) is answered
    assert "…" in text and len(text) < 1000


@pytest.mark.parametrize(
    "answer",
    [
        ClassAnswer((HOSTILE,), (HOSTILE,), {HOSTILE: 1.0}),
        NumberAnswer((HOSTILE, HOSTILE), 1.0),
        entities(HOSTILE, (HOSTILE, 0, 4)),
        TagAnswer(HOSTILE, ((0, 4),), (HOSTILE,), (1.0,), None),
        QuestionAnswer(HOSTILE, HOSTILE, HOSTILE, (Span(HOSTILE[:5], 0, 5, 0.5),), True, 0.5),
        QuestionAnswer(HOSTILE, HOSTILE, HOSTILE, (), False, 0.5),
    ],
    ids=["class", "number", "entities", "tags", "answer", "none"],
)
def test_hostile_text_is_shown_as_text(answer):
    for encoding in ("utf-8", "ascii"):
        text = shown(answer_renderable(answer, (HOSTILE,)), encoding=encoding)
        assert not set(text) & set("\x1b\x07\u202e")
        assert encoding == "utf-8" or text.isascii()
