"""The scores of a set of predictions, with what is needed to believe them.

Beside each score stands its 95 % bootstrap interval, beside the first what the majority comes to,
and in `notes` each rule that was used for what is not defined.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.bootstrap import interval
from tokpipe.metrics.classes import class_rows, require_names
from tokpipe.metrics.majority import majority_class, majority_labels
from tokpipe.metrics.measures import (
    Measure,
    answer_measure,
    class_measure,
    entity_measure,
    label_measure,
    number_measure,
    tag_measure,
)


class Score(NamedTuple):
    """One score, from 0 (or -1) to 1, with its 95 % bootstrap interval; NaN: not defined."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What predictions are worth.

    Attributes
    ----------
    n
        Rows, words or questions that were scored.
    scores
        The first is the one by which models are chosen.
    majority
        The first score of always giving the most frequent answer; NaN where it is not defined.
    notes
        What is not defined, and what was taken for it.
    """

    n: int
    scores: tuple[Score, ...]
    majority: float
    notes: tuple[str, ...] = ()

    @property
    def best_by(self) -> float:
        """The first score, by which models are chosen; minus infinity where it is not defined."""
        value = self.scores[0].value
        return -math.inf if math.isnan(value) else value

    def __getitem__(self, name: str) -> Score:
        return {score.name: score for score in self.scores}[name]

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types; what is not defined is None."""
        table = {
            score.name: {
                "value": _plain(score.value),
                "low": _plain(score.low),
                "high": _plain(score.high),
            }
            for score in self.scores
        }
        return {
            "n": self.n,
            "majority": _plain(self.majority),
            "scores": table,
            "notes": list(self.notes),
        }


def class_scores(
    gold: ArrayLike,
    predicted: ArrayLike,
    names: tuple[str, ...],
    *,
    majority: int | None = None,
    first: str = "accuracy",
    seed: int = 0,
) -> Scores:
    """Score one class a row.

    Parameters
    ----------
    gold, predicted : int[N]
        Index into `names`.
    names
        Of the classes; F1 of two is that of the second.
    majority
        The most frequent class of the training part; None: of the gold labels.
    first
        Which score stands first: "accuracy", "f1" (two classes), "f1_macro" or "matthews".
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    rows = class_rows(gold, predicted, names)
    measure = class_measure(gold, predicted, len(names))
    said = majority_class(gold) if majority is None else majority
    guessing = class_measure(gold, np.full(len(measure), said), len(names))
    absent = [row.name for row in rows if not row.support]
    missed = [row.name for row in rows if row.support and not row.recall and not row.precision]
    notes = (
        _listed("no gold label is {}: recall is taken to be 0", absent),
        _listed("never predicted rightly: {}; F1 is 0", missed),
    )
    return score_measure(measure, guessing, len(measure), notes=notes, first=first, seed=seed)


def label_scores(
    gold: ArrayLike,
    probabilities: ArrayLike,
    names: tuple[str, ...],
    *,
    majority: ArrayLike | None = None,
    seed: int = 0,
) -> Scores:
    """Score any number of labels a row.

    Parameters
    ----------
    gold : uint8[N, C]
    probabilities : float[N, C]
        A label is predicted from 0.5.
    names
        Of the labels.
    majority : int[C]
        Whether most rows of the training part have a label; None: of the gold ones.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If the tables cannot be scored.
    """
    measure = label_measure(gold, probabilities)
    truth = measure.columns[0]
    require_names(truth, names)
    said = majority_labels(truth) if majority is None else np.asarray(majority)
    require_names(np.atleast_2d(said), names)
    guessing = label_measure(truth, np.broadcast_to(said, truth.shape).astype(np.float64))
    share = truth.mean(axis=0)
    flat = [name for name, part in zip(names, share, strict=True) if part in (0.0, 1.0)]
    notes = (_listed("no ROC AUC, all rows or none have it, left out of the mean: {}", flat),)
    return score_measure(measure, guessing, len(measure), notes=notes, seed=seed)


def number_scores(gold: ArrayLike, predicted: ArrayLike, *, seed: int = 0) -> Scores:
    """Score a number a row; the majority's place is taken by one number for all: no correlation.

    Parameters
    ----------
    gold, predicted : float[N]
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    measure = number_measure(gold, predicted)
    sides = zip(("gold numbers", "predictions"), measure.columns, strict=True)
    flat = [side for side, column in sides if column.min() == column.max()]
    notes = (_listed("no correlation is defined, all are the same: {}", flat),)
    return score_measure(measure, 0.0, len(measure), notes=notes, seed=seed)


def entity_scores(
    gold: ArrayLike,
    predicted: ArrayLike,
    borders: ArrayLike,
    names: tuple[str, ...],
    *,
    seed: int = 0,
) -> Scores:
    """Score entities; the majority is O for every word.

    Parameters
    ----------
    gold, predicted : int[W]
        Index into `names`.
    borders : int[S + 1]
        Of the sentences.
    names
        Of the tags: ``O``, ``B-PER`` ….
    seed
        Of the bootstrap, over sentences.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    measure = entity_measure(gold, predicted, borders, names)
    there = bool(measure.columns[0][:, 1].sum())
    notes = ("" if there else "no gold entity: F1 is 0",)
    return score_measure(measure, 0.0, np.asarray(gold).size, notes=notes, seed=seed)


def tag_scores(
    gold: ArrayLike,
    predicted: ArrayLike,
    borders: ArrayLike,
    names: tuple[str, ...],
    *,
    majority: int | None = None,
    seed: int = 0,
) -> Scores:
    """Score a tag a word, such as parts of speech.

    Parameters
    ----------
    gold, predicted, borders, names, seed
        As in `entity_scores`.
    majority
        The most frequent tag of the training part; None: of the gold ones.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    measure = tag_measure(gold, predicted, borders, names)
    said = majority_class(gold) if majority is None else majority
    guessing = tag_measure(gold, np.full(np.shape(gold), said), borders, names)
    return score_measure(measure, guessing, np.asarray(gold).size, seed=seed)


def answer_scores(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], *, seed: int = 0
) -> Scores:
    """Score answers; the majority says of each question that it has none.

    Parameters
    ----------
    predictions
        One a question; empty: no answer.
    answers
        Gold ones of each question; where one has none, the rules of SQuAD 2.0 hold, else of 1.1.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If there are no questions, or not as many predictions.
    """
    version = "1.1" if all(answers) else "2.0"
    measure = answer_measure(predictions, answers, version)
    guessing = answer_measure([""] * len(answers), answers, version)
    return score_measure(measure, guessing, len(measure), seed=seed)


def score_measure(
    measure: Measure,
    majority: Measure | float,
    n: int,
    *,
    notes: Sequence[str] = (),
    first: str = "",
    seed: int = 0,
) -> Scores:
    """Compute scores, their intervals, and the majority's first score.

    Parameters
    ----------
    measure
        What is scored.
    majority
        The same of the majority's predictions, or its first score.
    n
        How many rows, words or questions there are.
    notes
        What is said beside; empty ones are left out.
    first
        Name of the score that stands first; empty: as the measure has them.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If `first` is none of the scores.
    """
    first = first or measure.names[0]
    if first not in measure.names:
        raise InputError(f"score {first!r} is none of {', '.join(measure.names)}")
    order = sorted(range(len(measure.names)), key=lambda i: measure.names[i] != first)
    table = np.stack([measure.values(), *interval(measure.formula(), len(measure), seed=seed)])
    scores = tuple(Score(measure.names[i], *table[:, i].tolist()) for i in order)
    if isinstance(majority, Measure):
        majority = float(majority.values()[order[0]])
    return Scores(n=n, scores=scores, majority=majority, notes=tuple(filter(None, notes)))


def _listed(sentence: str, names: Sequence[str]) -> str:
    most = 5
    if not names:
        return ""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return sentence.format(", ".join(names[:most]) + more)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
