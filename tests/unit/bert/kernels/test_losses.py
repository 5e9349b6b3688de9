import numpy as np
import pytest

from tokpipe.bert.kernels.bfloat16 import to_float32
from tokpipe.bert.kernels.losses import cross_entropy


def of_classes(classes):
    rng = np.random.default_rng(classes)
    logits = rng.standard_normal((5, classes)).astype(np.float32)
    return logits, rng.integers(0, classes, 5).astype(np.int32)


@pytest.mark.parametrize("classes", [1, 2, 15, 33, 1_000])
def test_the_gradient_may_lie_over_the_logits_in_float32_or_bfloat16(classes):
    logits, targets = of_classes(classes)
    expected, bias = np.empty_like(logits), np.zeros(classes, np.float32)
    loss = cross_entropy(logits, targets, 0.2, bias, expected)
    over, same = logits.copy(), np.zeros(classes, np.float32)
    assert cross_entropy(over, targets, 0.2, same, over) == loss
    np.testing.assert_array_equal(over, expected)
    np.testing.assert_array_equal(same, bias)
    halves, rounded = logits.copy(), np.zeros(classes, np.float32)
    in_halves = halves.view(np.uint16)
    found = cross_entropy(halves, targets, 0.2, rounded, in_halves)
    assert found == pytest.approx(loss, rel=1e-6)
    made = to_float32(in_halves[:, :classes])
    np.testing.assert_allclose(made, expected, rtol=2**-8, atol=1e-7)  # 8 bits of fraction
    np.testing.assert_allclose(rounded, bias, rtol=1e-5, atol=1e-7)
