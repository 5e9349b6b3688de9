"""The loss against a teacher's softened answers beside torch's."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the peers extra is not installed")

from tokpipe.bert.kernels.losses import soft_cross_entropy  # noqa: E402

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_soft_cross_entropy_is_that_of_torch(temperature):
    rng = np.random.default_rng(0)
    logits, teacher = (3 * rng.standard_normal((9, 5)).astype(np.float32) for _ in range(2))
    theirs = torch.tensor(logits, requires_grad=True)
    loss = temperature**2 * torch.nn.functional.cross_entropy(
        theirs / temperature, torch.tensor(teacher / temperature).softmax(1), reduction="sum"
    )
    (loss / 9).backward()
    d_bias = np.zeros(5, np.float32)
    found = soft_cross_entropy(logits, teacher, temperature, 1 / 9, d_bias)
    assert found == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(logits, theirs.grad.numpy(), atol=1e-6)
    np.testing.assert_allclose(d_bias, theirs.grad.numpy().sum(0), atol=1e-5)
