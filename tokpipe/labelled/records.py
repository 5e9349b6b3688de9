"""What labelled data is once it is read: buffers and offsets, three kinds of them.

Labels are numbers into the names beside them, so that a label of another part or model is found by
its name alone. Every row knows the line that it came from: errors and findings name it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.formats import format_of_name
from tokpipe.foundation.arrays import Strings

NO_LABEL = -1  # in labels and tags: the file has none here


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTexts:
    """Texts, or pairs of texts, with a class, a number or several classes each.

    Attributes
    ----------
    source : str
        The path as it was given, for messages.
    texts : tuple of Strings
        One or two columns of N strings.
    labels : int32[N], float64[N] or uint8[N, C]
        Index into `names`, -1 where there is none; or a number, NaN where there is none; or one
        row of C classes, 1 for each that holds.
    names : tuple of str
        Of the C labels; none for numbers.
    lines : int64[N]
        Line in the file (row, where the format has no lines), from 1.
    ids : Strings or None
        What the file itself calls each row, where that was asked for.
    left_out : Mapping[str, int]
        How many rows were left out, by reason.
    """

    source: str
    texts: tuple[Strings, ...]
    labels: NDArray
    names: tuple[str, ...]
    lines: NDArray[np.int64]
    ids: Strings | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many texts (or pairs) there are."""
        return len(self.texts[0])


@dataclass(frozen=True, slots=True, eq=False)
class TaggedWords:
    """Sentences of words with one tag each.

    Attributes
    ----------
    source : str
        The path as it was given, for messages.
    words : Strings
        W words, sentence after sentence.
    borders : int64[S + 1]
        Sentence s is words ``borders[s]:borders[s + 1]``, at least one.
    tags : int32[W]
        Index into `names`, -1 where there is none. Entities are in IOB2, whatever the file has.
    names : tuple of str
        Of the tags.
    scheme : str
        As found in the file: "IOB1", "IOB2", "IOBES", or "none" where tags are no entities.
    lines : int64[W]
        Line in the file, from 1.
    left_out : Mapping[str, int]
        How many lines were left out, by reason.
    """

    source: str
    words: Strings
    borders: NDArray[np.int64]
    tags: NDArray[np.int32]
    names: tuple[str, ...]
    scheme: str
    lines: NDArray[np.int64]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.borders) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Questions about paragraphs, with the stretches of them that answer.

    Attributes
    ----------
    source : str
        The path as it was given, for messages.
    contexts : Strings
        P paragraphs.
    context_of : int64[Q]
        The paragraph of each question.
    questions, ids : Strings
        Q each.
    answers : Strings
        A right answers of all questions, end to end.
    answer_starts : int64[A]
        Where each begins in its paragraph, in bytes: the paragraph holds it there.
    answer_borders : int64[Q + 1]
        The answers of question q are ``answer_borders[q]:answer_borders[q + 1]``; one without any
        is one of SQuAD 2.0's that cannot be answered.
    left_out : Mapping[str, int]
        How many questions were left out, by reason.
    """

    source: str
    contexts: Strings
    context_of: NDArray[np.int64]
    questions: Strings
    ids: Strings
    answers: Strings
    answer_starts: NDArray[np.int64]
    answer_borders: NDArray[np.int64]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many questions there are."""
        return len(self.questions)


Labelled = LabelledTexts | TaggedWords | Questions


def place_of(source: str, line: int) -> str:
    """Return where a row stands, for messages.

    Examples
    --------
    >>> place_of("train.tsv", 3), place_of("train.parquet", 3)
    ('train.tsv:3', 'train.parquet: row 3')
    """
    is_table = format_of_name(source) in ("parquet", "arrow") or Path(source).is_dir()
    return f"{source}: row {line}" if is_table else f"{source}:{line}"
