"""Logits of tokens to answers: those of all windows of a question compete.

References
----------
google-research/bert, ``run_squad.py``: the n best, the longest answer, the score of no answer.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.examples import ContextWindows, Examples
from tokpipe.finetuning.predictions import AnswerPredictions
from tokpipe.foundation.arrays import Strings, padded, range_items
from tokpipe.labelled.records import Questions

_NOTHING = (*(np.zeros(0, np.int64) for _ in range(3)), np.zeros(0, np.float32))


class _Found(NamedTuple):
    """Answers that were found: of which question, where in its paragraph, and how good."""

    question: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: NDArray[np.float32]

    def at(self, index: NDArray) -> "_Found":
        return _Found(
            self.question[index], self.starts[index], self.ends[index], self.scores[index]
        )


def decode_questions(
    data: Questions,
    examples: Examples,
    logits: NDArray[np.float32],
    n_best: int = 20,
    longest_answer: int = 30,
) -> AnswerPredictions:
    """Return the best answers to each question.

    Parameters
    ----------
    data
        Q questions.
    examples
        Of them, T tokens.
    logits : float32[T, 2]
        That an answer begins, and that it ends with a token.
    n_best
        How many answers are kept.
    longest_answer
        Most tokens of one.
    """
    paragraphs = examples.paragraphs
    assert paragraphs is not None
    kept = np.flatnonzero(~paragraphs.placed)
    every = _all_found(examples, paragraphs, logits, (kept, n_best, longest_answer))
    found = _best(_distinct(every), n_best)
    borders = np.searchsorted(found.question, np.arange(len(data) + 1))
    has_any = np.diff(borders) > 0
    best = borders[:-1][has_any]
    start, end = np.zeros(len(data), np.int64), np.zeros(len(data), np.int64)
    score = np.full(len(data), -np.inf, np.float32)
    start[has_any], end[has_any] = found.starts[best], found.ends[best]
    score[has_any] = found.scores[best]
    null = logits[examples.offsets[kept]].sum(axis=1)
    of_row = np.searchsorted(examples.row[kept], np.arange(len(data)))
    return AnswerPredictions(
        start,
        end,
        score,
        np.minimum.reduceat(null, of_row) if len(null) else null,
        borders,
        found.starts,
        found.ends,
        found.scores,
        _probabilities(found, score),
    )


def answer_strings(
    data: Questions, predictions: AnswerPredictions, threshold: float | None = None
) -> Strings:
    """Cut the best answers out of their paragraphs.

    Parameters
    ----------
    threshold
        By how much no answer must score better than the best to be taken instead, which is an
        empty string; None: it never is.
    """
    sizes = np.where(is_answered(predictions, threshold), predictions.end - predictions.start, 0)
    begins = data.contexts.offsets[data.context_of] + predictions.start
    cut = data.contexts.data[range_items(begins, sizes)]
    return Strings(padded(cut), np.concatenate([[0], np.cumsum(sizes)]))


def null_lead(predictions: AnswerPredictions) -> NDArray[np.float64]:
    """Return how much better no answer scores than the best; infinite where there is none.

    Thresholds are as near to it as float64 allows: in float32 it would not be told from them.
    """
    return predictions.null_score.astype(np.float64) - predictions.score


def is_answered(predictions: AnswerPredictions, threshold: float | None) -> NDArray[np.bool_]:
    """Mark the questions (bool[Q]) that have an answer; `threshold` is that of `answer_strings`."""
    answered = np.diff(predictions.borders) > 0
    return answered if threshold is None else answered & (null_lead(predictions) <= threshold)


def null_probabilities(predictions: AnswerPredictions) -> NDArray[np.float64]:
    """Return how likely it is (float64[Q]), beside the answers kept, that there is none."""
    null = predictions.null_score.astype(np.float64)
    most = np.maximum(null, predictions.score)
    question = np.repeat(np.arange(len(null)), np.diff(predictions.borders))
    raised = np.exp(predictions.scores - most[question])
    null = np.exp(null - most)
    return null / (null + np.bincount(question, raised, minlength=len(null)))


def answer_probabilities(
    predictions: AnswerPredictions, threshold: float | None
) -> NDArray[np.float64]:
    """Return how likely (float64[Q]) that is which is said: the best answer, or that none is."""
    has_any = np.diff(predictions.borders) > 0
    best = np.zeros(len(has_any))
    best[has_any] = predictions.probabilities[predictions.borders[:-1][has_any]]
    null = null_probabilities(predictions)
    if threshold is not None:
        best *= 1 - null
    return np.where(is_answered(predictions, threshold), best, null)


def _all_found(
    examples: Examples,
    paragraphs: ContextWindows,
    logits: NDArray[np.float32],
    wanted: tuple[NDArray[np.int64], int, int],
) -> _Found:
    """Return the best answers of each window; some may be there twice."""
    windows, n_best, longest = wanted
    counts = paragraphs.last - paragraphs.first
    places = examples.offsets[:-1] + paragraphs.places
    beyond = np.full(longest - 1, -np.inf, np.float32)
    blank = paragraphs.spans[:, 0] == paragraphs.spans[:, 1]
    parts = [_NOTHING]
    for window in windows[counts[windows] > 0].tolist():
        begin, token, count = places[window], paragraphs.first[window], counts[window]
        start, end = logits[begin : begin + count].T
        is_blank = blank[token : token + count]
        if is_blank.any():  # no answer begins or ends with white space
            start, end = (np.where(is_blank, np.float32(-np.inf), side) for side in (start, end))
        first, last, scores = _best_pairs(start, np.concatenate([end, beyond]), n_best)
        parts.append((np.full(len(first), window), token + first, token + last, scores))
    window, first, last, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    starts, ends = paragraphs.spans[first, 0], paragraphs.spans[last, 1]
    return _Found(examples.row[window], starts.astype(np.int64), ends.astype(np.int64), scores)


def _best_pairs(
    start: NDArray[np.float32], end: NDArray[np.float32], n_best: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return first tokens, last tokens and scores of the best answers of a window.

    `end` goes as many tokens beyond `start` as an answer may have behind its first, at -inf.
    """
    longest = len(end) - len(start) + 1
    # end[i + j] at (i, j), without the checks that take numpy's function longer than the rest
    ends = np.ndarray((len(start), longest), np.float32, end, 0, end.strides * 2)
    scores = start[:, None] + ends
    first = _greatest(scores.max(axis=1), n_best)  # no other begins one of the best
    scores = scores[first].ravel()
    best = _greatest(scores, n_best)
    best = best[scores[best] > -np.inf]
    row, more = np.divmod(best, longest)
    return first[row], first[row] + more, scores[best]


def _greatest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return where the greatest of some values stand, in no order."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(values, len(values) - count)[-count:]


def _distinct(found: _Found) -> _Found:
    """Keep of equal answers to a question the best: windows overlap."""
    order = np.lexsort((-found.scores, found.ends, found.starts, found.question))
    found = found.at(order)
    same = np.ones(len(order), bool)
    same[:1] = False
    for column in found[:3]:
        same[1:] &= column[1:] == column[:-1]
    return found.at(~same)


def _best(found: _Found, n_best: int) -> _Found:
    """Sort the answers to each question, the best first, and keep so many."""
    found = found.at(np.lexsort((found.ends, found.starts, -found.scores, found.question)))
    rank = np.arange(len(found.question)) - np.searchsorted(found.question, found.question)
    return found.at(rank < n_best)


def _probabilities(found: _Found, best: NDArray[np.float32]) -> NDArray[np.float32]:
    raised = np.exp(found.scores.astype(np.float64) - best[found.question])
    sums = np.bincount(found.question, raised, minlength=len(best))
    return (raised / sums[found.question]).astype(np.float32)
