"""What a model in 8 bits loses: its answers beside those of the same model in float32."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.labelled.splits import take_rows
from tokpipe.tasks.answers import Answer, ClassAnswer, NumberAnswer, QuestionAnswer, TagAnswer
from tokpipe.tasks.embed import embed_sequences
from tokpipe.tasks.fill_mask import Candidate, fill_masks
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job
from tokpipe.tasks.vector_settings import VectorSettings, prepared

SAMPLE = 32  # inputs that are done in both: a second of work at the most


class Agreement(NamedTuple):
    """How often two models say the same, and by how much their numbers differ at the most."""

    same: int
    of: int
    difference: float


def evenly(count: int, most: int = SAMPLE) -> list[int]:
    """Return some numbers below a count, as far from each other as can be.

    Examples
    --------
    >>> evenly(100, 4)
    [0, 33, 66, 99]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64)).tolist()


def cosines(
    model: BertModel, texts: Sequence[str], settings: VectorSettings, threads: int | None = None
) -> NDArray[np.float64]:
    """Return how near the vectors of texts are to those in float32: float64[B], 1 at the best.

    Of texts evenly spread over those given. That of two vectors of zeros is 1.
    """
    chosen = [texts[number] for number in evenly(len(texts))]
    sequences = prepared(model, chosen, settings, threads)
    exact = model.in_precision("float32")
    ours, theirs = (
        embed_sequences(one, sequences, settings, threads=threads).astype(np.float64)
        for one in (model, exact)
    )
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    same = (ours == theirs).all(axis=1)
    return np.where(same, 1.0, (ours * theirs).sum(1) / np.where(lengths > 0, lengths, 1.0))


def answer_agreement(job: Job, inputs: Any, threads: int | None = None) -> Agreement:
    """Return how often a model answers as in float32, to some of what `Job.answers` takes."""
    rows = evenly(len(inputs))
    is_plain = isinstance(inputs, list)
    chosen = [inputs[row] for row in rows] if is_plain else take_rows(inputs, np.array(rows))
    exact = replace(job, model=job.model.in_precision("float32"))
    ours, theirs = (one.answers(chosen, threads=threads) for one in (job, exact))
    pairs = list(zip(ours, theirs, strict=True))
    same = sum(_said(one) == _said(other) for one, other in pairs)
    differences = [abs(_number(one) - _number(other)) for one, other in pairs]
    return Agreement(same, len(pairs), max(differences, default=0.0))


def mask_agreement(
    model: BertModel,
    texts: Sequence[str],
    found: Sequence[Sequence[Sequence[Candidate]]],
    threads: int | None = None,
) -> Agreement:
    """Return at how many masks the likeliest token is that of float32; see `fill_masks`."""
    rows = evenly(len(texts))
    exact = fill_masks(model.in_precision("float32"), [texts[row] for row in rows], 1)
    ours = [mask[0] for row in rows for mask in found[row]]
    theirs = [mask[0] for masks in exact for mask in masks]
    pairs = list(zip(ours, theirs, strict=True))
    same = [one.score - other.score for one, other in pairs if one.id == other.id]
    return Agreement(len(same), len(pairs), max(map(abs, same), default=0.0))


def differences(
    ours: Mapping[str, object], exact: Mapping[str, object]
) -> dict[str, dict[str, float]]:
    """Return for each figure that both have what it is in float32, in 8 bits, and the difference.

    Examples
    --------
    >>> differences({"accuracy": 0.75, "task": "ner"}, {"accuracy": 0.5, "task": "ner"})
    {'accuracy': {'float32': 0.5, 'int8': 0.75, 'difference': 0.25}}
    """
    return {
        name: {"float32": other, "int8": value, "difference": value - other}
        for name, value in ours.items()
        if isinstance(value, float) and isinstance(other := exact.get(name), float)
    }


def _said(answer: Answer) -> object:
    match answer:
        case ClassAnswer():
            return answer.labels
        case TagAnswer():
            return answer.tags
        case QuestionAnswer():
            return answer.answer and answer.answer.text
        case NumberAnswer():
            return None  # no two are quite the same: their difference says it


def _number(answer: Answer) -> float:
    """Return a number that says how sure an answer is, or what it is."""
    match answer:
        case ClassAnswer():
            return max(answer.probabilities.values())
        case TagAnswer():
            return float(np.mean(answer.probabilities)) if len(answer.probabilities) else 0.0
        case QuestionAnswer():
            return answer.probability
        case NumberAnswer():
            return answer.value
