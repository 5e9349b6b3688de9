"""Heads of jobs against numbers that transformers gave: the judge's words, without the judge."""

import json

import numpy as np
import pytest

from tests.golden.jobs import CASES, FILE, case
from tests.golden.make_bert import projections
from tokpipe.bert.model import Model

GOLDEN = json.loads(FILE.read_text())


def test_every_head_of_every_family_has_its_numbers():
    assert set(GOLDEN) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_losses_logits_and_gradients_are_those_of_transformers(name):
    config, parameters, batch = case(name)
    golden, model = GOLDEN[name], Model(config, parameters)
    gradients, workspace = parameters.zeros_like(), model.workspace(40, 4, 20)
    losses = model.loss_and_gradients(batch, gradients, workspace)
    assert losses.total == pytest.approx(golden["loss"], rel=1e-5)
    logits = model.logits(config.task, batch, workspace)
    np.testing.assert_allclose(logits, golden["logits"], atol=2e-5 * np.abs(logits).max())
    assert set(golden["gradients"]) == set(gradients.views)
    for tensor, view in gradients.views.items():
        expected = np.array(golden["gradients"][tensor])
        error = np.abs(np.array(projections(view)) - expected).max()
        assert error <= 1e-4 * expected[0] + 1e-6, tensor
