"""Named entities: tags of words that mark names, in IOB2."""

from typing import Any

from tokpipe.finetuning.decode_tags import decode_tags
from tokpipe.finetuning.encode_tags import encode_tags
from tokpipe.finetuning.predictions import TagPredictions
from tokpipe.finetuning.task import Task, Tuned
from tokpipe.finetuning.tasks.tag_rows import has_tags, read_entities, tag_rows
from tokpipe.labelled.records import TaggedWords
from tokpipe.metrics.measures import Measure, entity_measure
from tokpipe.metrics.scores import Scores, entity_scores


def _usual(data: TaggedWords) -> None:
    """Return nothing: no entity is what most words have."""


def _measure(data: TaggedWords, predictions: TagPredictions, tuned: Tuned) -> Measure:
    return entity_measure(data.tags, predictions.tags, data.borders, data.names)


def _scores(data: TaggedWords, predictions: TagPredictions, tuned: Tuned, usual: Any) -> Scores:
    return entity_scores(data.tags, predictions.tags, data.borders, data.names)


TASK = Task(
    name="ner",
    head="token",
    data="words",
    read=read_entities,
    with_labels=has_tags,
    encode=encode_tags,
    decode=decode_tags,
    usual=_usual,
    measure=_measure,
    scores=_scores,
    rows=tag_rows,
)
