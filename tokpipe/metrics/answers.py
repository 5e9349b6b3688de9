"""How well questions are answered: exact match, F1 over words, and when to say "no answer".

An answer counts without case, ASCII punctuation, English articles and spare white space. The two
versions of SQuAD differ where an answer has nothing else: version 2.0 takes an empty answer as the
gold one of a question that has none, and F1 with an empty side is 1 if both are empty.

References
----------
P. Rajpurkar et al.: SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP 2016.
P. Rajpurkar, R. Jia, P. Liang: Know What You Don't Know: Unanswerable Questions for SQuAD, 2018.
"""

import re
import string
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.doors import described
from tokpipe.foundation.errors import InputError
from tokpipe.metrics.columns import as_array, require_choice

Version = Literal["1.1", "2.0"]
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


class NullThreshold(NamedTuple):
    """When to say that a question has no answer."""

    threshold: float  # questions whose null score is above it are said to have no answer
    score: float  # the mean score that this comes to on the questions it was searched on


def normalized_answer(text: str) -> str:
    """Return what counts of an answer.

    Examples
    --------
    >>> normalized_answer(" The U.S.A.,  in an hour ")
    'usa in hour'
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, answers: Sequence[str], version: Version = "2.0") -> float:
    """Return 1 if a prediction is one of the gold answers, else 0.

    Parameters
    ----------
    prediction
        Empty: there is no answer.
    answers
        Gold answers of the question; none: it has none.

    Raises
    ------
    InputError
        If one is no text, or all of them are one; or the version is another.
    """
    golds = _gold(_texts(prediction, answers), version)
    found = normalized_answer(prediction)
    return float(any(found == gold for gold in golds))


def answer_f1(prediction: str, answers: Sequence[str], version: Version = "2.0") -> float:
    """Return F1 over the words of a prediction and the gold answer that it is nearest to.

    Parameters and errors are those of `exact_match`.

    Examples
    --------
    >>> round(answer_f1("in the old town", ["old town", "Lund"]), 2)
    0.8
    """
    golds = [gold.split() for gold in _gold(_texts(prediction, answers), version)]
    found = normalized_answer(prediction).split()
    return max((_overlap(found, gold, version) for gold in golds), default=0.0)


def answer_columns(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], version: Version = "2.0"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return exact match and F1 of every question.

    Returns
    -------
    exact, f1 : float64[Q]

    Raises
    ------
    InputError
        If there are no questions, or not as many predictions.
    """
    for name, column in (("predictions", predictions), ("answers", answers)):
        if isinstance(column, str) or not isinstance(column, Collection):
            raise InputError(f"the {name} are {described(column)}; a list of them is needed")
    if len(predictions) != len(answers):
        raise InputError(f"{len(answers):,} questions against {len(predictions):,} predictions")
    if not len(answers):
        raise InputError("nothing to score: no questions", hint="Give at least one question.")
    pairs = list(zip(predictions, answers, strict=True))
    exact = np.array([exact_match(*pair, version) for pair in pairs])
    return exact, np.array([answer_f1(*pair, version) for pair in pairs])


def best_null_threshold(
    scores: ArrayLike, null_scores: ArrayLike, answerable: ArrayLike, answered: ArrayLike
) -> NullThreshold:
    """Search the threshold of the null score with the best mean score.

    Parameters
    ----------
    scores : float[Q]
        Exact match or F1 of the best answer that is not empty.
    null_scores : float[Q]
        How much more likely no answer is than that answer; any scale.
    answerable : bool[Q]
        Whether the question has a gold answer.
    answered : bool[Q]
        Whether there is an answer that is not empty.

    Returns
    -------
    NullThreshold
        Questions with the same null score are never parted. Of equally good thresholds the lowest;
        if it is best to answer nothing, 0 or less.

    Raises
    ------
    InputError
        If there are no questions, lengths differ, or a score is NaN.
    """
    columns = [as_array("scores", one) for one in (scores, null_scores, answerable, answered)]
    _require_scores(columns)
    gain, nulls = (column.astype(np.float64) for column in columns[:2])
    has_gold, has_answer = (column.astype(np.bool_) for column in columns[2:])
    order = np.argsort(nulls, kind="stable")
    change = np.where(has_gold, gain, -1.0 * has_answer)[order]  # against saying "no answer"
    nulls = nulls[order]
    is_last = np.append(nulls[1:] > nulls[:-1], True)  # of equal null scores, infinite ones too
    reached = np.count_nonzero(~has_gold) + np.cumsum(change)[is_last]
    best = int(np.argmax(reached))
    if reached[best] <= np.count_nonzero(~has_gold):
        lowest = float(nulls[0])
        threshold = 0.0 if lowest > 0 else float(np.nextafter(lowest, -np.inf))
        return NullThreshold(threshold, np.count_nonzero(~has_gold) / len(nulls))
    return NullThreshold(float(nulls[is_last][best]), float(reached[best]) / len(nulls))


def _texts(prediction: Any, answers: Any) -> list[str]:
    """Return the gold answers, all of them texts as the prediction is."""
    if isinstance(answers, str) or not isinstance(answers, Iterable):
        raise InputError(f"the gold answers are {described(answers)}; a list of them is needed")
    golds = list(answers)
    for name, text in (("the prediction", prediction), *(("a gold answer", a) for a in golds)):
        if not isinstance(text, str):
            raise InputError(f"{name} is {described(text)}; a text is needed")
    return golds


def _gold(answers: Sequence[str], version: Version) -> list[str]:
    require_choice("version", version, get_args(Version))
    golds = [normalized_answer(answer) for answer in answers]
    return golds if version == "1.1" else [gold for gold in golds if gold] or [""]


def _overlap(found: list[str], gold: list[str], version: Version) -> float:
    if version == "2.0" and not (found and gold):
        return float(found == gold)
    shared = sum((Counter(found) & Counter(gold)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(found), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def _require_scores(columns: Sequence[NDArray]) -> None:
    if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1 or not columns[0].size:
        raise InputError("scores, null scores and answers are not of the same questions, or none")
    for column in columns:
        if column.dtype.kind not in "biuf":
            raise InputError(f"a score of a question is of type {column.dtype}; numbers are needed")
    if np.isnan(columns[0]).any() or np.isnan(columns[1]).any():
        raise InputError("a score of a question is NaN")
