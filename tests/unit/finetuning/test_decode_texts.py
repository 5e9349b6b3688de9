import numpy as np
import pytest

from tests.unit.finetuning.rows import BERT, texts_of
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.decode_texts import decode_texts
from tokpipe.finetuning.encode_texts import encode_texts

ROWS = ["a", "a b c e a b c e", ""]  # one window, three, one
CONFIG = WindowConfig(max_seq_length=6, stride=2, long_texts="mean")


def encoded(labels=None):
    data = texts_of(ROWS, labels=labels)
    examples = encode_texts(data, BERT, CONFIG, None)
    assert examples.row.tolist() == [0, 1, 1, 1, 2]
    return data, examples


def test_classes_are_the_mean_of_the_probabilities_of_windows():
    logits = np.log(np.array([[1, 3], [1, 1], [1, 3], [3, 1], [1, 9]], np.float32))
    found = decode_texts(*encoded(), logits)
    assert found.values is None and found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities, [[0.25, 0.75], [0.5, 0.5], [0.1, 0.9]], 1e-6)


def test_numbers_are_the_mean_of_windows():
    logits = np.array([[1.5], [1], [2], [6], [-1]], np.float32)
    found = decode_texts(*encoded(), logits, "regression")
    assert found.values.tolist() == [1.5, 3.0, -1.0] and found.probabilities is None


def test_several_labels_are_each_the_mean_of_windows():
    logits = np.array([[0, 900], [0, -900], [0, 900], [0, 900], [-900, 0]], np.float32)
    found = decode_texts(*encoded(), logits, "multilabel")
    np.testing.assert_allclose(found.probabilities, [[0.5, 1], [0.5, 2 / 3], [0, 0.5]], 1e-6)


@pytest.mark.parametrize("long_texts", ["head", "head-tail", "mean"])
def test_what_was_encoded_comes_back_from_logits_of_its_labels(long_texts):
    generator = np.random.default_rng(1)
    rows = [" ".join(generator.choice(["a", "b", "the"], n)) for n in (3, 3_000, 1, 90, 0, 500)]
    labels = np.array([2, 0, 1, 1, 0, 2], np.int32)
    data = texts_of(rows, rows[::-1], labels=labels)
    config = WindowConfig(max_seq_length=64, long_texts=long_texts)
    examples = encode_texts(data, BERT, config, None)
    logits = 5 * np.eye(3, dtype=np.float32)[examples.labels]
    assert decode_texts(data, examples, logits).probabilities.argmax(axis=1).tolist() == [
        *labels.tolist()
    ]


def test_no_text_is_no_prediction():
    data = texts_of([])
    examples = encode_texts(data, BERT, CONFIG, None)
    assert decode_texts(data, examples, np.zeros((0, 3))).probabilities.shape == (0, 3)
