"""Linear models and weighed counts against scikit-learn's."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tokpipe.baselines.bow import weighed
from tokpipe.baselines.features import Vocabulary, grams_of
from tokpipe.baselines.linear import chances, fit_linear
from tokpipe.foundation.arrays import Strings

linear_model = pytest.importorskip(
    "sklearn.linear_model", reason="the peers extra is not installed"
)
text = pytest.importorskip(
    "sklearn.feature_extraction.text", reason="the peers extra is not installed"
)

pytestmark = pytest.mark.peers

DRAW = np.random.default_rng(1)
FEATURES = csr_array((DRAW.random((300, 12)) < 0.3) * DRAW.normal(size=(300, 12)))
SCORES = FEATURES @ DRAW.normal(size=(12, 3)) + DRAW.normal(size=(300, 3))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strength", [0.05, 1.0, 20.0])
def test_logistic_regression_has_the_chances_of_scikit_learn(classes, strength):
    labels = SCORES[:, :classes].argmax(axis=1)
    found = fit_linear(FEATURES, np.eye(classes)[labels], "softmax", strength)
    # of two classes they learn one output, whose penalty is twice that on two opposite ones
    theirs = linear_model.LogisticRegression(C=strength * (2 if classes == 2 else 1), tol=1e-8)
    theirs.fit(FEATURES, labels)
    ours = chances(found.outputs(FEATURES), "softmax")
    assert ours == pytest.approx(theirs.predict_proba(FEATURES), abs=2e-3)


@pytest.mark.parametrize("strength", [0.05, 1.0, 20.0])
def test_ridge_regression_has_the_values_of_scikit_learn(strength):
    found = fit_linear(FEATURES, SCORES, "squared", strength)
    theirs = linear_model.Ridge(alpha=1 / strength).fit(FEATURES, SCORES)
    assert found.outputs(FEATURES) == pytest.approx(theirs.predict(FEATURES), abs=1e-2)


@pytest.mark.parametrize("longest", [1, 3])
def test_counts_are_weighed_as_by_scikit_learn(longest):
    words = ["the", "cat", "saw", "a", "dog", "in", "old", "town", "and", "ran"]
    texts = [" ".join(DRAW.choice(words, DRAW.integers(0, 20))) for _ in range(60)]
    grams = grams_of((Strings.from_list(texts),), longest)
    vocabulary, counts = Vocabulary.of(grams, 2, 10**6)
    rarity = np.log((1 + 60) / (1 + np.bincount(counts.indices, minlength=len(vocabulary)))) + 1
    ours = weighed(counts, rarity)
    theirs = text.TfidfVectorizer(
        ngram_range=(1, longest), min_df=2, sublinear_tf=True, token_pattern=r"\S+"
    ).fit_transform(texts)
    assert ours.shape == theirs.shape and ours.nnz == theirs.nnz
    products = [one @ one.T for one in (ours, theirs)]  # the same in any order of the features
    assert products[0].toarray() == pytest.approx(products[1].toarray(), abs=1e-9)
