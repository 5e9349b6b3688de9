"""How well classes are predicted: accuracy, F1, Matthews' coefficient, ROC AUC, confusion.

Where a quotient has nothing below the line it is 0, as in scikit-learn: a class that is neither
predicted nor there has precision, recall and F1 of 0. All formulas take many weighted versions of
the rows at once, which is what the bootstrap asks for.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import InputError
from tokpipe.metrics.columns import (
    checked_classes,
    checked_codes,
    checked_labels,
    require_choice,
)

Formula = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # from weights of the rows
Average = Literal["binary", "macro", "micro"]


class ClassCounts(NamedTuple):
    """How often each class is predicted rightly, there, and predicted."""

    # `hits`, `gold`, `predicted`: float64[..., C]: one entry a class; as many versions as there are
    # sets of weights
    hits: NDArray[np.float64]
    gold: NDArray[np.float64]
    predicted: NDArray[np.float64]


class ClassRow(NamedTuple):
    """How well one class is predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def accuracy(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of rows that are right, of several labels a row all of them.

    Parameters
    ----------
    gold, predicted : int[N] | uint8[N, C]

    Raises
    ------
    InputError
        If the columns cannot be scored (see `checked_codes`).

    Examples
    --------
    >>> accuracy([0, 1, 2, 2], [0, 2, 2, 2])
    0.75
    """
    truth, guess = checked_codes(gold, predicted)
    right = truth == guess
    return float(np.mean(right if right.ndim == 1 else right.all(axis=1)))


def f1(
    gold: ArrayLike, predicted: ArrayLike, average: Average = "macro", *, positive: int = 1
) -> float:
    """Return the harmonic mean of precision and recall.

    Parameters
    ----------
    gold, predicted : int[N] | uint8[N, C]
    average
        "binary": of the class `positive`; "macro": the mean over the classes that are there or
        predicted (of several labels a row: over all labels); "micro": of all decisions together,
        which for one class a row is the accuracy.

    Raises
    ------
    InputError
        If the columns cannot be scored, or "binary" is asked of several labels a row.

    Examples
    --------
    >>> round(f1([0, 0, 1, 2], [0, 1, 1, 0], "macro"), 4)
    0.3889
    """
    require_choice("average", average, get_args(Average))
    require("positive", positive, int, optional=False)
    truth, guess = checked_codes(gold, predicted)
    ones = np.ones((1, len(truth)))
    if truth.ndim == 2:
        if average == "binary":
            raise InputError("F1 of one class is asked of several labels a row")
        return float(label_f1(label_counts(truth, guess), average)[0])
    if average == "binary":
        truth, guess = (truth == positive).astype(np.int64), (guess == positive).astype(np.int64)
    else:
        truth, guess = _without_gaps(truth, guess)
    counts = class_counts(truth, guess, ones)
    if average == "binary":
        per_class = f1_of_each(counts)[0]
        return float(per_class[1]) if len(per_class) > 1 else 0.0
    return float(macro_f1(counts)[0] if average == "macro" else share_right(counts)[0])


def matthews(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return Matthews' correlation coefficient, of any number of classes; 0 for one class alone.

    Parameters
    ----------
    gold, predicted : int[N]

    Raises
    ------
    InputError
        If the columns cannot be scored.

    References
    ----------
    J. Gorodkin: Comparing two K-category assignments by a K-category correlation coefficient,
    Computational Biology and Chemistry 28, 2004.

    Examples
    --------
    >>> matthews([1, 1, 0, 0], [1, 0, 0, 0]).__round__(4)
    0.5774
    """
    truth, guess = _without_gaps(*checked_classes(gold, predicted))
    return float(correlation_of(class_counts(truth, guess, np.ones((1, len(truth)))))[0])


def roc_auc_of_each(gold: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return of each label how often a row with it is ranked above a row without it.

    Parameters
    ----------
    gold : uint8[N, C]
    probabilities : float[N, C]

    Returns
    -------
    float64[C]
        NaN for a label that all rows have, or none.

    Raises
    ------
    InputError
        If the tables cannot be scored.
    """
    truth, scores = checked_labels(gold, probabilities)
    return areas(truth, scores)(np.ones((1, len(truth))))[:, 0]


def roc_auc(gold: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean over the labels of `roc_auc_of_each`; NaN if one of them has none.

    Examples
    --------
    >>> roc_auc([[1, 0], [0, 1], [1, 1]], [[0.9, 0.2], [0.1, 0.6], [0.8, 0.1]])
    0.75
    """
    return float(roc_auc_of_each(gold, probabilities).mean())


def confusion(gold: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count which class is taken for which.

    Parameters
    ----------
    gold, predicted : int[N]
    classes
        How many there are.

    Returns
    -------
    int64[classes, classes]
        A row a gold class, a column a predicted one.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    require("classes", classes, int, optional=False)
    truth, guess = checked_classes(gold, predicted)
    _require_known(classes, truth, guess)
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def class_rows(
    gold: ArrayLike, predicted: ArrayLike, names: tuple[str, ...]
) -> tuple[ClassRow, ...]:
    """Return precision, recall, F1 and number of rows of each class or label.

    Parameters
    ----------
    gold, predicted : int[N] | uint8[N, C]
    names
        Of all classes, in the order of their numbers.

    Raises
    ------
    InputError
        If the columns cannot be scored, or hold a class without a name.
    """
    require("names", names, tuple, list, optional=False)
    truth, guess = checked_codes(gold, predicted)
    ones = np.ones((1, len(truth)))
    if truth.ndim == 2:
        require_names(truth, names)
        return rows_of(label_counts(truth, guess), names)
    _require_known(len(names), truth, guess)
    return rows_of(class_counts(truth, guess, ones, len(names)), names)


def rows_of(counts: ClassCounts, names: tuple[str, ...]) -> tuple[ClassRow, ...]:
    """Return the row of each class from the counts of one version."""
    precision = ratio(counts.hits, counts.predicted)[0].tolist()
    recall = ratio(counts.hits, counts.gold)[0].tolist()
    support = counts.gold[0].astype(np.int64).tolist()
    columns = zip(names, precision, recall, f1_of_each(counts)[0].tolist(), support, strict=True)
    return tuple(ClassRow(*row) for row in columns)


def class_counts(
    gold: NDArray[np.int64],
    predicted: NDArray[np.int64],
    weights: NDArray[np.float64],
    classes: int = 0,
) -> ClassCounts:
    """Count hits, gold labels and predictions of each class, each row as often as it weighs.

    Parameters
    ----------
    gold, predicted : int64[N]
    weights : float64[R, N]
        R versions of the rows: how often each is there.
    classes
        How many there are at least.

    Returns
    -------
    ClassCounts
        float64[R, C] each.
    """
    classes = max(classes, int(gold.max()) + 1, int(predicted.max()) + 1)
    versions = np.arange(len(weights))[:, None]

    def summed(codes: NDArray[np.int64], kinds: int) -> NDArray[np.float64]:
        cells = (versions * kinds + codes).ravel()
        sums = np.bincount(cells, weights=weights.ravel(), minlength=len(weights) * kinds)
        return sums.astype(np.float64, copy=False).reshape(-1, kinds)

    right = np.where(gold == predicted, gold, classes)  # all that is wrong in one cell more
    hits = summed(right, classes + 1)[:, :classes]
    return ClassCounts(hits, summed(gold, classes), summed(predicted, classes))


def label_counts(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> ClassCounts:
    """Count as `class_counts` does, of any number of labels a row, in one version.

    Parameters
    ----------
    gold, predicted : int64[N, C]

    Returns
    -------
    ClassCounts
        float64[1, C] each.
    """
    tables = label_tables(gold, predicted)
    return ClassCounts(*(table.sum(axis=0, keepdims=True) for table in tables))


def label_tables(
    gold: NDArray[np.int64], predicted: NDArray[np.int64]
) -> tuple[NDArray[np.float64], ...]:
    """Return what the counts are sums of: hits, gold labels and predictions, float64[N, C]."""
    return tuple(table.astype(np.float64) for table in (gold & predicted, gold, predicted))


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole != 0)


def share_right(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the accuracy of each version, float64[R]."""
    return ratio(counts.hits.sum(-1), counts.gold.sum(-1))


def f1_of_each(counts: ClassCounts) -> NDArray[np.float64]:
    """Return F1 of each version and class, float64[R, C]."""
    return ratio(2 * counts.hits, counts.gold + counts.predicted)


def macro_f1(counts: ClassCounts) -> NDArray[np.float64]:
    """Return the mean F1 over the classes that are there or predicted, float64[R]."""
    seen = np.count_nonzero(counts.gold + counts.predicted, axis=-1)
    return ratio(f1_of_each(counts).sum(-1), np.asarray(seen, np.float64))


def label_f1(counts: ClassCounts, average: Average) -> NDArray[np.float64]:
    """Return F1 of several labels a row: "macro" over all labels, or "micro", float64[R]."""
    if average == "macro":
        return f1_of_each(counts).mean(-1)
    return ratio(2 * counts.hits.sum(-1), counts.gold.sum(-1) + counts.predicted.sum(-1))


def correlation_of(counts: ClassCounts) -> NDArray[np.float64]:
    """Return Matthews' coefficient of each version, float64[R]."""
    rows = counts.gold.sum(-1)
    together = counts.hits.sum(-1) * rows - (counts.gold * counts.predicted).sum(-1)
    of_gold = rows**2 - (counts.gold**2).sum(-1)
    of_predicted = rows**2 - (counts.predicted**2).sum(-1)
    return ratio(together, np.sqrt(of_gold * of_predicted))


def areas(gold: NDArray[np.int64], scores: NDArray[np.float64]) -> Formula:
    """Return the area under the ROC curve of each label as a function of the rows' weights.

    Parameters
    ----------
    gold : int64[N, C]
    scores : float64[N, C]
        Equal ones count half.

    Returns
    -------
    Formula
        From weights (float64[R, N]) to float64[C, R]; NaN where there are rows of one kind only.
    """
    of_each = [_area(gold[:, c], scores[:, c]) for c in range(gold.shape[1])]
    return lambda weights: np.stack([area(weights) for area in of_each])


def _area(gold: NDArray[np.int64], scores: NDArray[np.float64]) -> Formula:
    # by the ranks of the rows that have the label (Mann and Whitney), all multiples of a half
    order = np.argsort(scores, kind="stable")
    ranked, there = scores[order], np.flatnonzero(gold[order])
    ends = [np.searchsorted(ranked, ranked[there], side=side) for side in ("left", "right")]

    def area(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        before = np.zeros((len(weights), len(order) + 1))
        np.cumsum(np.take(weights, order, axis=1), axis=1, out=before[:, 1:])
        middle = (np.take(before, ends[0], axis=1) + np.take(before, ends[1], axis=1)) / 2
        own = np.take(weights, order[there], axis=1)
        positive = own.sum(1)
        above = (own * middle).sum(1) - positive**2 / 2
        pairs = positive * (before[:, -1] - positive)
        return np.where(pairs > 0, ratio(above, pairs), np.nan)

    return area


def require_names(table: NDArray, names: Sequence[str]) -> None:
    """Refuse names that are not as many as the labels of a row."""
    if table.shape[1] != len(names):
        raise InputError(f"{table.shape[1]} labels a row are given, and {len(names)} names")


def _without_gaps(*columns: NDArray) -> list[NDArray]:
    """Give the classes that are there numbers from 0: memory is taken for each number."""
    codes = np.unique(np.concatenate(columns), return_inverse=True)[1]
    return np.split(codes, len(columns))


def _require_known(classes: int, *columns: NDArray) -> None:
    highest = max(int(column.max()) for column in columns)
    if highest >= classes:
        raise InputError(f"a class has number {highest}; there are {classes} classes, from 0")
