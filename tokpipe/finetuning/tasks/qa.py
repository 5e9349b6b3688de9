"""Questions: where a paragraph answers, or that it does not."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.decode_questions import (
    answer_probabilities,
    answer_strings,
    decode_questions,
    null_lead,
)
from tokpipe.finetuning.encode_questions import encode_questions
from tokpipe.finetuning.predictions import AnswerPredictions
from tokpipe.finetuning.task import Row, Task, Tuned
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.records import Questions
from tokpipe.metrics.answers import answer_f1, best_null_threshold
from tokpipe.metrics.measures import Measure, answer_measure
from tokpipe.metrics.scores import Scores, answer_scores

THRESHOLD = "null_threshold"
_MOST_EPOCHS = 5  # each question is read with all windows of its paragraph


def _read(path: str | Path, columns: None, names: tuple[str, ...] | None) -> Questions:
    return read_questions(path)


def _with_labels(data: Questions) -> NDArray[np.bool_]:
    return np.ones(len(data), bool)


def gold_answers(data: Questions) -> list[list[str]]:
    """Return the right answers of each question."""
    texts = data.answers.to_arrow().to_pylist()
    return [texts[first:last] for first, last in pairwise(data.answer_borders.tolist())]


def _tune(data: Questions, predictions: AnswerPredictions) -> Tuned:
    """Search from which score on no answer is the answer, where questions have none."""
    golds, texts = gold_answers(data), answer_strings(data, predictions).to_arrow().to_pylist()
    if all(golds):
        return {}
    gains = [answer_f1(text, gold, "2.0") for text, gold in zip(texts, golds, strict=True)]
    best = best_null_threshold(
        gains,
        null_lead(predictions),
        np.array([bool(gold) for gold in golds]),
        np.array([bool(text) for text in texts]),
    )
    return {THRESHOLD: best.threshold}


def _said(data: Questions, predictions: AnswerPredictions, tuned: Tuned) -> list[str]:
    return answer_strings(data, predictions, tuned.get(THRESHOLD)).to_arrow().to_pylist()


def _usual(data: Questions) -> None:
    """Return nothing: no answer is what the score is compared with."""


def _measure(data: Questions, predictions: AnswerPredictions, tuned: Tuned) -> Measure:
    golds = gold_answers(data)
    version = "1.1" if all(golds) else "2.0"
    return answer_measure(_said(data, predictions, tuned), golds, version)


def _scores(data: Questions, predictions: AnswerPredictions, tuned: Tuned, usual: Any) -> Scores:
    return answer_scores(_said(data, predictions, tuned), gold_answers(data))


def _rows(data: Questions, predictions: AnswerPredictions, tuned: Tuned) -> Iterator[Row]:
    texts, ids = _said(data, predictions, tuned), data.ids.to_arrow().to_pylist()
    shares = answer_probabilities(predictions, tuned.get(THRESHOLD)).tolist()
    starts = predictions.start.tolist()
    for row, (text, gold) in enumerate(zip(texts, gold_answers(data), strict=True)):
        where = {"start_byte": starts[row]} if text else {}
        yield {
            "row": row,
            "id": ids[row],
            "answer": text,
            "probability": shares[row],
            **where,
            "gold": gold,
        }


TASK = Task(
    name="qa",
    head="span",
    data="questions",
    most_epochs=_MOST_EPOCHS,
    read=_read,
    with_labels=_with_labels,
    encode=encode_questions,
    decode=decode_questions,
    tune=_tune,
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=_rows,
)
