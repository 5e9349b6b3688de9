"""Scores of answers, worked out by hand from the rules of SQuAD."""

import itertools
import random
import re
import string

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.answers import (
    answer_columns,
    answer_f1,
    best_null_threshold,
    exact_match,
    normalized_answer,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat", "cat"),
        ("a  an the", ""),
        ("anthem", "anthem"),
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("the-end", "theend"),  # punctuation goes before the articles do
        ("don't", "dont"),
        ("Å, Ä\tand\nÖ", "å ä and ö"),
        ("« ja »", "« ja »"),  # ASCII punctuation only
        ("1,000", "1000"),
        ("", ""),
    ],
)
def test_an_answer_is_reduced_to_what_counts(text, expected):
    assert normalized_answer(text) == expected


# prediction, gold answers: exact match and F1 by version 1.1, and by 2.0
TABLE = {
    "the same": ("Lund", ["Lund"], (1, 1), (1, 1)),
    "the second gold answer": ("in Lund", ["Malmö", "In Lund!"], (1, 1), (1, 1)),
    "a part": ("the old town", ["old town hall"], (0, 0.8), (0, 0.8)),
    "a word said twice counts twice": ("go go", ["go"], (0, 2 / 3), (0, 2 / 3)),
    "nothing in common": ("Lund", ["Malmö"], (0, 0), (0, 0)),
    "no answer where one is": ("", ["Lund"], (0, 0), (0, 0)),
    "no answer where none is": ("", [], (0, 0), (1, 1)),
    "an answer where none is": ("Lund", [], (0, 0), (0, 0)),
    "articles alone": ("a", ["the"], (1, 0), (1, 1)),
    "a gold answer of articles beside another": ("", ["the", "Lund"], (1, 0), (0, 0)),
}


@pytest.mark.parametrize("case", TABLE)
def test_answers_score_as_worked_out_by_hand(case):
    prediction, golds, *expected = TABLE[case]
    for version, pair in zip(("1.1", "2.0"), expected, strict=True):
        found = exact_match(prediction, golds, version), answer_f1(prediction, golds, version)
        assert found == pytest.approx(pair)


def test_every_question_has_its_scores():
    exact, partial = answer_columns(["Lund", "old town", ""], [["lund"], ["town"], []])
    assert exact.tolist() == [1, 0, 1] and partial == pytest.approx([1, 2 / 3, 1])


def test_the_best_threshold_leaves_out_what_is_wrong():
    found = best_null_threshold([1, 0, 1, 0], [-3.0, 2.0, -1.0, 1.0], [1, 0, 1, 0], [1, 1, 1, 1])
    assert found == (-1.0, 1.0)


def test_an_answer_that_is_right_but_unsure_is_weighed_against_the_wrong_ones():
    scores, nulls = [1.0, 0.5, 0.0], [0.1, 0.2, 0.3]
    assert best_null_threshold(scores, nulls, [1, 1, 1], [1, 1, 1]) == (0.2, 0.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("nulls", "threshold"),
    [([0.2, 0.4], 0.0), ([-2.0, 0.4], None), ([np.inf, np.inf], 0.0), ([np.inf, -1.0], None)],
)
def test_where_no_answer_is_best_nothing_is_answered(nulls, threshold):
    found = best_null_threshold([0, 0], nulls, [0, 0], [1, 1])
    assert found.score == 1.0 and found.threshold < min(nulls)
    assert threshold is None or found.threshold == threshold


def test_questions_with_the_same_null_score_are_not_parted():
    found = best_null_threshold([1, 0], [0.5, 0.5], [1, 0], [1, 1])
    assert found == (0.0, 0.5)  # answering both is not better than answering none


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (([], [], [], []), "or none"),
        (([1], [0, 1], [1], [1]), "not of the same questions"),
        (([[1]], [[0]], [[1]], [[1]]), "not of the same questions"),
        (([np.nan], [0], [1], [1]), "NaN"),
        (([1], [np.nan], [1], [1]), "NaN"),
        ((["a"], [0], [1], [1]), "numbers are needed"),
        (([[1], [1, 2]], [0], [1], [1]), "rows of several lengths"),
        (([[1]], [[0]], [[1]], [[1]]), "not of the same questions"),
    ],
)
def test_thresholds_of_nothing_are_not_searched(columns, said):
    with pytest.raises(InputError, match=said):
        best_null_threshold(*columns)


def test_predictions_and_questions_are_as_many():
    with pytest.raises(InputError, match="2 questions against 1"):
        answer_columns(["a"], [["a"], ["b"]])
    with pytest.raises(InputError, match="no questions"):
        answer_columns([], [])


WORDS = ["the", "a", "an", "The", "Lund", "old", "town,", "U.S.", "—", "'", "in", "1,000", "å", "."]


def plainly_normalized(text):
    """Each rule by itself, in the order that the script of SQuAD has them."""
    without = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    words = [word for word in re.split(r"\s+", without) if word]
    return " ".join(word for word in words if word not in ("a", "an", "the"))


def plain_f1(said, gold):
    """Return F1 over words by crossing out what both have."""
    said, gold = plainly_normalized(said).split(), plainly_normalized(gold).split()
    left, shared = list(gold), 0
    for word in said:
        if word in left:
            left.remove(word)
            shared += 1
    if not said or not gold:
        return float(said == gold)
    return 2 * shared / (len(said) + len(gold))


def test_ten_thousand_answers_score_as_the_rules_say_one_by_one():
    draw = random.Random(6)

    def drawn(most):
        return "  ".join(draw.choices(WORDS, k=draw.randint(0, most)))

    for _ in range(10_000):
        said, golds = drawn(4), [drawn(3) for _ in range(draw.randint(0, 3))]
        real = [gold for gold in golds if plainly_normalized(gold)] or [""]
        assert normalized_answer(said) == plainly_normalized(said)
        equal = any(plainly_normalized(gold) == plainly_normalized(said) for gold in real)
        assert exact_match(said, golds) == equal
        assert answer_f1(said, golds) == pytest.approx(max(plain_f1(said, gold) for gold in real))


def test_no_other_threshold_is_better():
    draw = np.random.default_rng(7)
    for _ in range(2000):
        n = int(draw.integers(1, 12))
        has_gold, answered = draw.random(n) < 0.6, draw.random(n) < 0.8
        scores = np.where(has_gold & answered, draw.random(n).round(1), ~answered & ~has_gold)
        nulls = draw.normal(size=n).round(int(draw.choice([0, 3])))
        found = best_null_threshold(scores, nulls, has_gold, answered)

        def mean_at(threshold, columns=(scores, nulls, has_gold)):
            score, null, gold = columns
            return float(np.where(null > threshold, ~gold, score).mean())

        best = max(mean_at(one) for one in itertools.chain([-np.inf], nulls))
        assert found.score == pytest.approx(best) == mean_at(found.threshold)


@pytest.mark.parametrize("version", [1.1, "2", None])
@pytest.mark.parametrize("score", [exact_match, answer_f1])
def test_a_version_that_there_is_not_is_refused(score, version):
    with pytest.raises(InputError, match=r"version=.* is not one of '1\.1', '2\.0'"):
        score("a", ["a"], version)


@pytest.mark.parametrize(
    ("prediction", "answers", "said"),
    [
        (None, ["a"], "the prediction is None; a text is needed"),
        ("a", "ab", r"the gold answers are a str \('ab'\); a list"),
        ("a", None, "the gold answers are None; a list"),
        ("a", ["a", 3], r"a gold answer is an int \(3\)"),
        ("a", None, "the gold answers are None; a list"),
    ],
)
@pytest.mark.parametrize("score", [exact_match, answer_f1])
def test_what_is_no_text_is_named(score, prediction, answers, said):
    with pytest.raises(InputError, match=said):
        score(prediction, answers)


@pytest.mark.parametrize("score", [exact_match, answer_f1])
def test_gold_answers_may_come_one_by_one_and_versions_are_two(score):
    assert score("b c", (gold for gold in ["x", "b c"])) == 1
    with pytest.raises(InputError, match=r"version='3' is not one of '1\.1', '2\.0'"):
        score("a", ["a"], "3")
