"""The frame of a task: all that fine-tuning, prediction and comparison ask of one.

A task is one file in ``tasks/`` with a `Task` at its end, called ``TASK``, and a line in
`tokpipe.finetuning.registry`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.predictions import AnswerPredictions, TagPredictions, TextPredictions
from tokpipe.labelled.records import Labelled
from tokpipe.metrics.measures import Measure
from tokpipe.metrics.scores import Scores
from tokpipe.tokenizer.tokenizer import Tokenizer

Predictions = TextPredictions | TagPredictions | AnswerPredictions
Tuned = Mapping[str, float]
Row = dict[str, Any]


def _nothing(data: Any, predictions: Any) -> Tuned:
    return {}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task. What its functions take is of the kind that its data is."""

    name: str  # as people write it
    head: str  # name of the model's head, see `tokpipe.bert.registry`
    problem: str = "classification"  # as `BertConfig.problem` has it
    data: str  # what is read: "texts", "words" or "questions"
    most_epochs: int = 20  # beyond which more epochs help nobody, however few the rows are
    # a part of the data from a file, by columns and (if known) names of labels
    read: Callable[[str | Path, Any, tuple[str, ...] | None], Labelled]
    with_labels: Callable[[Any], NDArray]  # the rows of a part that have a label
    # a part as windows of tokens
    encode: Callable[[Any, Tokenizer, WindowConfig, int | None, int | None], Examples]
    # the predictions that logits of those windows mean
    decode: Callable[[Any, Examples, NDArray], Predictions]
    # what is chosen on a part by its predictions, such as a threshold
    tune: Callable[[Any, Any], Tuned] = _nothing
    usual: Callable[[Any], Any]  # the answer that most rows of the training part have
    # the scores of predictions, without intervals; the first is the one that models are chosen by
    measure: Callable[[Any, Any, Tuned], Measure]
    # the scores with intervals; the last argument is what `usual` said
    scores: Callable[[Any, Any, Tuned, Any], Scores]
    rows: Callable[[Any, Any, Tuned], Iterator[Row]]  # a line of ``predictions.jsonl`` for each row
