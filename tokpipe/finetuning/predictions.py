"""What a model says of labelled data, row by row, once windows are put together again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TextPredictions:
    """Of N texts: what is probable, or a number.

    Attributes
    ----------
    probabilities : float32[N, C] or None
        Of the classes: they sum to 1, or each is one of its own where several may hold.
    values : float64[N] or None
        Of a regression.
    """

    probabilities: NDArray[np.float32] | None = None
    values: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TagPredictions:
    """Of W words: exactly one tag each.

    Attributes
    ----------
    tags : int32[W]
        Index into the names.
    probabilities : float32[W]
        Of that tag; 0 where the model was not asked.
    without_piece : int
        Words that the tokenizer makes nothing of, so that the model was not asked.
    """

    tags: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    without_piece: int


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPredictions:
    """Of Q questions: where in their paragraphs the answers stand, the best and its rivals.

    Attributes
    ----------
    start, end : int64[Q]
        The best answer, in bytes of its paragraph; 0, 0 where the paragraph has no token.
    score : float32[Q]
        Its logits, added; -inf where there is none.
    null_score : float32[Q]
        The same of [CLS], which stands for no answer: the least of all windows.
    borders : int64[Q + 1]
        Question q has the answers ``borders[q]:borders[q + 1]``, the best first.
    starts, ends : int64[M]
        In bytes.
    scores : float32[M]
    probabilities : float32[M]
        Of the answers of a question, which sum to 1.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float32]
    null_score: NDArray[np.float32]
    borders: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def softmax(logits: NDArray) -> NDArray[np.float64]:
    """Return the probabilities of classes, in the last axis of logits."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    raised = np.exp(shifted)
    return raised / raised.sum(axis=-1, keepdims=True)
