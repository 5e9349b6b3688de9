"""Regression: a number of each text, or of each pair of texts."""

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
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.labels import LARGEST
from tokpipe.labelled.places import place_in
from tokpipe.labelled.records import LabelledTexts
from tokpipe.labelled.texts import read_texts
from tokpipe.metrics.measures import Measure, number_measure
from tokpipe.metrics.scores import Scores, number_scores


def _read(
    path: str | Path, columns: TextColumns | None, names: tuple[str, ...] | None
) -> LabelledTexts:
    data = read_texts(path, columns or TextColumns(), "number", None)
    beyond = np.flatnonzero(np.abs(data.labels) > LARGEST)
    if len(beyond):
        row = int(beyond[0])
        what = f"the label is {data.labels[row]:g}, and the most that a model can say {LARGEST:g}"
        raise InputError(f"{place_in(data, row)}: {what}", hint="Scale all of them down.")
    return data


def _with_labels(data: LabelledTexts) -> NDArray[np.bool_]:
    return ~np.isnan(data.labels)


def _usual(data: LabelledTexts) -> float:
    return float(data.labels[_with_labels(data)].mean())


def _values(predictions: TextPredictions) -> NDArray[np.float64]:
    assert predictions.values is not None
    return predictions.values


def _measure(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Measure:
    return number_measure(data.labels, _values(predictions))


def _scores(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned, usual: Any) -> Scores:
    return number_scores(data.labels, _values(predictions))


def _rows(data: LabelledTexts, predictions: TextPredictions, tuned: Tuned) -> Iterator[Row]:
    values, golds = _values(predictions).tolist(), data.labels.tolist()
    for about, value, gold in zip(about_rows(data), values, golds, strict=True):
        yield {**about, "value": value, **({} if np.isnan(gold) else {"gold": gold})}


TASK = Task(
    name="regression",
    head="text",
    problem="regression",
    data="texts",
    read=_read,
    with_labels=_with_labels,
    encode=encode_texts,
    decode=partial(decode_texts, problem="regression"),
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=_rows,
)
