"""The BiLSTM as a method: tags and texts, threads, long texts, and what it needs."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.baselines.reviews import classes
from tests.unit.baselines.sentences import tagged
from tokpipe.baselines.bilstm import METHOD, WordInputs, load, needs
from tokpipe.baselines.config import BilstmConfig
from tokpipe.baselines.method import Sentences
from tokpipe.baselines.spelling import Spelling
from tokpipe.baselines.train import train_on
from tokpipe.finetuning.registry import task_of
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError

SMALL = BilstmConfig(
    dimensions=16, hidden=12, min_count=1, epochs=6, batch_size=8, learning_rate=0.02
)
MAKE = {"pos": tagged, "ner": lambda count, seed: tagged(count, seed, entities=True)}


def trained(task, config=SMALL, seed=0, rows=200, threads=None):
    make = MAKE.get(task, classes)
    parts = {"train": make(rows, 1), "validation": make(50, 2), "test": make(80, 3)}
    found, said = train_on(METHOD, task_of(task), parts, config, seed=seed, threads=threads)
    return found, said["test"]


@pytest.mark.parametrize(("task", "least"), [("pos", 0.99), ("ner", 0.95)])
def test_words_that_were_never_met_are_told_by_spelling_and_neighbours(task, least):
    found, (part, said) = trained(task)
    assert found.report.scores["test"].scores[0].value >= least
    assert len(said.tags) == len(part.data.words) == len(said.probabilities)
    assert 1 <= found.chosen["epoch"] <= SMALL.epochs


@pytest.mark.parametrize("task", ["pos", "classification"])
def test_weights_depend_on_the_seed_and_on_no_thread(task):
    short = replace(SMALL, epochs=2)
    first, again, other = (
        trained(task, short, seed, 60, threads)[0].baseline.fitted.tensors()
        for seed, threads in ((0, 1), (0, 3), (1, 1))
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["output.weight"], other["output.weight"])


def test_two_layers_learn_too():
    found, _ = trained("pos", replace(SMALL, layers=2))
    assert found.report.scores["test"].scores[0].value > 0.97


def test_a_sentence_of_any_length_has_a_tag_at_every_word():
    fitted = trained("pos", replace(SMALL, epochs=1), rows=20)[0].baseline.fitted
    words = Strings.from_list(["the"] * 20_001)
    found = fitted.outputs(Sentences(words, np.array([0, 20_000, 20_001])))
    assert found.shape == (20_001, 3) and found.sum(axis=1) == pytest.approx(1)


def test_of_a_long_text_both_ends_are_read():
    fitted = trained("classification", replace(SMALL, max_words=4), rows=40)[0].baseline.fitted
    texts = [f"film plot {middle}end time" for middle in ("", "great poor one ", "music awful ")]
    texts.append("film great plot end time")
    found = fitted.outputs((Strings.from_list(texts),))
    assert (found[1] == found[0]).all() and (found[2] == found[0]).all()
    assert (found[3] != found[0]).any()


def test_a_model_read_from_its_tensors_says_the_same():
    fitted = trained("ner", rows=40)[0].baseline.fitted
    asked = Sentences(*[getattr(tagged(9, 5), name) for name in ("words", "borders")])
    assert np.array_equal(load(fitted.tensors()).outputs(asked), fitted.outputs(asked))


def test_rare_words_are_left_out_more_often():
    words = Strings.from_list(["often"] * 9 + ["once"])
    _, spelled = Spelling.of(words, 3, 1, 100)
    inputs = WordInputs(spelled, np.arange(10), 1.0)
    left_out = np.zeros(10)
    for key in range(400):
        left_out += inputs._index(np.arange(10), key) >= spelled.types
    assert left_out[:9].mean() / 400 == pytest.approx(0.1, abs=0.03)
    assert left_out[9] / 400 == pytest.approx(0.5, abs=0.1)
    assert (inputs._index(np.arange(10), None) < spelled.types).all()


def test_a_rate_that_is_too_large_is_said():
    with pytest.raises(ConfigError, match="learning_rate=1 is too large"):
        trained("pos", replace(SMALL, learning_rate=1.0, weight_decay=1e38), rows=40)


def test_what_is_needed_grows_with_sizes_and_rows():
    parts = {"train": classes(400, 1)}
    few = needs(parts, SMALL, 2)
    for wider in (replace(SMALL, hidden=24), replace(SMALL, dimensions=64)):
        more = needs(parts, wider, 2)
        assert sum(more.memory.values()) > sum(few.memory.values()) and more.disk > few.disk
    assert needs(parts, replace(SMALL, epochs=12), 2).seconds == pytest.approx(2 * few.seconds)
    assert needs({"train": classes(800, 1)}, SMALL, 2).memory["words"] > few.memory["words"]
    assert {*few.memory} == {*few.hints}
