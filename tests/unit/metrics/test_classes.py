"""Scores of classes: numbers worked out by hand, and each edge."""

from functools import partial

import numpy as np
import pytest

from tokpipe.foundation.errors import InputError, TokpipeError
from tokpipe.metrics.bootstrap import interval
from tokpipe.metrics.classes import (
    accuracy,
    class_rows,
    confusion,
    f1,
    matthews,
    roc_auc,
    roc_auc_of_each,
)
from tokpipe.metrics.entities import entity_f1
from tokpipe.metrics.measures import class_measure
from tokpipe.metrics.numbers import pearson, spearman
from tokpipe.metrics.paired import paired_test
from tokpipe.metrics.scores import answer_scores

ONE = class_measure([0, 1], [0, 1], 2)

# gold, predicted: accuracy, F1 of class 1, macro, micro, Matthews
TABLE = {
    "all right": ([0, 1, 1], [0, 1, 1], (1, 1, 1, 1, 1)),
    "all wrong": ([0, 1], [1, 0], (0, 0, 0, 0, -1)),
    "two classes": ([1, 1, 0, 0], [1, 0, 0, 0], (0.75, 2 / 3, (2 / 3 + 0.8) / 2, 0.75, 3**-0.5)),
    "one class only": ([0, 0], [0, 0], (1, 0, 1, 1, 0)),
    "the other class only": ([1, 1], [1, 1], (1, 1, 1, 1, 0)),
    "constant predictions": ([0, 1, 1, 1], [1, 1, 1, 1], (0.75, 6 / 7, 3 / 7, 0.75, 0)),
    "a class that only gold has": ([0, 2, 0], [0, 0, 0], (2 / 3, 0, 0.4, 2 / 3, 0)),
    "a class that only predictions have": ([0, 0, 0], [0, 2, 0], (2 / 3, 0, 0.4, 2 / 3, 0)),
    "a class that neither has": ([0, 2], [0, 2], (1, 0, 1, 1, 1)),
    "one row": ([3], [3], (1, 0, 1, 1, 0)),
}


@pytest.mark.parametrize("case", TABLE)
def test_classes_score_as_worked_out_by_hand(case):
    gold, predicted, expected = TABLE[case]
    found = (
        accuracy(gold, predicted),
        f1(gold, predicted, "binary"),
        f1(gold, predicted, "macro"),
        f1(gold, predicted, "micro"),
        matthews(gold, predicted),
    )
    assert found == pytest.approx(expected, abs=1e-15)


def test_the_positive_class_is_the_one_that_is_named():
    assert f1([2, 0, 2], [2, 2, 0], "binary", positive=2) == 0.5
    assert f1([2, 0, 2], [2, 2, 0], "binary", positive=0) == 0.0


def test_several_labels_a_row_count_by_label_and_by_decision():
    gold = [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    predicted = [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert accuracy(gold, predicted) == pytest.approx(1 / 3)
    assert f1(gold, predicted, "micro") == pytest.approx(2 / 3)
    assert f1(gold, predicted, "macro") == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)  # none: 0


def test_the_area_counts_pairs_that_stand_right_and_ties_half():
    gold = [[1], [1], [0], [0]]
    assert roc_auc(gold, [[0.9], [0.5], [0.5], [0.1]]) == 0.875
    assert roc_auc(gold, [[0.3]] * 4) == 0.5


@pytest.mark.parametrize("label", [0, 1])
def test_a_label_of_one_kind_has_no_area_and_the_mean_has_none(label):
    gold = [[1, label], [0, label]]
    scores = [[0.9, 0.1], [0.2, 0.3]]
    assert roc_auc_of_each(gold, scores)[0] == 1.0
    assert np.isnan(roc_auc_of_each(gold, scores)[1]) and np.isnan(roc_auc(gold, scores))


def test_confusion_has_gold_classes_as_rows():
    table = confusion([0, 0, 1, 2], [0, 1, 1, 0], 4)
    assert table.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_each_class_has_its_row_whether_it_is_there_or_not():
    rows = class_rows([0, 0, 1, 1], [0, 1, 1, 1], ("no", "yes", "perhaps"))
    assert [row.name for row in rows] == ["no", "yes", "perhaps"]
    assert rows[0][1:] == pytest.approx((1.0, 0.5, 2 / 3, 2))
    assert rows[1][1:] == pytest.approx((2 / 3, 1.0, 0.8, 2))
    assert rows[2][1:] == (0.0, 0.0, 0.0, 0)
    many = class_rows([[1, 0], [1, 1]], [[1, 0], [0, 1]], ("a", "b"))
    assert many[0][1:] == pytest.approx((1.0, 0.5, 2 / 3, 2)) and many[1].f1 == 1.0


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint8, np.bool_])
def test_any_integers_are_class_numbers(kind):
    gold, predicted = np.array([0, 1, 1], kind), np.array([0, 1, 0], kind)
    assert accuracy(gold, predicted) == pytest.approx(2 / 3)
    assert f1(gold, predicted, "binary") == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", [accuracy, f1, matthews])
@pytest.mark.parametrize(
    ("gold", "predicted", "said"),
    [
        ([], [], "nothing to score"),
        ([0, 1], [0], "shape"),
        ([0, -1], [0, 0], "row 2 is -1"),
        ([0, 0], [-1, 0], "predicted label of row 1"),
        ([0.0, np.nan], [0, 0], "no finite number"),
        ([0, 1], [0.5, 1.0], "integers"),
        (["a"], ["a"], "integers"),
        ([[[0]]], [[[0]]], "dimensions"),
        ([[2]], [[1]], "there (1) or not (0)"),
    ],
)
def test_what_cannot_be_scored_is_said(score, gold, predicted, said):
    with pytest.raises(InputError) as caught:
        score(gold, predicted)
    assert said in str(caught.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_probability_that_is_no_number_is_an_error_with_its_row(wrong):
    with pytest.raises(InputError, match="predicted value of row 2"):
        roc_auc([[1], [0]], [[0.5], [wrong]])


def test_a_class_without_a_name_is_an_error():
    with pytest.raises(InputError, match="number 2; there are 2"):
        class_rows([0, 2], [0, 1], ("a", "b"))
    with pytest.raises(InputError, match="number 3; there are 3"):
        confusion([0], [3], 3)


def test_one_class_is_not_asked_of_several_labels():
    with pytest.raises(InputError, match="several labels"):
        f1([[1, 0]], [[1, 0]], "binary")
    with pytest.raises(InputError, match="several labels"):
        matthews([[1, 0]], [[1, 0]])


@pytest.mark.parametrize("gold", [[0, 1], [[0, 1], [1, 1]]])
def test_an_average_that_nobody_knows_is_refused(gold):
    with pytest.raises(InputError, match="average='weighted' is not one of 'binary'"):
        f1(gold, gold, "weighted")


RAGGED = [[1], [1, 0]]


@pytest.mark.parametrize(
    "score",
    [accuracy, f1, matthews, pearson, spearman, roc_auc, partial(confusion, classes=2)],
)
def test_rows_of_several_lengths_are_refused(score):
    with pytest.raises(InputError, match="rows of several lengths"):
        score(RAGGED, RAGGED)


def test_numbers_of_classes_may_be_far_apart():
    gold, said = [10**12, 3, 10**12, 7], [10**12, 3, 7, 7]
    for average in ("macro", "micro"):
        assert f1(gold, said, average) == f1([2, 0, 2, 1], [2, 0, 1, 1], average)
    assert matthews(gold, said) == matthews([2, 0, 2, 1], [2, 0, 1, 1])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: f1([0], [0], "binary", positive="1"), "positive is a str"),
        (lambda: confusion([0], [0], "2"), "classes is a str"),
        (lambda: class_rows([0], [0], None), "names is None"),
        (lambda: class_rows([0], [0], "ab"), "names is a str"),
        (lambda: class_rows([[1, 0]], [[1, 0]], ("a", "b", "c")), "2 labels a row .* 3 names"),
        (lambda: class_measure([[1]], [[1]], 2), "several labels a row are given"),
        (lambda: class_measure([1], [1], "2"), "classes is a str"),
        (lambda: entity_f1([0], [0], ["a"], ("O",)), "borders are a list"),
        (lambda: entity_f1([0], [0], None, ("O",)), "borders are None"),
        (lambda: entity_f1([0], [0], [0, 1], None), "names of tags are None"),
        (lambda: entity_f1([0], [0], [0, 1], ("O",), "loose"), "mode='loose' is not one of"),
        (lambda: interval(len, 0), "units=0; 1 or more"),
        (lambda: interval(len, 2, rounds=0), "rounds=0; 1 or more"),
        (lambda: interval(len, 2, level=2), "level=2 is no share"),
        (lambda: interval(len, 2, seed=None), "seed is None"),
        (lambda: paired_test(ONE, ONE, rounds=0), "rounds=0; 1 or more"),
        (lambda: paired_test(ONE, None), "second is None"),
        (lambda: paired_test(ONE, ONE, seed="x"), "seed is a str"),
        (lambda: answer_scores("ab", [["a"], ["b"]]), "the predictions are a str"),
    ],
)
def test_what_is_given_in_place_of_something_else_is_named(call, said):
    with pytest.raises(TokpipeError, match=said):
        call()
