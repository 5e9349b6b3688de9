"""Plain texts, sentences and questions as the records that labelled data has, without labels."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.records import (
    NO_LABEL,
    Labelled,
    LabelledTexts,
    Questions,
    TaggedWords,
)
from tokpipe.tokenizer.texts import Inputs, described, list_of, strings_of
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.truncation import NO_LIMIT

_SOURCE = "the input"
Spans = tuple[tuple[int, int], ...]


class Sentence(NamedTuple):
    """A sentence, and where in it its words are, in characters."""

    text: str
    spans: Spans


class Sentences(NamedTuple):
    """Sentences as tagged words; those without a word are in `given` alone."""

    data: TaggedWords  # words without tags
    given: list[Sentence]  # all sentences


def texts_data(texts: Iterable[Any]) -> LabelledTexts:
    """Return texts, or pairs of texts, as data.

    Raises
    ------
    InputError
        If one is no text, or holds a lone surrogate; or some are pairs and others are not.
    """
    given = _listed(texts, "text", "texts")
    is_pair = [isinstance(one, tuple | list) for one in given]
    if any(is_pair):
        columns = _columns(given, is_pair.index(False) if not all(is_pair) else None)
    else:
        columns = (_strings(given, "text"),)
    count = len(given)
    labels = np.full(count, NO_LABEL, np.int32)
    return LabelledTexts(_SOURCE, columns, labels, (), np.arange(1, count + 1))


def sentences_data(tokenizer: Tokenizer, sentences: Iterable[Any]) -> Sentences:
    """Return sentences as data: texts, or lists of words.

    The words of a text are those that the tokenizer itself splits it into.

    Raises
    ------
    InputError
        If one is neither, or a word is empty.
    """
    given = _listed(sentences, "sentence", "texts, or of lists of words,")
    are_texts = [isinstance(one, str) for one in given]
    if all(are_texts):
        found = _split(tokenizer, given)
    else:
        found = [_joined(words, number) for number, words in enumerate(given, 1)]
    return Sentences(_tagged(found), found)


def sentences_of(data: TaggedWords) -> list[Sentence]:
    """Return the sentences of data as texts, their words with a space between them."""
    words = [word.decode() for word in data.words.iter_bytes()]
    return [_spaced(words[a:b]) for a, b in pairwise(data.borders.tolist())]


def without_labels(data: Labelled, names: tuple[str, ...]) -> Labelled:
    """Return data as a model of some labels is asked about it: none of its rows has one."""
    if isinstance(data, TaggedWords):
        return replace(data, tags=np.full(len(data.words), NO_LABEL, np.int32), names=names)
    if isinstance(data, LabelledTexts):
        return replace(data, labels=np.full(len(data), NO_LABEL, np.int32), names=names)
    return data


def questions_data(pairs: Iterable[Any]) -> Questions:
    """Return questions, each with the paragraph that is to answer it, as data.

    Raises
    ------
    InputError
        If one is no pair of texts, or empty.
    """
    given = list_of(pairs, "question", "pairs of a question and a paragraph", "")
    wrong = next((n for n, one in enumerate(given, 1) if not _is_two(one)), None)
    if wrong is not None:
        raise InputError(
            f"question {wrong} is {described(given[wrong - 1])}: a question and the paragraph "
            "that is to answer it are needed"
        )
    number: dict[str, int] = {}
    for _, context in given:
        number.setdefault(context, len(number))
    count = len(given)
    return Questions(
        source=_SOURCE,
        contexts=_strings(list(number), "paragraph"),
        context_of=np.array([number[context] for _, context in given], np.int64),
        questions=_strings([question for question, _ in given], "question"),
        ids=Strings.from_list([str(n) for n in range(1, count + 1)]),
        answers=Strings.from_list([]),
        answer_starts=np.zeros(0, np.int64),
        answer_borders=np.zeros(count + 1, np.int64),
    )


def _listed(rows: Any, what: str, needed: str) -> list[Any]:
    """Return rows as a list; one text stands for a list of one."""
    return [rows] if isinstance(rows, str) else list_of(rows, what, needed, "")


def _is_two(one: Any) -> bool:
    is_pair = isinstance(one, tuple | list) and len(one) == 2
    return is_pair and all(isinstance(text, str) for text in one)


def _columns(given: Sequence[Any], alone: int | None) -> tuple[Strings, ...]:
    if alone is not None:
        raise InputError(f"text {alone + 1} is {described(given[alone])}, others are pairs")
    wrong = next((n for n, one in enumerate(given, 1) if len(one) != 2), None)
    if wrong is not None:
        raise InputError(f"pair {wrong} has {len(given[wrong - 1])} texts")
    return (
        _strings([first for first, _ in given], "text"),
        _strings([second for _, second in given], "pair"),
    )


def _strings(texts: Sequence[Any], what: str) -> Strings:
    return Strings.from_list(Inputs(strings_of(texts, what)).utf8()[0])


def _split(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Sentence]:
    encodings = tokenizer.encode_batch(
        texts, add_special_tokens=False, max_length=NO_LIMIT, padding=False
    )
    return [
        Sentence(text, _word_spans(text, encoding.word_ids, encoding.offsets))
        for text, encoding in zip(texts, encodings, strict=True)
    ]


def _word_spans(
    text: str, words: Sequence[int | None], offsets: Sequence[tuple[int, int]]
) -> Spans:
    """Return where words are: from their first token to their last, spaces at the ends left out."""
    found: dict[int | None, tuple[int, int]] = {}
    for word, (start, end) in zip(words, offsets, strict=True):
        first, last = found.get(word, (start, end))
        found[word] = min(first, start), max(last, end)
    spans = (_stripped(text, start, end) for start, end in found.values())
    return tuple(span for span in spans if span[0] < span[1])


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _joined(words: Any, number: int) -> Sentence:
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise InputError(f"sentence {number} is {described(words)}, others are lists of words")
    for place, word in enumerate(strings_of(words, f"sentence {number}: word"), 1):
        if not word.strip():
            raise InputError(f"sentence {number}: word {place} is empty")
    return _spaced(words)


def _spaced(words: Sequence[str]) -> Sentence:
    ends = np.cumsum([len(word) + 1 for word in words]) - 1 if words else np.zeros(0, np.int64)
    spans = [(int(end) - len(word), int(end)) for word, end in zip(words, ends, strict=True)]
    return Sentence(" ".join(words), tuple(spans))


def _tagged(sentences: Sequence[Sentence]) -> TaggedWords:
    some = [sentence for sentence in sentences if sentence.spans]
    words = [text[start:end] for text, spans in some for start, end in spans]
    counts = [len(sentence.spans) for sentence in some]
    return TaggedWords(
        source=_SOURCE,
        words=_strings(words, "word"),
        borders=np.cumsum([0, *counts], dtype=np.int64),
        tags=np.full(len(words), NO_LABEL, np.int32),
        names=(),
        scheme="none",
        lines=np.arange(1, len(words) + 1),
    )
