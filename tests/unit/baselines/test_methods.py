"""Every method of every task: it learns, repeats itself, and is the same when opened again."""

import numpy as np
import pytest

from tests.unit.baselines.reviews import classes, labelled, numbers, pairs, reviews, several
from tokpipe.baselines.config import VectorsConfig
from tokpipe.baselines.nbsvm import log_ratios
from tokpipe.baselines.registry import ENTRIES, method_of
from tokpipe.baselines.train import train_on
from tokpipe.finetuning.registry import task_of
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError

DATA = {"classification": classes, "multilabel": several, "regression": numbers}
ALL = [(entry.name, task) for entry in ENTRIES for task in entry.tasks if task in DATA]
BAGS = [(method, task) for method, task in ALL if method != "bilstm"]


def settings(method, **given):
    """Return settings under which rare words count."""
    kind = method_of(method).config
    if method == "bilstm":
        small = {"dimensions": 24, "hidden": 16, "learning_rate": 0.01, "epochs": 10}
        return kind(min_count=1, **small, **given)
    return kind(min_texts=1, **given)


def trained(method, task, make=None, config=None, seed=0, rows=300):
    make, learner = make or DATA[task], method_of(method)
    parts = {"train": make(rows, 1), "validation": make(100, 2), "test": make(200, 3)}
    found, said = train_on(learner, task_of(task), parts, config or settings(method), seed=seed)
    return found, said["test"][1]


@pytest.mark.parametrize(("method", "task"), ALL)
def test_what_words_tell_is_learned(method, task):
    found, _ = trained(method, task)
    scores = found.report.scores["test"]
    assert scores.scores[0].value > 0.93 > scores.majority + 0.1
    assert found.report.method == method and found.report.rows["train"] == 300
    assert found.seconds > 0 and found.speed > 0


@pytest.mark.parametrize("method", [entry.name for entry in ENTRIES])
def test_what_only_a_pair_tells_is_learned(method):
    found, _ = trained(method, "classification", pairs)
    assert found.report.scores["test"].scores[0].value > 0.9


@pytest.mark.parametrize(("method", "task"), ALL)
def test_the_same_seed_gives_the_same_predictions(method, task):
    first, again = (trained(method, task, rows=80)[1] for _ in range(2))
    for one, other in ((first.probabilities, again.probabilities), (first.values, again.values)):
        assert one is None or (one == other).all()


@pytest.mark.parametrize(("method", "task"), ALL)
def test_a_model_read_from_its_tensors_says_the_same(method, task):
    fitted = trained(method, task, rows=80)[0].baseline.fitted
    texts = DATA[task](30, 9).texts
    read = method_of(method).load(fitted.tensors())
    assert read.outputs(texts) == pytest.approx(fitted.outputs(texts), abs=1e-5)


@pytest.mark.parametrize("method", [entry.name for entry in ENTRIES])
def test_more_than_two_classes_are_learned(method):
    words = ("red", "green", "blue", "black")

    def make(count, seed):
        draw = np.random.default_rng(seed)
        labels = draw.integers(0, 4, count)
        texts = [f"it is {words[label]} {draw.integers(0, 9)}" for label in labels]
        return labelled(texts, labels.astype(np.int32), words)

    found, said = trained(method, "classification", make)
    assert found.report.scores["test"].scores[0].value == 1.0
    assert said.probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("method", "task"), ALL)
def test_texts_without_a_known_word_get_an_answer(method, task):
    fitted = trained(method, task, rows=80)[0].baseline.fitted
    found = fitted.outputs((Strings.from_list(["", "zzz qqq", "🦊"]),))
    assert np.isfinite(found).all() and len(found) == 3
    assert (found == found[0]).all() or method == "bilstm"  # which reads how many there are


@pytest.mark.parametrize(("method", "task"), BAGS)
def test_training_texts_that_share_no_word_still_train(method, task):
    learner = method_of(method)
    found, _ = trained(method, task, config=learner.config(min_texts=10**6), rows=40)
    assert np.isfinite(found.baseline.fitted.outputs((Strings.from_list(["film"]),))).all()


def test_settings_that_are_given_are_not_chosen():
    config = VectorsConfig(learning_rate=0.2, word_dropout=0.25, epochs=2)
    found, _ = trained("vectors", "classification", config=config, rows=40)
    assert found.chosen["learning_rate"] == 0.2 and found.chosen["word_dropout"] == 0.25
    assert found.chosen["epoch"] in (1, 2)


def test_a_rate_that_is_too_large_is_said():
    config = VectorsConfig(learning_rate=100.0, epochs=3, word_dropout=0.9, min_texts=1)
    with pytest.raises(ConfigError, match="learning_rate=100 is too large"):
        trained("vectors", "multilabel", config=config)


def test_naive_bayes_counts_what_is_within_a_class_and_outside():
    from scipy.sparse import csr_array

    there = csr_array(np.array([[1.0, 0], [1, 1], [0, 1]]))
    targets = np.array([[1.0, 0], [1, 0], [0, 1]])
    ratios = log_ratios(there, targets, 1.0)
    within, outside = np.array([3, 2]) / 5, np.array([1, 2]) / 3
    assert ratios[:, 0] == pytest.approx(np.log(within / outside))
    assert ratios[:, 1] == pytest.approx(-ratios[:, 0])


def test_a_method_that_has_learned_nothing_is_told_as_a_model_is():
    found, _ = trained("bow", "classification", config=method_of("bow").config(min_texts=10**6))
    assert any("of every text; it has learned nothing" in note for note in found.report.notes)


def test_reviews_of_the_test_part_are_other_ones():
    assert reviews(200, 1)[0] != reviews(200, 3)[0]
