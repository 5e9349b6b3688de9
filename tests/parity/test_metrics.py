"""Scores against scikit-learn, SciPy and seqeval."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.stats

from tokpipe.metrics import classes, entities, numbers
from tokpipe.metrics.entities import entity_f1, entity_rows

sklearn = pytest.importorskip("sklearn.metrics", reason="the peers extra is not installed")
seqeval = pytest.importorskip("seqeval.metrics", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

CASES = [
    pytest.param(400, id="400"),
    pytest.param(10_000, id="10000", marks=pytest.mark.slow),
]
CLOSE = 1e-12


def drawn_codes(draw):
    kinds, rows = int(draw.integers(1, 7)), int(draw.choice([1, 2, 3, 5, 20, 200]))
    gold = draw.integers(0, kinds, rows)
    return draw.choice(
        [gold, np.full(rows, gold[0]), np.where(draw.random(rows) < 0.7, gold, 0)]
    ), draw.choice([draw.integers(0, kinds, rows), np.full(rows, kinds - 1), gold])


@pytest.mark.parametrize("count", CASES)
def test_classes_score_as_in_scikit_learn(count, compared):
    draw = np.random.default_rng(1)
    for _ in range(count):
        gold, guess = drawn_codes(draw)
        assert classes.accuracy(gold, guess) == pytest.approx(
            sklearn.accuracy_score(gold, guess), abs=CLOSE
        )
        for average in ("macro", "micro"):
            theirs = sklearn.f1_score(gold, guess, average=average)
            assert classes.f1(gold, guess, average) == pytest.approx(theirs, abs=CLOSE)
        theirs = sklearn.f1_score(gold == 1, guess == 1)
        assert classes.f1(gold, guess, "binary") == pytest.approx(theirs, abs=CLOSE)
        theirs = sklearn.matthews_corrcoef(gold, guess)
        assert classes.matthews(gold, guess) == pytest.approx(theirs, abs=CLOSE)
    compared("scores", class_columns=count)


@pytest.mark.parametrize("count", CASES)
def test_tables_of_classes_are_those_of_scikit_learn(count):
    draw = np.random.default_rng(2)
    for _ in range(count // 4):
        gold, guess = drawn_codes(draw)
        labels = list(range(7))
        table = classes.confusion(gold, guess, 7)
        assert (table == sklearn.confusion_matrix(gold, guess, labels=labels)).all()
        rows = classes.class_rows(gold, guess, tuple("abcdefg"))
        theirs = sklearn.precision_recall_fscore_support(gold, guess, labels=labels)
        assert pytest.approx(np.array(theirs), abs=CLOSE) == np.array([row[1:] for row in rows]).T


@pytest.mark.parametrize("count", CASES)
def test_labels_score_as_in_scikit_learn(count, compared):
    draw = np.random.default_rng(3)
    for _ in range(count):
        shape = int(draw.choice([1, 2, 5, 40])), int(draw.integers(2, 6))
        gold = (draw.random(shape) < draw.choice([0.05, 0.5])).astype(int)
        scores = draw.random(shape).round(int(draw.choice([1, 9])))
        guess = (scores >= 0.5).astype(int)
        for average in ("macro", "micro"):
            theirs = sklearn.f1_score(gold, guess, average=average)
            assert classes.f1(gold, guess, average) == pytest.approx(theirs, abs=CLOSE)
        assert classes.accuracy(gold, guess) == pytest.approx(sklearn.accuracy_score(gold, guess))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = sklearn.roc_auc_score(gold, scores, average="macro")
        ours = classes.roc_auc(gold, scores)
        assert ours == pytest.approx(theirs, abs=CLOSE, nan_ok=True)
    compared("scores", label_tables=count)


@pytest.mark.parametrize("count", CASES)
def test_numbers_correlate_as_in_scipy(count, compared):
    draw = np.random.default_rng(4)
    for _ in range(count):
        rows = int(draw.choice([2, 3, 5, 30, 300]))
        gold = draw.normal(size=rows) * 10.0 ** draw.integers(-6, 6) + draw.normal() * 100
        guess = draw.choice([draw.normal(size=rows), gold + draw.normal(size=rows), np.ones(rows)])
        if draw.random() < 0.5:
            gold, guess = gold.round(), guess.round(1)
        theirs = scipy.stats.pearsonr(gold, guess)[0]
        assert numbers.pearson(gold, guess) == pytest.approx(theirs, abs=1e-9, nan_ok=True)
        theirs = scipy.stats.spearmanr(gold, guess)[0]
        assert numbers.spearman(gold, guess) == pytest.approx(theirs, abs=CLOSE, nan_ok=True)
    compared("scores", number_columns=count)


SCHEMES = {
    "IOB2": ("O", "B-A", "I-A", "B-B", "I-B"),
    "IOBES": ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"),
}


@pytest.mark.parametrize("count", CASES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_entities_score_as_in_seqeval(scheme, count, compared):
    from seqeval import scheme as schemes

    draw, names = np.random.default_rng(5), SCHEMES[scheme]
    for _ in range(count):
        lengths = draw.integers(1, 7, int(draw.integers(1, 5)))
        borders = np.concatenate([[0], np.cumsum(lengths)])
        gold = draw.integers(0, len(names), borders[-1])
        guess = np.where(
            draw.random(borders[-1]) < 0.8, gold, draw.integers(0, len(names), borders[-1])
        )
        lists = [
            [[names[tag] for tag in tags[a:b]] for a, b in itertools.pairwise(borders)]
            for tags in (gold, guess)
        ]
        strict = {"mode": "strict", "scheme": getattr(schemes, scheme)}
        for mode, settings in (("lenient", {}), ("strict", strict)):
            theirs = seqeval.f1_score(*lists, zero_division=0, **settings)
            assert entity_f1(gold, guess, borders, names, mode) == pytest.approx(theirs, abs=CLOSE)
            report = seqeval.classification_report(
                *lists, output_dict=True, zero_division=0, **settings
            )
            for row in entity_rows(gold, guess, borders, names, mode):
                expected = report.get(row.name, dict.fromkeys(("precision", "recall"), 0.0))
                pair = expected["precision"], expected["recall"]
                assert (row.precision, row.recall) == pytest.approx(pair, abs=CLOSE)
        theirs = seqeval.accuracy_score(*lists)
        assert entities.token_accuracy(gold, guess) == pytest.approx(theirs, abs=CLOSE)
    compared("scores", tagged_texts=count)
