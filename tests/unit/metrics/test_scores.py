"""Scores with what stands beside them: intervals, the majority, and what is not defined."""

import json
import math

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.scores import (
    answer_scores,
    class_scores,
    entity_scores,
    label_scores,
    number_scores,
    tag_scores,
)

GOLD = [0, 1, 1, 1, 0, 1] * 20
GUESS = [0, 1, 1, 0, 1, 1] * 20
TAGS = ("O", "B-A", "I-A")

ALL = {
    "classes": lambda seed: class_scores(GOLD, GUESS, ("no", "yes"), seed=seed),
    "labels": lambda seed: label_scores(
        np.eye(2, dtype=int)[GOLD], np.eye(2)[GUESS] * 0.7 + 0.1, ("a", "b"), seed=seed
    ),
    "numbers": lambda seed: number_scores(np.arange(50.0), np.arange(50.0) % 17, seed=seed),
    "entities": lambda seed: entity_scores(GOLD, GUESS, np.arange(0, 121, 10), TAGS, seed=seed),
    "tags": lambda seed: tag_scores(GOLD, GUESS, np.arange(0, 121, 5), ("N", "V"), seed=seed),
    "answers": lambda seed: answer_scores(["x", "y", "z"] * 9, [["x"], ["x y"], []] * 9, seed=seed),
}
FIRST = {
    "classes": "accuracy",
    "labels": "f1_micro",
    "numbers": "pearson",
    "entities": "entity_f1",
    "tags": "token_accuracy",
    "answers": "exact_match",
}


@pytest.mark.parametrize("kind", ALL)
def test_every_score_lies_in_its_interval_and_is_plain_json(kind):
    scores = ALL[kind](0)
    assert scores.scores[0].name == FIRST[kind]
    for score in scores.scores:
        assert score.low <= score.value <= score.high, score
    assert scores.best_by == scores.scores[0].value
    read = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert read["n"] == scores.n and list(read["scores"]) == [one.name for one in scores.scores]


@pytest.mark.parametrize("kind", ALL)
def test_the_same_seed_gives_the_same_scores(kind):
    assert ALL[kind](1) == ALL[kind](1)
    assert [one.value for one in ALL[kind](1).scores] == [one.value for one in ALL[kind](2).scores]


def test_the_majority_is_scored_by_the_same_rules():
    assert ALL["classes"](0).majority == pytest.approx(4 / 6)
    by_f1 = class_scores(GOLD, GUESS, ("no", "yes"), first="f1")
    assert by_f1.scores[0].name == "f1" and by_f1.majority == pytest.approx(0.8)
    trained = class_scores(GOLD, GUESS, ("no", "yes"), majority=0)
    assert trained.majority == pytest.approx(2 / 6)
    assert tag_scores(GOLD, GUESS, [0, 120], ("N", "V")).majority == pytest.approx(4 / 6)
    assert label_scores([[1], [1], [0]], [[0.9]] * 3, ("a",)).majority == pytest.approx(0.8)
    assert ALL["numbers"](0).majority == ALL["entities"](0).majority == 0.0
    assert ALL["answers"](0).majority == pytest.approx(1 / 3)  # "no answer" to all


def test_without_questions_that_have_no_answer_the_first_version_holds():
    assert answer_scores(["a"], [["the"]])["answer_f1"].value == 0.0
    assert answer_scores(["a", ""], [["the"], []])["answer_f1"].value == 1.0


def test_what_is_not_defined_is_said_and_is_no_number_in_json():
    scores = number_scores([1.0, 2.0, 3.0], [4.0, 4.0, 4.0])
    assert math.isnan(scores.scores[0].value) and scores.best_by == -math.inf
    assert scores.to_dict()["scores"]["pearson"] == {"value": None, "low": None, "high": None}
    assert scores.notes == ("no correlation is defined, all are the same: predictions",)


def test_classes_that_are_absent_or_never_right_are_named():
    names = ("a", "b", "c")
    notes = class_scores([0, 0, 1], [0, 2, 0], names).notes
    assert notes == (
        "no gold label is c: recall is taken to be 0",
        "never predicted rightly: b; F1 is 0",
    )
    many = tuple(f"n{i}" for i in range(9))
    assert (
        class_scores([0], [0], many)
        .notes[0]
        .startswith("no gold label is n1, n2, n3, n4, n5 and 3 more")
    )


def test_a_label_of_one_kind_leaves_the_others_area():
    scores = label_scores([[1, 0], [0, 0]], [[0.9, 0.1], [0.2, 0.1]], ("x", "y"))
    assert scores["roc_auc"].value == 1.0
    assert scores.notes == ("no ROC AUC, all rows or none have it, left out of the mean: y",)


def test_text_without_entities_is_said():
    assert entity_scores([0, 0], [0, 1], [0, 2], TAGS).notes == ("no gold entity: F1 is 0",)


def test_a_score_that_is_none_cannot_stand_first():
    with pytest.raises(InputError, match="'auc' is none of accuracy"):
        class_scores(GOLD, GUESS, ("no", "yes"), first="auc")
    with pytest.raises(InputError, match="2 labels a row are given, and 1 names"):
        label_scores([[1, 0]], [[0.5, 0.5]], ("a",))
