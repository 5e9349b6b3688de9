"""What one must know to believe a score: an answer that is always the same is no success."""

from collections.abc import Iterator, Mapping

import numpy as np

from tokpipe.finetuning.predictions import TagPredictions, TextPredictions
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.task import Predictions, Task
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.records import LabelledTexts, TaggedWords
from tokpipe.metrics.scores import Scores


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
    same = _always(part, predictions)
    if same is not None:
        of = "word" if task.data == "words" else "text"
        yield f"{name}: the model says {same} of every {of}; it has learned nothing"
    elif name in scores and not _is_better(scores[name]):
        first = scores[name].scores[0]
        yield (
            f"{name}: {first.name} {first.value:.4f} is no better than always giving the most "
            f"frequent answer, {scores[name].majority:.4f}"
        )
    if isinstance(part.data, TaggedWords) and isinstance(predictions, TagPredictions):
        count = plural(predictions.without_piece, "word")
        said = "taken to be outside" if "O" in part.data.names else "tagged by their neighbours"
        if predictions.without_piece:
            yield f"{name}: {count} of which the tokenizer makes nothing; {said}"
    if name in scores:
        yield from (f"{name}: {note}" for note in scores[name].notes)


def _is_better(scores: Scores) -> bool:
    return not scores.best_by <= scores.majority


def _always(part: Part, predictions: Predictions) -> str | None:
    """Return the answer that all rows have, if the labels have several."""
    data = part.data
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
