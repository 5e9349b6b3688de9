"""A bag of words: counts of words and n-grams, weighed by TF-IDF, and a linear model of them.

Of classes the model is logistic regression, of numbers ridge regression; how strongly weights are
held small is chosen on the validation part.

References
----------
K. Spärck Jones: A Statistical Interpretation of Term Specificity and its Application in Retrieval,
Journal of Documentation 28, 1972.
G. Salton, C. Buckley: Term-Weighting Approaches in Automatic Text Retrieval, 1988.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import BowConfig
from tokpipe.baselines.features import Sparse, Vocabulary, gram_needs, grams_of
from tokpipe.baselines.linear import Linear, chances, fit_linear
from tokpipe.baselines.method import Learned, Lesson, Method, Texts
from tokpipe.foundation.progress import Progress

_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, eq=False)
class BagModel:
    """A vocabulary, how rare its features are, and a linear model."""

    vocabulary: Vocabulary  # F features
    # float64[F]: ``log((1 + N) / (1 + n)) + 1``, of n of N texts that a feature is in
    rarity: NDArray[np.float64]
    linear: Linear  # on weighed counts
    ngrams: int  # words of the longest n-gram
    loss: str  # of the lesson: how outputs become chances

    def outputs(self, texts: Texts) -> NDArray[np.float64]:
        """Return chances (float64[N, C]), or numbers (float64[N, 1])."""
        counts = self.vocabulary.counts(grams_of(texts, self.ngrams))
        return chances(self.linear.outputs(weighed(counts, self.rarity)), self.loss)

    def tensors(self) -> dict[str, NDArray]:
        """Return all that `load` needs."""
        return {
            "hashes": self.vocabulary.hashes,
            "rarity": self.rarity.astype(np.float32),
            "weights": self.linear.weights.astype(np.float32),
            "bias": self.linear.bias,
            "ngrams": np.array(self.ngrams),
            "loss": np.array(self.loss),
        }


def weighed(counts: Sparse, rarity: NDArray[np.float64]) -> Sparse:
    """Return counts as ``(1 + log count) * rarity``, each text of length 1."""
    out = counts.astype(np.float64)
    out.data = (1.0 + np.log(out.data)) * rarity[out.indices]
    rows = np.repeat(np.arange(out.shape[0]), np.diff(out.indptr))
    lengths = np.sqrt(np.bincount(rows, out.data**2, out.shape[0]))
    out.data /= lengths[rows]
    return out


def fit(lesson: Lesson, config: BowConfig, progress: Progress) -> Learned:
    """Learn a vocabulary, its rarities, and the weights that do best on the validation part."""
    grams = grams_of(lesson.texts, config.ngrams)
    vocabulary, counts = Vocabulary.of(grams, config.min_texts, config.max_features)
    texts = np.bincount(counts.indices, minlength=len(vocabulary))
    rarity = np.log((1 + counts.shape[0]) / (1 + texts)) + 1.0
    held = weighed(vocabulary.counts(grams_of(lesson.held_out, config.ngrams)), rarity)
    features = weighed(counts, rarity)
    strengths = _STRENGTHS if config.strength is None else (config.strength,)
    found, linear = [], None
    with progress.task("fitting", len(strengths), "models") as advance:
        for strength in strengths:
            linear = fit_linear(features, lesson.targets, lesson.loss, strength, start=linear)
            judged = lesson.judge(chances(linear.outputs(held), lesson.loss))
            found.append((judged, strength, linear))
            advance(1)
    _, strength, linear = max(found, key=lambda one: one[0])  # of equals the smoothest, the first
    model = BagModel(vocabulary, rarity, linear, config.ngrams, lesson.loss)
    return Learned(fitted=model, chosen={"strength": strength})


def load(tensors: Mapping[str, NDArray]) -> BagModel:
    """Return the model that `BagModel.tensors` describes."""
    return BagModel(
        Vocabulary(tensors["hashes"]),
        tensors["rarity"].astype(np.float64),
        Linear(tensors["weights"].astype(np.float64), tensors["bias"]),
        int(tensors["ngrams"]),
        str(tensors["loss"]),
    )


METHOD = Method(name="bow", config=BowConfig, fit=fit, load=load, needs=gram_needs)
