"""What a model says of one text, of one sentence or to one question: records of plain values."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassAnswer:
    """The class of a text or of a pair of texts; or each class that holds.

    Attributes
    ----------
    texts
        One or two.
    labels
        The likeliest class; of a model for several classes all that are more likely than not.
    probabilities
        Of every class, by its name, in the order of the model.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: dict[str, float]

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """All classes with their probabilities, the likeliest first."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            **_texts(self.texts),
            "labels": list(self.labels),
            "probabilities": self.probabilities,
        }


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """The number that belongs to a text or to a pair of texts."""

    texts: tuple[str, ...]
    value: float

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {**_texts(self.texts), "value": self.value}


@dataclass(frozen=True, slots=True)
class Entity:
    """Words that are one thing.

    Attributes
    ----------
    label
        Its kind, ``B-`` and ``I-`` taken off.
    text
        As the sentence has it.
    start, end
        Characters of the sentence.
    first, last
        Its words: the last one is not part of it any more.
    probability
        Mean of those of its words.
    """

    label: str
    text: str
    start: int
    end: int
    first: int
    last: int
    probability: float

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class TagAnswer:
    """The tags of a sentence.

    Attributes
    ----------
    text
        The sentence.
    spans
        Where its words are, in characters.
    tags, probabilities
        One a word.
    entities
        What the tags make of neighbouring words; None where they mark no entities, as parts of
        speech.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]
    entities: tuple[Entity, ...] | None

    @property
    def words(self) -> list[str]:
        """The words."""
        return [self.text[start:end] for start, end in self.spans]

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        found: dict[str, object] = {
            "text": self.text,
            "words": self.words,
            "tags": list(self.tags),
            "probabilities": list(self.probabilities),
        }
        if self.entities is not None:
            found["entities"] = [entity.to_dict() for entity in self.entities]
        return found


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a paragraph that may answer: its text, its characters, its probability."""

    text: str
    start: int
    end: int
    probability: float

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """What a paragraph answers to a question.

    Attributes
    ----------
    spans
        The likeliest first.
    is_answered
        Whether the first of them is the answer; else the model sees none.
    no_answer
        How likely it is that the paragraph does not answer; None where a model that never says so
        has found an answer.
    """

    id: str
    question: str
    context: str
    spans: tuple[Span, ...]
    is_answered: bool
    no_answer: float | None

    @property
    def answer(self) -> Span | None:
        """The answer, if there is one."""
        return self.spans[0] if self.is_answered and self.spans else None

    @property
    def probability(self) -> float:
        """How likely the answer is, or that there is none."""
        answer = self.answer
        return answer.probability if answer else self.no_answer or 0.0

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        answer = self.answer
        return {
            "id": self.id,
            "question": self.question,
            "answer": answer.text if answer else "",
            "start": answer.start if answer else None,
            "end": answer.end if answer else None,
            "probability": self.probability,
            "no_answer_probability": self.no_answer,
            "best": [span.to_dict() for span in self.spans],
        }


Answer = ClassAnswer | NumberAnswer | TagAnswer | QuestionAnswer


def _texts(texts: Sequence[str]) -> dict[str, object]:
    return dict(zip(("text", "second_text"), texts, strict=False))
