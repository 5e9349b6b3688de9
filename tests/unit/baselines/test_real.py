"""How good the methods are on reviews of films that people have written."""

import pytest

from tokpipe.baselines.registry import method_of
from tokpipe.baselines.train import read_data, train_on
from tokpipe.finetuning.registry import task_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(shared_data):
    folder = shared_data / "tasks" / "imdb"
    paths = {"train": folder / "train.jsonl.bz2", "test": folder / "test-2000.jsonl.bz2"}
    parts = read_data("classification", paths)

    def accuracy(method):
        learner = method_of(method)
        trained, _ = train_on(learner, task_of("classification"), parts, learner.config())
        return trained.report.scores["test"]["accuracy"].value

    return {method: accuracy(method) for method in ("bow", "nbsvm", "vectors")}


def test_naive_bayes_with_a_linear_model_reads_91_of_100_reviews_rightly(found):
    assert found["nbsvm"] >= 0.91


def test_averaged_vectors_are_within_half_a_point_of_it(found):
    assert found["vectors"] >= found["nbsvm"] - 0.005


def test_a_bag_of_words_is_not_far_behind(found):
    assert found["bow"] >= 0.89
