"""What one must know to believe a score: an answer that is always the same is no success."""

from collections.abc import Iterator, Mapping

import numpy as np

from tokpipe.finetuning.predictions import TagPredictions, TextPredictions
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.task import Predictions, Task
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.records import Labelled, LabelledTexts, TaggedWords
from tokpipe.metrics.scores import Scores
from tokpipe.shards.vocabulary import token_facts
from tokpipe.tokenizer.quality import WORTH_A_WARNING
from tokpipe.tokenizer.tokenizer import Tokenizer


def verdict(
    task: Task, name: str, part: Part, predictions: Predictions, scores: Mapping[str, Scores]
) -> Iterator[str]:
    """Yield what must be said beside the scores of a part.

    Parameters
    ----------
    name
        Of the part.
    scores
        Of the parts that have labels, by name.
    """
    missing = int((~task.with_labels(part.data)).sum())
    if missing:
        yield f"{name}: {plural(missing, 'row')} without a label: not scored"
    yield from (f"{name}: {said}" for said in told_of(part.data, predictions, scores.get(name)))


def told_of(data: Labelled, predictions: Predictions, scores: Scores | None) -> Iterator[str]:
    """Yield what must be said beside the scores of some data, which may have none."""
    same = _always(data, predictions)
    if same is not None:
        of = "word" if isinstance(data, TaggedWords) else "text"
        yield f"the model says {same} of every {of}; it has learned nothing"
    elif scores is not None and scores.scores[0].value <= scores.majority:
        first = scores.scores[0]
        yield (
            f"{first.name} {first.value:.4f} is no better than always giving the most frequent "
            f"answer, {scores.majority:.4f}"
        )
    if isinstance(data, TaggedWords) and isinstance(predictions, TagPredictions):
        count = plural(predictions.without_piece, "word")
        said = "taken to be outside" if "O" in data.names else "tagged by their neighbours"
        if predictions.without_piece:
            yield f"{count} of which the tokenizer makes nothing; {said}"
    yield from () if scores is None else scores.notes


def unknown_words(part: Part, tokenizer: Tokenizer) -> str:
    """Return which share of a part's words a tokenizer does not know; empty if that is nothing."""
    facts, ids = token_facts(tokenizer), part.examples.input_ids
    words = max(np.count_nonzero(facts.counts_as_word[ids]), 1)
    unknown = np.count_nonzero(ids == facts.unk_id) / words
    if unknown <= WORTH_A_WARNING:
        return ""
    share = f"{100 * unknown:.1f} % of the words are unknown to the model's vocabulary"
    return f"warning: {part.data.source}: {share}"


def _always(data: Labelled, predictions: Predictions) -> str | None:
    """Return the answer that all rows have, if the labels have several."""
    if isinstance(data, LabelledTexts) and isinstance(predictions, TextPredictions):
        if predictions.probabilities is None or data.labels.dtype != np.int32:
            return None
        said, gold = predictions.probabilities.argmax(axis=1), data.labels
    elif isinstance(data, TaggedWords) and isinstance(predictions, TagPredictions):
        said, gold = predictions.tags, data.tags
    else:
        return None
    is_same = len(said) > 1 and (said == said[0]).all()
    return repr(data.names[said[0]]) if is_same and len(np.unique(gold)) > 1 else None
