"""NB-SVM: which words and n-grams are there, weighed by naive Bayes, and a linear model of them.

A feature counts as much as the logarithm of how much more frequent it is within a class than
outside; a linear model learns how far that is to be believed. Its loss is that of logistic
regression, which gives chances, does as well as the hinge, and needs no mixing with naive Bayes
itself (`interpolation`): the penalty on its weights does that.

References
----------
S. Wang, C. Manning: Baselines and Bigrams: Simple, Good Sentiment and Topic Classification, ACL
2012.
G. Mesnil et al.: Ensemble of Generative and Discriminative Techniques for Sentiment Analysis of
Movie Reviews, ICLR workshop 2015: logistic regression, and n-grams of three words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import NbsvmConfig
from tokpipe.baselines.features import Sparse, Vocabulary, gram_needs, grams_of
from tokpipe.baselines.linear import Linear, chances, fit_linear
from tokpipe.baselines.method import Learned, Lesson, Method, Texts
from tokpipe.foundation.progress import Progress

_STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, eq=False)
class PresenceModel:
    """A vocabulary and a linear model of which of its features are there.

    Attributes
    ----------
    vocabulary
        F features.
    linear
        On 0 and 1.
    ngrams
        Words of the longest n-gram.
    loss
        Of the lesson: how outputs become chances.
    """

    vocabulary: Vocabulary
    linear: Linear
    ngrams: int
    loss: str

    def outputs(self, texts: Texts) -> NDArray[np.float64]:
        """Return chances (float64[N, C])."""
        there = presence(self.vocabulary.counts(grams_of(texts, self.ngrams)))
        return chances(self.linear.outputs(there), self.loss)

    def tensors(self) -> dict[str, NDArray]:
        """Return all that `load` needs."""
        return {
            "hashes": self.vocabulary.hashes,
            "weights": self.linear.weights.astype(np.float32),
            "bias": self.linear.bias,
            "ngrams": np.array(self.ngrams),
            "loss": np.array(self.loss),
        }


def presence(counts: Sparse) -> Sparse:
    """Return 1 for each feature that a text has."""
    out = counts.astype(np.float64)
    out.data[:] = 1.0
    return out


def log_ratios(
    there: Sparse, targets: NDArray[np.float64], smoothing: float
) -> NDArray[np.float64]:
    """Return how much likelier each feature is within each class than outside, as a logarithm.

    Parameters
    ----------
    there : [N, F]
        0 and 1.
    targets : float64[N, C]
        1 for the classes that a text has.
    smoothing
        Added to each count.

    Returns
    -------
    float64[F, C]
    """
    columns = there.T.tocsr()
    shares = [smoothing + columns @ side for side in (targets, 1.0 - targets)]
    within, outside = (share / share.sum(axis=0) for share in shares)
    return np.log(within / outside)


def fit(lesson: Lesson, config: NbsvmConfig, progress: Progress) -> Learned:
    """Learn a vocabulary, and the weights that do best on the validation part."""
    grams = grams_of(lesson.texts, config.ngrams)
    vocabulary, counts = Vocabulary.of(grams, config.min_texts, config.max_features)
    there = presence(counts)
    held = presence(vocabulary.counts(grams_of(lesson.held_out, config.ngrams)))
    ratios = log_ratios(there, lesson.targets, config.smoothing)
    scale = np.where(ratios == 0.0, 1e-9, ratios)  # what tells nothing apart stays at nothing
    strengths = _STRENGTHS if config.strength is None else (config.strength,)
    found, linear = [], None
    with progress.task("fitting", len(strengths), "models") as advance:
        for strength in strengths:
            linear = fit_linear(
                there, lesson.targets, lesson.loss, strength, scale=scale, start=linear
            )
            mixed = _mixed(linear, scale, config.interpolation)
            judged = lesson.judge(chances(mixed.outputs(held), lesson.loss))
            found.append((judged, strength, mixed))
            advance(1)
    _, strength, mixed = max(found, key=lambda one: one[0])  # of equals the smoothest, the first
    model = PresenceModel(vocabulary, mixed, config.ngrams, lesson.loss)
    return Learned(fitted=model, chosen={"strength": strength})


def _mixed(linear: Linear, scale: NDArray[np.float64], share: float) -> Linear:
    """Return learned weights mixed with their mean size for all, which is naive Bayes."""
    learned = linear.weights / scale
    even = np.abs(learned).sum(axis=0) / max(len(learned), 1)
    return Linear((share * learned + (1 - share) * even) * scale, linear.bias)


def load(tensors: Mapping[str, NDArray]) -> PresenceModel:
    """Return the model that `PresenceModel.tensors` describes."""
    return PresenceModel(
        Vocabulary(tensors["hashes"]),
        Linear(tensors["weights"].astype(np.float64), tensors["bias"]),
        int(tensors["ngrams"]),
        str(tensors["loss"]),
    )


METHOD = Method(name="nbsvm", config=NbsvmConfig, fit=fit, load=load, needs=gram_needs)
