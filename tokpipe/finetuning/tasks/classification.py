"""Classification: one class of each text, or of each pair of texts."""

from collections.abc import Iterator
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
from tokpipe.labelled.records import NO_LABEL, LabelledTexts
from tokpipe.labelled.texts import read_texts
from tokpipe.metrics.majority import majority_class
from tokpipe.metrics.measures import Measure, class_measure
from tokpipe.metrics.scores import Scores, class_scores


def _read(
    path: str | Path, columns: TextColumns | None, names: tuple[str, ...] | None
) -> LabelledTexts:
    return read_texts(path, columns or TextColumns(), "class", names)


def _with_labels(data: LabelledTexts) -> NDArray[np.bool_]:
    return data.labels != NO_LABEL


def _classes(predictions: TextPredictions) -> NDArray[np.int64]:
    assert predictions.probabilities is not None
    return predictions.probabilities.argmax(axis=1)


def _usual(data: LabelledTexts) -> int:
    return majority_class(data.labels[_with_labels(data)])


def _measure(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Measure:
    return class_measure(data.labels, _classes(predictions), len(data.names))


def _scores(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned, usual: Any) -> Scores:
    return class_scores(data.labels, _classes(predictions), data.names, majority=usual)


def _rows(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Iterator[Row]:
    assert predictions.probabilities is not None
    classes = _classes(predictions)
    shares = predictions.probabilities[np.arange(len(data)), classes]
    for row, (about, label, share) in enumerate(
        zip(about_rows(data), classes.tolist(), shares.tolist(), strict=True)
    ):
        gold = int(data.labels[row])
        known = {} if gold == NO_LABEL else {"gold": data.names[gold]}
        yield {**about, "label": data.names[label], "probability": share, **known}


TASK = Task(
    name="classification",
    head="text",
    data="texts",
    read=_read,
    with_labels=_with_labels,
    encode=encode_texts,
    decode=decode_texts,
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=_rows,
)
