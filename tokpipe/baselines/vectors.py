"""Averaged vectors of words and n-grams, learned on the task, and a linear model of the mean.

The model of fastText, with what keeps it from learning rare n-grams by heart: each text is read
without a share of its features, drawn anew each time, vectors begin at 0, and the best epoch is
kept. The sum of the
vectors is divided by the root of how many there are: long texts say more.

References
----------
A. Joulin, E. Grave, P. Bojanowski, T. Mikolov: Bag of Tricks for Efficient Text Classification,
EACL 2017.
M. Iyyer, V. Manjunatha, J. Boyd-Graber, H. Daumé III: Deep Unordered Composition Rivals Syntactic
Methods for Text Classification, ACL 2015: words left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import VectorsConfig
from tokpipe.baselines.features import Sparse, Vocabulary, gram_needs, grams_of
from tokpipe.baselines.kernels.vectors import (
    HUBER,
    SIGMOID,
    SOFTMAX,
    Bags,
    Steps,
    VectorModel,
    train_vectors,
)
from tokpipe.baselines.linear import chances
from tokpipe.baselines.method import WORST, Learned, Lesson, Method, Texts
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.seeds import child_keys, fill_random_bits, random_order, stream_key

_RATES = (0.03, 0.1, 0.3)
_DROPOUTS = (0.3, 0.8)  # short texts bear less of it than long ones
_LOSSES = {"softmax": SOFTMAX, "sigmoid": SIGMOID, "squared": HUBER}
_A_CALL = 1 << 21  # features that a kernel goes over before Ctrl-C is looked for


class Pace(NamedTuple):
    """How a training goes."""

    rate: float  # learning rate at the beginning
    dropout: float  # share of the features of a text that are left out


@dataclass(frozen=True, eq=False)
class AveragedModel:
    """A vocabulary and a vector for each of its features."""

    vocabulary: Vocabulary  # F features
    model: VectorModel  # vectors and output weights
    ngrams: int  # words of the longest n-gram
    loss: str  # of the lesson: how outputs become chances

    def outputs(self, texts: Texts) -> NDArray[np.float64]:
        """Return chances (float64[N, C]), or numbers (float64[N, 1])."""
        counts = self.vocabulary.counts(grams_of(texts, self.ngrams))
        return chances(_outputs(self.model, averaged(counts)), self.loss)

    def tensors(self) -> dict[str, NDArray]:
        """Return all that `load` needs."""
        return {
            "hashes": self.vocabulary.hashes,
            **self.model._asdict(),
            "ngrams": np.array(self.ngrams),
            "loss": np.array(self.loss),
        }


def averaged(counts: Sparse) -> Sparse:
    """Return for each feature that a text has one over the root of their number."""
    out = counts.astype(np.float32)
    sizes = np.diff(out.indptr)
    out.data = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32)
    return out


def fit(lesson: Lesson, config: VectorsConfig, progress: Progress) -> Learned:
    """Learn a vocabulary and its vectors; rate and epoch are the best for the validation part."""
    grams = grams_of(lesson.texts, config.ngrams)
    vocabulary, counts = Vocabulary.of(grams, config.min_texts, config.max_features)
    features = averaged(counts)
    held = averaged(vocabulary.counts(grams_of(lesson.held_out, config.ngrams)))
    rates = _RATES if config.learning_rate is None else (config.learning_rate,)
    dropouts = _DROPOUTS if config.word_dropout is None else (config.word_dropout,)
    tried = list(product(dropouts, rates))
    best = None
    with progress.task("learning", len(tried) * config.epochs, "epochs") as advance:
        for dropout, rate in tried:
            for epoch, model in _epochs(features, lesson, config, Pace(rate, dropout)):
                judged = lesson.judge(chances(_outputs(model, held), lesson.loss))
                if judged > (best[0] if best else WORST):
                    copy = VectorModel(*(one.copy() for one in model))
                    chosen = {"learning_rate": rate, "word_dropout": dropout, "epoch": epoch}
                    best = judged, chosen, copy
                advance(1)
    if best is None:
        raise ConfigError(
            f"learning_rate={rates[-1]:g} is too large: the vectors grew beyond all bounds",
            hint="Give a smaller one, or none.",
        )
    _, chosen, model = best
    fitted = AveragedModel(vocabulary, model, config.ngrams, lesson.loss)
    return Learned(fitted=fitted, chosen=chosen)


def _epochs(
    features: Sparse, lesson: Lesson, config: VectorsConfig, pace: Pace
) -> Iterator[tuple[int, VectorModel]]:
    """Yield the same model after each epoch, which goes on learning; the rate falls to 0."""
    rows, steps = features.shape[0], features.shape[0] * config.epochs
    bags = Bags(features.indptr.astype(np.int64), features.indices, features.data)
    targets = lesson.targets.astype(np.float32)
    model = _drawn(features.shape[1], config.dimensions, targets.shape[1], lesson.seed)
    dropped, loss = int(pace.dropout * 2.0**32), _LOSSES[lesson.loss]
    pieces = max(1, -(-len(features.data) // _A_CALL))
    for epoch in range(config.epochs):
        order = random_order(stream_key(lesson.seed, "order", epoch), rows)
        parent = np.full(rows, stream_key(lesson.seed, "word dropout", epoch), np.uint64)
        keys = child_keys(parent, order)
        falling = pace.rate * (1.0 - (epoch * rows + np.arange(rows)) / steps)
        for piece in np.array_split(np.arange(rows), pieces):
            some = Steps(order[piece], falling[piece].astype(np.float32), keys[piece], dropped)
            train_vectors(bags, targets, some, loss, model)
        yield epoch + 1, model


def _drawn(features: int, width: int, classes: int, seed: int) -> VectorModel:
    # features that were met rarely say little: all vectors begin at 0, and the outputs are drawn
    bits = np.empty(classes * width, np.uint64)
    fill_random_bits(np.uint64(stream_key(seed, "outputs")), 0, bits)
    unit = (bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    output = ((2 * unit - 1) / np.sqrt(np.float32(width))).reshape(classes, width)
    return VectorModel(
        np.zeros((features, width), np.float32), output, np.zeros(classes, np.float32)
    )


def _outputs(model: VectorModel, features: Sparse) -> NDArray[np.float64]:
    hidden = features @ model.vectors
    return (hidden.astype(np.float64) @ model.output.T.astype(np.float64)) + model.bias


def load(tensors: Mapping[str, NDArray]) -> AveragedModel:
    """Return the model that `AveragedModel.tensors` describes."""
    return AveragedModel(
        Vocabulary(tensors["hashes"]),
        VectorModel(*(tensors[name] for name in VectorModel._fields)),
        int(tensors["ngrams"]),
        str(tensors["loss"]),
    )


METHOD = Method(name="vectors", config=VectorsConfig, fit=fit, load=load, needs=gram_needs)
