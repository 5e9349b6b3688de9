"""Scores as formulas over units that can be drawn again: rows, sentences, questions.

What is scored together is drawn together: words of one sentence are not independent, so entities
and tags are drawn by sentences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import InputError
from tokpipe.metrics.answers import Version, answer_columns
from tokpipe.metrics.classes import (
    ClassCounts,
    Formula,
    areas,
    class_counts,
    correlation_of,
    f1_of_each,
    label_f1,
    label_tables,
    macro_f1,
    ratio,
    share_right,
)
from tokpipe.metrics.columns import checked_classes, checked_labels, checked_numbers
from tokpipe.metrics.entities import checked_tags, entity_counts
from tokpipe.metrics.numbers import correlations, rank_correlations

Columns = tuple[NDArray, ...]
THRESHOLD = 0.5  # a label is said to be there from this probability


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """Some scores of one set of predictions."""

    names: tuple[str, ...]  # of the scores
    columns: Columns  # what each unit brings to them: arrays of n rows
    # from the columns to the scores as a function of weights: from float64[R, n], how often each
    # unit is there, to float64[k, R]
    prepare: Callable[[Columns], Formula]

    def __len__(self) -> int:
        return len(self.columns[0])

    def formula(self) -> Formula:
        """Return the scores as a function of weights."""
        return self.prepare(self.columns)

    def values(self) -> NDArray[np.float64]:
        """Return the scores (float64[k]) of the units as they are."""
        return self.formula()(np.ones((1, len(self))))[:, 0]

    def joined(self, other: "Measure") -> "Measure":
        """Return the measure over the units of both, these first.

        Raises
        ------
        InputError
            If the two are not of the same scores and the same number of units.
        """
        if self.names != other.names or len(self) != len(other):
            raise InputError(
                f"scores {', '.join(self.names)} of {len(self):,} against "
                f"{', '.join(other.names)} of {len(other):,}",
                hint="Compare predictions for the same rows.",
            )
        columns = tuple(map(np.concatenate, zip(self.columns, other.columns, strict=True)))
        return Measure(self.names, columns, self.prepare)


def class_measure(gold: ArrayLike, predicted: ArrayLike, classes: int) -> Measure:
    """Accuracy, F1 of the second class (if there are two), macro F1, Matthews' coefficient.

    Parameters
    ----------
    gold, predicted : int[N]
    classes
        How many there are.
    """
    require("classes", classes, int, optional=False)
    names = ("accuracy", *(("f1",) if classes == 2 else ()), "f1_macro", "matthews")
    return Measure(names, checked_classes(gold, predicted), partial(_class_scores, classes=classes))


def label_measure(gold: ArrayLike, probabilities: ArrayLike) -> Measure:
    """F1 micro and macro, the share of rows with all labels right, and ROC AUC (macro).

    Labels that all rows have, or none, have no area and are left out of the mean.

    Parameters
    ----------
    gold : uint8[N, C]
    probabilities : float[N, C]
    """
    names = ("f1_micro", "f1_macro", "accuracy", "roc_auc")
    return Measure(names, checked_labels(gold, probabilities), _label_scores)


def number_measure(gold: ArrayLike, predicted: ArrayLike) -> Measure:
    """Pearson's and Spearman's correlation.

    Parameters
    ----------
    gold, predicted : float[N]
    """
    return Measure(("pearson", "spearman"), checked_numbers(gold, predicted), _number_scores)


def entity_measure(
    gold: ArrayLike, predicted: ArrayLike, borders: ArrayLike, names: tuple[str, ...]
) -> Measure:
    """F1, precision and recall of entities, lenient and strict, and accuracy of the words' tags.

    Parameters are those of `entity_counts`.
    """
    truth, guess, starts = checked_tags(gold, predicted, borders, names)
    tables = [
        entity_counts(truth, guess, starts, names, mode).sum(2) for mode in ("lenient", "strict")
    ]
    columns = np.concatenate([*tables, _words(truth == guess, starts)]).T.astype(np.float64)
    scores = (
        "entity_f1",
        "entity_f1_strict",
        "entity_precision",
        "entity_recall",
        "entity_precision_strict",
        "entity_recall_strict",
        "token_accuracy",
    )
    return Measure(scores, (columns,), _entity_scores)


def tag_measure(
    gold: ArrayLike, predicted: ArrayLike, borders: ArrayLike, names: tuple[str, ...]
) -> Measure:
    """Accuracy of the words' tags and their macro F1; parameters as of `entity_counts`."""
    truth, guess, starts = checked_tags(gold, predicted, borders, names)
    sentence = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    right = np.where(truth == guess, truth, len(names))
    counts = [_tally(sentence, tags, len(starts) - 1, len(names)) for tags in (right, truth, guess)]
    return Measure(("token_accuracy", "f1_macro"), tuple(counts), _tag_scores)


def answer_measure(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], version: Version
) -> Measure:
    """Exact match and F1 of answers; parameters as of `answer_columns`."""
    columns = answer_columns(predictions, answers, version)
    return Measure(("exact_match", "answer_f1"), columns, _mean_scores)


def _class_scores(columns: Columns, classes: int) -> Formula:
    gold, predicted = columns

    def scored(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = class_counts(gold, predicted, weights, classes)
        of_second = [f1_of_each(counts)[:, 1]] if classes == 2 else []
        return np.stack([share_right(counts), *of_second, macro_f1(counts), correlation_of(counts)])

    return scored


def _label_scores(columns: Columns) -> Formula:
    gold, probabilities = columns
    predicted = (probabilities >= THRESHOLD).astype(np.int64)
    tables = label_tables(gold, predicted)
    all_right = (gold == predicted).all(1).astype(np.float64)
    areas_of = areas(gold, probabilities)

    def scored(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = ClassCounts(*(weights @ table for table in tables))
        found = areas_of(weights)
        known = ~np.isnan(found)
        area = ratio(np.where(known, found, 0.0).sum(0), known.sum(0).astype(np.float64))
        area[~known.any(0)] = np.nan
        rows = ratio(weights @ all_right, weights.sum(1))
        return np.stack([label_f1(counts, "micro"), label_f1(counts, "macro"), rows, area])

    return scored


def _number_scores(columns: Columns) -> Formula:
    pair = correlations(*columns), rank_correlations(*columns)
    return lambda weights: np.stack([score(weights) for score in pair])


def _entity_scores(columns: Columns) -> Formula:
    def scored(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = (weights @ columns[0]).T
        (hits, gold, found), (strict_hits, strict_gold, strict_found) = sums[:3], sums[3:6]
        return np.stack(
            [
                ratio(2 * hits, gold + found),
                ratio(2 * strict_hits, strict_gold + strict_found),
                ratio(hits, found),
                ratio(hits, gold),
                ratio(strict_hits, strict_found),
                ratio(strict_hits, strict_gold),
                ratio(sums[6], sums[7]),
            ]
        )

    return scored


def _tag_scores(columns: Columns) -> Formula:
    def scored(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = ClassCounts(*(weights @ column for column in columns))
        return np.stack([share_right(counts), macro_f1(counts)])

    return scored


def _mean_scores(columns: Columns) -> Formula:
    def scored(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = weights.sum(1)
        return np.stack([np.einsum("rn,n->r", weights, column) / whole for column in columns])

    return scored


def _words(right: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    # int64[2, S]: of each sentence the words with the right tag, and all
    before = np.concatenate([[0], np.cumsum(right)])
    return np.stack([np.diff(before[starts]), np.diff(starts)])


def _tally(
    sentence: NDArray[np.int64], tags: NDArray[np.int64], sentences: int, kinds: int
) -> NDArray[np.float64]:
    # float64[S, kinds]: how often each tag is in each sentence; tag `kinds` is not counted
    cells = sentence * (kinds + 1) + tags
    counts = np.bincount(cells, minlength=sentences * (kinds + 1)).reshape(sentences, kinds + 1)
    return counts[:, :kinds].astype(np.float64)
