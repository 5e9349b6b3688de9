"""From columns of predictions to one answer a text, sentence or question."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.finetuning.decode_questions import is_answered, null_probabilities
from tokpipe.finetuning.predictions import AnswerPredictions, TagPredictions, TextPredictions
from tokpipe.finetuning.task import Predictions, Tuned
from tokpipe.finetuning.tasks.qa import THRESHOLD
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions
from tokpipe.labelled.schemes import BEGIN, INSIDE, OTHER, entities_of, meaning_of
from tokpipe.metrics.measures import THRESHOLD as HOLDS
from tokpipe.tasks.answers import (
    Answer,
    ClassAnswer,
    Entity,
    NumberAnswer,
    QuestionAnswer,
    Span,
    TagAnswer,
)
from tokpipe.tasks.inputs import Sentence


def answers_of(
    data: Labelled,
    found: Predictions,
    config: BertConfig,
    tuned: Tuned,
    given: Sequence[Sentence] = (),
) -> list[Answer]:
    """Return one answer a row.

    Parameters
    ----------
    found
        What a model says of the data.
    config, tuned
        Of the model.
    given
        The sentences that the words are of; some may have no word.
    """
    if isinstance(data, LabelledTexts):
        assert isinstance(found, TextPredictions)
        return text_answers(data, found, config)
    if isinstance(data, Questions):
        assert isinstance(found, AnswerPredictions)
        return question_answers(data, found, tuned.get(THRESHOLD))
    assert isinstance(found, TagPredictions)
    return tag_answers(given, found, config.labels)


def marks_entities(names: Sequence[str]) -> bool:
    """Say whether tags mark entities: of a kind, or without one where all of them do.

    Parts of speech may be letters, as S for a noun beside A and V.

    Examples
    --------
    >>> marks_entities(("O", "B-PER", "X")), marks_entities(("B", "I")), marks_entities(("S", "V"))
    (True, True, False)
    """
    roles = meaning_of(names).roles
    marked = [name for name, role in zip(names, roles, strict=True) if role in (BEGIN, INSIDE)]
    return any("-" in name for name in marked) or (bool(marked) and OTHER not in roles)


def text_answers(data: LabelledTexts, found: TextPredictions, config: BertConfig) -> list[Answer]:
    """Return a class, a number or several classes for each text."""
    columns = [[text.decode() for text in column.iter_bytes()] for column in data.texts]
    texts = list(zip(*columns, strict=True))
    if found.values is not None:
        return [NumberAnswer(t, v) for t, v in zip(texts, found.values.tolist(), strict=True)]
    assert found.probabilities is not None
    several, names = config.problem == "multilabel", config.labels
    answers: list[Answer] = []
    for text, shares in zip(texts, found.probabilities.tolist(), strict=True):
        best = [i for i, share in enumerate(shares) if share >= HOLDS]
        chosen = best if several else [max(range(len(shares)), key=shares.__getitem__)]
        labels = tuple(names[i] for i in chosen)
        answers.append(ClassAnswer(text, labels, dict(zip(names, shares, strict=True))))
    return answers


def tag_answers(
    sentences: Sequence[Sentence], found: TagPredictions, names: tuple[str, ...]
) -> list[Answer]:
    """Return the tags of each sentence, and the entities that they mark."""
    borders = np.cumsum([0, *(len(sentence.spans) for sentence in sentences)])
    tags, shares = found.tags.tolist(), found.probabilities.tolist()
    entities = _entities(sentences, found, names, borders) if marks_entities(names) else None
    answers: list[Answer] = []
    for number, (text, spans) in enumerate(sentences):
        own = slice(*borders[number : number + 2].tolist())
        labels = tuple(names[tag] for tag in tags[own])
        things = None if entities is None else tuple(entities[number])
        answers.append(TagAnswer(text, spans, labels, tuple(shares[own]), things))
    return answers


def _entities(
    sentences: Sequence[Sentence],
    found: TagPredictions,
    names: Sequence[str],
    borders: NDArray[np.int64],
) -> list[list[Entity]]:
    """Return the entities of each sentence."""
    entities: list[list[Entity]] = [[] for _ in sentences]
    firsts, lasts, kinds = entities_of(names, found.tags, borders)
    places = np.searchsorted(borders, firsts, side="right") - 1
    for place, first, last, kind in zip(
        places.tolist(), firsts.tolist(), lasts.tolist(), kinds, strict=True
    ):
        text, spans = sentences[place]
        before = int(borders[place])
        start, end = spans[first - before][0], spans[last - before - 1][1]
        sure = float(found.probabilities[first:last].mean())
        entities[place].append(
            Entity(kind, text[start:end], start, end, first - before, last - before, sure)
        )
    return entities


def question_answers(
    data: Questions, found: AnswerPredictions, threshold: float | None
) -> list[Answer]:
    """Return the best answers to each question, or none where none scores better by so much.

    Parameters
    ----------
    threshold
        None: every question has an answer.
    """
    contexts = [context.decode() for context in data.contexts.iter_bytes()]
    bytes_of = [context.encode() for context in contexts]
    questions = [question.decode() for question in data.questions.iter_bytes()]
    nulls = null_probabilities(found).tolist()
    answered = is_answered(found, threshold).tolist()
    answers: list[Answer] = []
    for number, question in enumerate(questions):
        place = int(data.context_of[number])
        own = slice(*found.borders[number : number + 2].tolist())
        says_none = threshold is not None or own.start == own.stop
        none = nulls[number] if says_none else None
        spans = _spans(bytes_of[place], found, own, 1.0 if none is None else 1.0 - none)
        name = data.ids.bytes_of(number).decode()
        is_one = answered[number]
        answers.append(QuestionAnswer(name, question, contexts[place], spans, is_one, none))
    return answers


def _spans(context: bytes, found: AnswerPredictions, own: slice, share: float) -> tuple[Span, ...]:
    starts, ends = found.starts[own].tolist(), found.ends[own].tolist()
    spans = []
    for start, end, sure in zip(starts, ends, found.probabilities[own].tolist(), strict=True):
        text = context[start:end].decode()
        first = len(context[:start].decode())
        spans.append(Span(text, first, first + len(text), share * sure))
    return tuple(spans)
