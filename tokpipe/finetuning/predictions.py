"""What a model says of labelled data, row by row, once windows are put together again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TextPredictions:
    """Of N texts: what is probable, or a number."""

    # float32[N, C]: of the classes: they sum to 1, or each is one of its own where several may hold
    probabilities: NDArray[np.float32] | None = None
    values: NDArray[np.float64] | None = None  # float64[N]: of a regression


@dataclass(frozen=True, slots=True, eq=False)
class TagPredictions:
    """Of W words: exactly one tag each."""

    tags: NDArray[np.int32]  # int32[W]: index into the names
    probabilities: NDArray[np.float32]  # float32[W]: of that tag; 0 where the model was not asked
    without_piece: int  # words that the tokenizer makes nothing of, so that the model was not asked


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPredictions:
    """Of Q questions: where in their paragraphs the answers stand, the best and its rivals."""

    # `start`, `end`: int64[Q]: the best answer, in bytes of its paragraph; 0, 0 where the paragraph
    # has no token
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float32]  # float32[Q]: its logits, added; -inf where there is none
    # float32[Q]: the same of [CLS], which stands for no answer: the least of all windows
    null_score: NDArray[np.float32]
    # int64[Q + 1]: question q has the answers ``borders[q]:borders[q + 1]``, the best first
    borders: NDArray[np.int64]
    # `starts`, `ends`: int64[M]: in bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: NDArray[np.float32]  # float32[M]
    probabilities: NDArray[np.float32]  # float32[M]: of the answers of a question, which sum to 1


def softmax(logits: NDArray) -> NDArray[np.float64]:
    """Return the probabilities of classes, in the last axis of logits."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    raised = np.exp(shifted)
    return raised / raised.sum(axis=-1, keepdims=True)
