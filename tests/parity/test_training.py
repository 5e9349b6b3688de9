"""Ten steps of AdamW: losses and lengths of gradients beside torch's, live and as it gave them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.golden.make_training import GOLDEN, MODEL, STEPS, TRAINING, judge, start
from tokpipe.bert.head import Capacity
from tokpipe.training.schedule import Schedule
from tokpipe.training.trainer import Trainer


def ours(threads):
    """Return loss and length of the gradient of each step."""
    parameters, packed = start()
    without_dropout = MODEL.__class__.from_dict(
        MODEL.to_dict() | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    parameters.config = without_dropout
    rows = np.zeros((len(packed.offsets) - 1, 2), np.int64)
    batch = replace(packed, rows=rows)
    trainer = Trainer(TRAINING, parameters, Capacity(400, 8, 60), threads)
    schedule, found = Schedule(TRAINING, STEPS), []
    for step in range(STEPS):
        losses, norm = trainer.gradients([batch])
        trainer.optimizer.step(schedule.learning_rate(step, 0), norm)
        found.append([losses.total, norm])
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_ten_steps_are_those_that_torch_made(threads):
    np.testing.assert_allclose(ours(threads), json.loads(GOLDEN.read_text()), rtol=1e-4)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_ten_steps_are_those_of_torch(compared):
    pytest.importorskip("torch", reason="the peers extra is not installed")
    np.testing.assert_allclose(ours(2), judge(), rtol=1e-4)
    compared("ten steps of AdamW", steps=STEPS)
