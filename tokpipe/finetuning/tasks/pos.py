"""Parts of speech, or any other tag of each word."""

from typing import Any

from tokpipe.finetuning.decode_tags import decode_tags
from tokpipe.finetuning.encode_tags import encode_tags
from tokpipe.finetuning.predictions import TagPredictions
from tokpipe.finetuning.task import Task, Tuned
from tokpipe.finetuning.tasks.tag_rows import has_tags, read_tags, tag_rows
from tokpipe.labelled.records import NO_LABEL, TaggedWords
from tokpipe.metrics.majority import majority_class
from tokpipe.metrics.measures import Measure, tag_measure
from tokpipe.metrics.scores import Scores, tag_scores


def _usual(data: TaggedWords) -> int:
    return majority_class(data.tags[data.tags != NO_LABEL])


def _measure(data: TaggedWords, predictions: TagPredictions, tuned: Tuned) -> Measure:
    return tag_measure(data.tags, predictions.tags, data.borders, data.names)


def _scores(data: TaggedWords, predictions: TagPredictions, tuned: Tuned, usual: Any) -> Scores:
    return tag_scores(data.tags, predictions.tags, data.borders, data.names, majority=usual)


TASK = Task(
    name="pos",
    head="token",
    data="words",
    read=read_tags,
    with_labels=has_tags,
    encode=encode_tags,
    decode=decode_tags,
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=tag_rows,
)
