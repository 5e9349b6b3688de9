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
    """Texts, or pairs of texts, with a class, a number or several classes each."""

    source: str  # the path as it was given, for messages
    texts: tuple[Strings, ...]  # one or two columns of N strings
    # int32[N], float64[N] or uint8[N, C]: index into `names`, -1 where there is none; or a number,
    # NaN where there is none; or one row of C classes, 1 for each that holds
    labels: NDArray
    names: tuple[str, ...]  # of the C labels; none for numbers
    # int64[N]: line in the file (row, where the format has no lines), from 1
    lines: NDArray[np.int64]
    ids: Strings | None = None  # what the file itself calls each row, where that was asked for
    # how many rows were left out, by reason
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many texts (or pairs) there are."""
        return len(self.texts[0])


@dataclass(frozen=True, slots=True, eq=False)
class TaggedWords:
    """Sentences of words with one tag each."""

    source: str  # the path as it was given, for messages
    words: Strings  # W words, sentence after sentence
    # int64[S + 1]: sentence s is words ``borders[s]:borders[s + 1]``, at least one
    borders: NDArray[np.int64]
    # int32[W]: index into `names`, -1 where there is none. Entities are in IOB2, whatever the file
    # has
    tags: NDArray[np.int32]
    names: tuple[str, ...]  # of the tags
    # as found in the file: "IOB1", "IOB2", "IOBES", or "none" where tags are no entities
    scheme: str
    lines: NDArray[np.int64]  # int64[W]: line in the file, from 1
    # how many lines were left out, by reason
    left_out: Mapping[str, int] = field(default_factory=dict)
    # bool[W]: the tags that their scheme does not allow, as the file has them; None: not known
    wrong: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.borders) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Questions about paragraphs, with the stretches of them that answer."""

    source: str  # the path as it was given, for messages
    contexts: Strings  # P paragraphs
    context_of: NDArray[np.int64]  # int64[Q]: the paragraph of each question
    # `questions`, `ids`: Q each
    questions: Strings
    ids: Strings
    answers: Strings  # A right answers of all questions, end to end
    # int64[A]: where each begins in its paragraph, in bytes: the paragraph holds it there
    answer_starts: NDArray[np.int64]
    # int64[Q + 1]: the answers of question q are ``answer_borders[q]:answer_borders[q + 1]``; one
    # without any is one of SQuAD 2.0's that cannot be answered
    answer_borders: NDArray[np.int64]
    # how many questions were left out, by reason
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
