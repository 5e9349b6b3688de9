"""What a model got wrong, the answers of which it was surest first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.decode_questions import answer_probabilities, answer_strings
from tokpipe.finetuning.predictions import AnswerPredictions, TagPredictions, TextPredictions
from tokpipe.finetuning.task import Predictions, Tuned
from tokpipe.finetuning.tasks.qa import THRESHOLD, gold_answers
from tokpipe.labelled.places import place_in
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords, place_of
from tokpipe.metrics.answers import exact_match
from tokpipe.metrics.measures import THRESHOLD as HOLDS

_AROUND = 12  # words of a sentence on each side of one that is tagged wrongly


class Mistake(NamedTuple):
    """A row that a model got wrong."""

    place: str  # where it stands
    text: str  # what was asked
    # `gold`, `said`: the right answer, and the model's
    gold: str
    said: str
    confidence: float  # probability of what was said; of numbers, how far off it is


def mistakes_in(data: Labelled, found: Predictions, tuned: Tuned, most: int) -> list[Mistake]:
    """Return so many of the rows that a model got wrong, those first of which it was surest.

    Parameters
    ----------
    data
        With labels, numbered as the model's.
    """
    if isinstance(data, Questions):
        assert isinstance(found, AnswerPredictions)
        return _of_questions(data, found, tuned, most)
    if isinstance(data, TaggedWords):
        assert isinstance(found, TagPredictions)
        return _of_words(data, found, most)
    assert isinstance(found, TextPredictions)
    if found.values is not None:
        return _of_numbers(data, found.values, most)
    assert found.probabilities is not None
    if data.labels.ndim == 2:
        return _of_several(data, found.probabilities, most)
    return _of_classes(data, found.probabilities, most)


def _surest(wrong: NDArray[np.bool_], confidence: NDArray, most: int) -> list[int]:
    """Return the rows that are wrong, by confidence; equals stay in the order of the data."""
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-confidence[rows], kind="stable")][:most].tolist()


def _of_classes(data: LabelledTexts, shares: NDArray, most: int) -> list[Mistake]:
    said, names = shares.argmax(axis=1), data.names
    sure = shares[np.arange(len(said)), said]
    rows = _surest(said != data.labels, sure, most)
    pairs = [(names[data.labels[row]], names[said[row]]) for row in rows]
    return _of_texts(data, rows, pairs, sure)


def _of_several(data: LabelledTexts, shares: NDArray, most: int) -> list[Mistake]:
    said = shares >= HOLDS
    off = said != data.labels.astype(bool)
    sure = np.where(off, np.where(said, shares, 1 - shares), 0).max(axis=1, initial=0)
    rows = _surest(off.any(axis=1), sure, most)
    pairs = [(_listed(data.names, data.labels[r]), _listed(data.names, said[r])) for r in rows]
    return _of_texts(data, rows, pairs, sure)


def _listed(names: Sequence[str], marks: NDArray) -> str:
    return ", ".join(name for name, mark in zip(names, marks, strict=True) if mark) or "none"


def _of_numbers(data: LabelledTexts, values: NDArray, most: int) -> list[Mistake]:
    off = np.abs(values - data.labels)
    rows = _surest(off > 0, off, most)
    pairs = [(f"{data.labels[row]:.4g}", f"{values[row]:.4g}") for row in rows]
    return _of_texts(data, rows, pairs, off)


def _of_texts(
    data: LabelledTexts, rows: list[int], pairs: list[tuple[str, str]], sure: NDArray
) -> list[Mistake]:
    """Return mistakes in some rows: of each what is right, and what was said."""
    texts = (" | ".join(column.bytes_of(row).decode() for column in data.texts) for row in rows)
    return [
        Mistake(place_in(data, row), text, *pair, float(sure[row]))
        for row, text, pair in zip(rows, texts, pairs, strict=True)
    ]


def _of_words(data: TaggedWords, found: TagPredictions, most: int) -> list[Mistake]:
    return [
        Mistake(
            place_of(data.source, int(data.lines[word])),
            _in_sentence(data, word),
            data.names[data.tags[word]],
            data.names[found.tags[word]],
            float(found.probabilities[word]),
        )
        for word in _surest(found.tags != data.tags, found.probabilities, most)
    ]


def _in_sentence(data: TaggedWords, word: int) -> str:
    """Return a word in brackets among its neighbours."""
    sentence = int(np.searchsorted(data.borders, word, side="right")) - 1
    begin, end = data.borders[sentence : sentence + 2].tolist()
    first, last = max(begin, word - _AROUND), min(end, word + _AROUND + 1)
    words = [data.words.bytes_of(i).decode() for i in range(first, last)]
    words[word - first] = f"[{words[word - first]}]"
    before, behind = "… " if first > begin else "", " …" if last < end else ""
    return f"{before}{' '.join(words)}{behind}"


def _of_questions(
    data: Questions, found: AnswerPredictions, tuned: Tuned, most: int
) -> list[Mistake]:
    golds = gold_answers(data)
    version = "1.1" if all(golds) else "2.0"
    said = answer_strings(data, found, tuned.get(THRESHOLD)).to_arrow().to_pylist()
    right = [exact_match(text, gold, version) for text, gold in zip(said, golds, strict=True)]
    sure = answer_probabilities(found, tuned.get(THRESHOLD))
    return [
        Mistake(
            f"{data.source}: {data.ids.bytes_of(row).decode()}",
            data.questions.bytes_of(row).decode(),
            " / ".join(dict.fromkeys(golds[row])) or "no answer",
            said[row] or "no answer",
            float(sure[row]),
        )
        for row in _surest(np.array(right) == 0, sure, most)
    ]
