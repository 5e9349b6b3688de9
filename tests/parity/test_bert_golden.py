"""The model against numbers that transformers gave: the judge's words, without the judge."""

import json

import numpy as np
import pytest

from tests.golden.make_bert import GOLDEN, projections
from tests.unit.bert.models import judged_batch, trained
from tokpipe.bert.config import BertConfig
from tokpipe.bert.model import Model


@pytest.mark.parametrize(("preset", "tolerance"), [("tiny", 1e-5), ("small", 1e-4)])
def test_losses_logits_and_gradients_are_those_of_transformers(preset, tolerance):
    golden = json.loads(GOLDEN.read_text())[preset]
    config = BertConfig.preset(preset)
    model, batch = Model(config, trained(config)), judged_batch(config)
    gradients, workspace = model.parameters.zeros_like(), model.workspace(400, 8, 60)
    losses = model.loss_and_gradients(batch, gradients, workspace)
    assert losses.total == pytest.approx(golden["loss"], rel=tolerance)
    logits = model.logits("mlm", batch, workspace)[::6, ::3001]
    np.testing.assert_allclose(logits, golden["mlm_logits"], atol=tolerance * np.abs(logits).max())
    pairs = model.logits("nsp", batch, workspace)
    np.testing.assert_allclose(pairs, golden["nsp_logits"], atol=tolerance * np.abs(pairs).max())
    assert set(golden["gradients"]) == set(gradients.views)
    for name, view in gradients.views.items():
        expected = np.array(golden["gradients"][name])
        error = np.abs(np.array(projections(view)) - expected).max()
        assert error <= tolerance * expected[0], name
