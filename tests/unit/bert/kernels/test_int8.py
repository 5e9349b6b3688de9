"""Products in 8 bits at the borders of their arrays."""

import numpy as np
import pytest

from tests.unit.bert.kernels.test_own_products import Fenced, normal
from tokpipe.bert.kernels.int8 import multiply_codes, pack_columns, quantise_rows
from tokpipe.foundation.processors import multiplies

pytestmark = pytest.mark.skipif(
    not multiplies("int8"), reason="this processor has no products in 8 bits"
)


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize(
    ("rows", "columns", "depth"), [(1, 1, 1), (14, 32, 64), (15, 33, 65), (13, 31, 63), (70, 50, 9)]
)
def test_nothing_beside_the_arrays_is_touched(rows, columns, depth, at_end):
    fenced, numbers = Fenced(), np.random.default_rng(0)

    def placed(values):
        return fenced.array(values, at_end)

    matrix = numbers.integers(-127, 128, (columns, depth)).astype(np.int8)
    panels = placed(pack_columns(matrix))
    codes = placed(np.zeros((-(-rows // 14) * 14, -(-depth // 4) * 4), np.uint8))
    scales, zeros = placed(np.zeros(rows, np.float32)), placed(np.zeros(rows, np.int32))
    x = placed(normal(1, rows, depth))
    quantise_rows(
        *(x, placed(np.zeros(depth, np.float32)), placed(np.ones(depth, np.float32))),
        *(codes, scales, zeros),
    )
    out = placed(normal(3, rows, columns))
    multiply_codes(
        *(codes, scales, zeros, panels, placed(np.ones(panels.shape[0] * 32, np.float32))),
        *(panels.sum((1, 3), dtype=np.int32).reshape(-1), placed(np.zeros(0, np.int32))),
        *(placed(np.zeros(columns, np.float32)), out),
    )
    error = np.abs(out - x @ matrix.T.astype(np.float32)).max()
    assert error <= 0.51 * scales.max() * 127 * depth
