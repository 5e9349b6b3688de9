import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tokpipe.bert.head import Capacity
from tokpipe.training.config import TrainingConfig
from tokpipe.training.trainer import Trainer

BATCHES = 5


@pytest.fixture
def batches():
    return [random_batch(small_config(), seed=seed) for seed in range(BATCHES)]


def trainer(threads):
    parameters = random_parameters(small_config()).astype(np.float32)
    return Trainer(TrainingConfig(gradient_shards=2), parameters, Capacity(8, 2, 2), threads)


def test_outputs_are_logits_and_losses_of_each_batch_in_order(batches):
    made = trainer(1)
    logits, losses = made.outputs("mlm", batches, lambda: False)
    for found, batch in zip(logits, batches, strict=True):
        np.testing.assert_allclose(found, made.model.logits("mlm", batch), atol=1e-5)
    wanted = made.evaluate(batches, lambda: False)
    assert losses["mlm"].asked == wanted["mlm"].asked
    assert losses.total == pytest.approx(wanted.total, rel=1e-5)


def test_threads_change_no_bit_of_them(batches):
    (one, losses), (two, same) = (trainer(t).outputs("nsp", batches, lambda: False) for t in (1, 2))
    assert dict(losses) == dict(same)
    np.testing.assert_array_equal(np.concatenate(one), np.concatenate(two))


def test_they_end_early_when_stopped(batches):
    answers = iter([False, False, True])
    logits, _ = trainer(1).outputs("mlm", batches, lambda: next(answers))
    assert len(logits) == 2
