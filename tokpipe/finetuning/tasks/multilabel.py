"""Multilabel: any number of classes of each text, or of each pair of texts."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.decode_texts import decode_texts
from tokpipe.finetuning.encode_texts import encode_texts
from tokpipe.finetuning.predictions import TextPredictions
from tokpipe.finetuning.task import Row, Task, Tuned
from tokpipe.finetuning.tasks.text_rows import about_rows
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.records import LabelledTexts
from tokpipe.labelled.texts import read_texts
from tokpipe.metrics.majority import majority_labels
from tokpipe.metrics.measures import THRESHOLD, Measure, label_measure
from tokpipe.metrics.scores import Scores, label_scores


def _read(
    path: str | Path, columns: TextColumns | None, names: tuple[str, ...] | None
) -> LabelledTexts:
    return read_texts(path, columns or TextColumns(), "several", names)


def _with_labels(data: LabelledTexts) -> NDArray[np.bool_]:
    return np.ones(len(data), bool)


def _shares(predictions: TextPredictions) -> NDArray[np.float32]:
    assert predictions.probabilities is not None
    return predictions.probabilities


def _usual(data: LabelledTexts) -> NDArray[np.int64]:
    return majority_labels(data.labels)


def _measure(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Measure:
    return label_measure(data.labels, _shares(predictions))


def _scores(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned, usual: Any) -> Scores:
    return label_scores(data.labels, _shares(predictions), data.names, majority=usual)


def _rows(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Iterator[Row]:
    for about, shares, gold in zip(
        about_rows(data), _shares(predictions).tolist(), data.labels.tolist(), strict=True
    ):
        pairs = list(zip(data.names, shares, gold, strict=True))
        yield {
            **about,
            "labels": [name for name, share, _ in pairs if share >= THRESHOLD],
            "probabilities": {name: share for name, share, _ in pairs},
            "gold": [name for name, _, holds in pairs if holds],
        }


TASK = Task(
    name="multilabel",
    head="text",
    problem="multilabel",
    data="texts",
    read=_read,
    with_labels=_with_labels,
    encode=encode_texts,
    decode=partial(decode_texts, problem="multilabel"),
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=_rows,
)
