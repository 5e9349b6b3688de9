"""The frame of a method: all that training, saving and asking need to know of one.

A method is one file with a `Method` at its end, called ``METHOD``, and a line in
`tokpipe.baselines.registry`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.config import Config
from tokpipe.foundation.progress import Progress
from tokpipe.labelled.records import LabelledTexts, TaggedWords

Texts = tuple[Strings, ...]  # one column, or two
Rows = LabelledTexts | TaggedWords


class Sentences(NamedTuple):
    """Words that are asked one by one."""

    words: Strings  # W of them
    borders: NDArray[np.int64]  # int64[S + 1]: of the sentences


WORST = (-math.inf, -math.inf)


class Fitted(Protocol):
    """What has learned, and can be asked."""

    # `texts`: `Texts`, or `Sentences` of a method for those
    def outputs(self, texts: Any) -> NDArray[np.float64]:
        """Return chances (float64[N, C], of N texts or words), or numbers (float64[N, 1])."""
        ...

    def tensors(self) -> dict[str, NDArray]:
        """Return all that `Method.load` needs, by name."""
        ...


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is to be learned."""

    texts: Any  # of the training part: `Texts`, or `Sentences`, of which each word is a row
    targets: NDArray[np.float64]  # float64[N, C]: what the outputs should be
    # "softmax": one class a row; "sigmoid": any number of labels; "squared": a number, of mean 0
    # and spread 1
    loss: str
    held_out: Any  # texts of the validation part
    held_targets: NDArray[np.float64]  # float64[M, C]: what the outputs for them should be
    # how good outputs for the validation part are: the task's first score
    score: Callable[[NDArray[np.float64]], float]
    seed: int  # of all that is drawn
    threads: int | None = None  # how many work, None for one a processor; nothing depends on it

    def judge(self, outputs: NDArray[np.float64]) -> tuple[float, float]:
        """Return how good outputs for the validation part are: the score, then less loss.

        `WORST` if they are no finite numbers.
        """
        if not np.isfinite(outputs).all():
            return WORST
        return round(self.score(outputs), 12), -self._loss(outputs)

    def _loss(self, outputs: NDArray[np.float64]) -> float:
        targets, tiny = self.held_targets, 1e-12
        if self.loss == "squared":
            return float(((outputs - targets) ** 2).mean())
        likely = targets * np.log(np.maximum(outputs, tiny))
        if self.loss == "sigmoid":
            likely = likely + (1 - targets) * np.log(np.maximum(1 - outputs, tiny))
        return -float(likely.sum(axis=1).mean())


class Needs(NamedTuple):
    """What learning takes, estimated before it begins."""

    memory: Mapping[str, int]  # bytes, by stage
    hints: Mapping[str, str]  # what makes a stage smaller
    disk: int  # bytes
    seconds: float


def _nothing_known(parts: Mapping[str, Rows], config: Any, threads: int) -> Needs:
    return Needs({}, {}, 0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a method made of a lesson."""

    fitted: Fitted  # the model
    chosen: Mapping[str, float]  # what was chosen on the validation part, by name


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method."""

    name: str  # as people write it
    config: type[Config]  # its settings
    # from a lesson and settings to what was learned
    fit: Callable[[Lesson, Any, Progress], Learned]
    load: Callable[[Mapping[str, NDArray]], Fitted]  # from the tensors to the model
    # what learning from the parts of the data takes, with settings and a number of threads
    needs: Callable[[Mapping[str, Any], Any, int], Needs] = _nothing_known


def texts_of(data: Rows) -> int:
    """Return how many texts a row has; 0 where words are tagged."""
    return len(data.texts) if isinstance(data, LabelledTexts) else 0


def inputs_of(data: Rows) -> Texts | Sentences:
    """Return what a method reads of a part."""
    return data.texts if isinstance(data, LabelledTexts) else Sentences(data.words, data.borders)
