"""Measures: a weight counts as so many copies, whatever is scored."""

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.classes import accuracy, f1, matthews, roc_auc
from tokpipe.metrics.entities import entity_f1
from tokpipe.metrics.measures import (
    answer_measure,
    class_measure,
    entity_measure,
    label_measure,
    number_measure,
    tag_measure,
)
from tokpipe.metrics.numbers import pearson, spearman

DRAW = np.random.default_rng(3)
N = 12
CODES = DRAW.integers(0, 3, (2, N))
NUMBERS = DRAW.integers(0, 5, (2, N)).astype(float)
LABELS, CHANCES = DRAW.integers(0, 2, (N, 4)), DRAW.random((N, 4)).round(1)
TAGS = DRAW.integers(0, 5, (2, 4 * N))
NAMES = ("O", "B-A", "I-A", "B-B", "I-B")
BORDERS = np.arange(0, 4 * N + 1, 4)
SAID = [["a", "b", "a b", "c d e", ""][i] for i in DRAW.integers(0, 5, N)]
GOLD = [[["a"], ["b c", "a b"], []][i] for i in DRAW.integers(0, 3, N)]


def words(rows):
    return (rows[:, None] * 4 + np.arange(4)).ravel()


def borders(rows):
    return np.arange(0, 4 * len(rows) + 1, 4)


MEASURES = {
    "classes": lambda r: class_measure(CODES[0][r], CODES[1][r], 3),
    "two classes": lambda r: class_measure(CODES[0][r] % 2, CODES[1][r] % 2, 2),
    "labels": lambda r: label_measure(LABELS[r], CHANCES[r]),
    "numbers": lambda r: number_measure(NUMBERS[0][r], NUMBERS[1][r]),
    "entities": lambda r: entity_measure(TAGS[0][words(r)], TAGS[1][words(r)], borders(r), NAMES),
    "tags": lambda r: tag_measure(TAGS[0][words(r)], TAGS[1][words(r)], borders(r), NAMES),
    "answers": lambda r: answer_measure([SAID[i] for i in r], [GOLD[i] for i in r], "2.0"),
}


@pytest.mark.parametrize("kind", MEASURES)
def test_a_weight_counts_as_so_many_copies(kind):
    make = MEASURES[kind]
    for seed in range(5):
        weights = np.random.default_rng(seed).integers(0, 4, N)
        weighted = make(np.arange(N)).formula()(weights[None].astype(float))[:, 0]
        copied = make(np.repeat(np.arange(N), weights)).values()
        assert weighted == pytest.approx(copied, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", MEASURES)
def test_versions_are_scored_each_by_itself(kind):
    score = MEASURES[kind](np.arange(N)).formula()
    weights = np.random.default_rng(1).integers(0, 3, (6, N)).astype(float)
    together = score(weights)
    for i, row in enumerate(weights):
        assert together[:, i] == pytest.approx(score(row[None])[:, 0], abs=1e-15, nan_ok=True)


def test_measures_say_what_the_plain_functions_say():
    gold, guess = CODES
    assert MEASURES["classes"](np.arange(N)).values() == pytest.approx(
        [accuracy(gold, guess), f1(gold, guess), matthews(gold, guess)]
    )
    gold, guess = CODES % 2
    assert MEASURES["two classes"](np.arange(N)).values()[1] == f1(gold, guess, "binary")
    labels = MEASURES["labels"](np.arange(N)).values()
    said = (CHANCES >= 0.5).astype(int)
    plain = [f1(LABELS, said, "micro"), f1(LABELS, said, "macro"), accuracy(LABELS, said)]
    assert labels == pytest.approx([*plain, roc_auc(LABELS, CHANCES)])
    assert MEASURES["numbers"](np.arange(N)).values() == pytest.approx(
        [pearson(*NUMBERS), spearman(*NUMBERS)]
    )
    entities = MEASURES["entities"](np.arange(N)).values()
    assert entities[0] == pytest.approx(entity_f1(*TAGS, BORDERS, NAMES))
    assert entities[1] == pytest.approx(entity_f1(*TAGS, BORDERS, NAMES, "strict"))
    assert entities[6] == pytest.approx(accuracy(*TAGS))
    assert MEASURES["tags"](np.arange(N)).values() == pytest.approx([accuracy(*TAGS), f1(*TAGS)])


def test_measures_of_other_rows_are_not_joined():
    with pytest.raises(InputError, match="of 12 against accuracy"):
        MEASURES["classes"](np.arange(N)).joined(MEASURES["classes"](np.arange(5)))
    with pytest.raises(InputError, match="the same rows"):
        MEASURES["classes"](np.arange(N)).joined(MEASURES["numbers"](np.arange(N)))
