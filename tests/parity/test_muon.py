"""Muon beside torch's own."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the peers extra is not installed")
if not hasattr(torch.optim, "Muon"):
    pytest.skip("this torch has no Muon", allow_module_level=True)

from tests.unit.training.test_muon import (  # noqa: E402
    MODELS,
    RATE,
    SHAPE,
    STEPS,
    gradient_of,
    moved,
)
from tokpipe.bert.config import BertConfig  # noqa: E402
from tokpipe.bert.parameters import Parameters  # noqa: E402
from tokpipe.training import muon  # noqa: E402
from tokpipe.training.muon import maps_in, orthogonalised  # noqa: E402

pytestmark = pytest.mark.peers
JORDANS = (3.4445, -4.7750, 2.0315)  # coefficients, which torch has


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_is_torchs(monkeypatch, model, decay):
    theirs = partial(orthogonalised, coefficients=[JORDANS] * 5)
    monkeypatch.setattr(muon, "orthogonalised", theirs)
    config = BertConfig(**SHAPE, **MODELS[model])
    before, after, _ = moved(config, weight_decay=decay, max_grad_norm=0.0)
    first = Parameters(config)
    first.block[:] = before
    gradients = first.zeros_like()
    for name, count in maps_in(first.table).items():
        maps = [torch.nn.Parameter(torch.tensor(one)) for one in np.split(first.views[name], count)]
        judge = torch.optim.Muon(
            maps, lr=RATE, weight_decay=decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        for step in range(STEPS):
            gradients.block[:] = gradient_of(gradients, step)
            for one, gradient in zip(maps, np.split(gradients.views[name], count), strict=True):
                one.grad = torch.tensor(gradient)
            judge.step()
        wanted = np.concatenate([one.detach().numpy() for one in maps]) - first.views[name]
        found = after.views[name] - first.views[name]
        # torch iterates in bfloat16
        assert np.linalg.norm(found - wanted) < 0.03 * np.linalg.norm(wanted), name
