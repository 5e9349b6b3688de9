"""Arguments for products in 8 bits: rows of zeros, of no numbers and of the greatest; odd sizes."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_bert import SEEDS, normal
from tests.parity.cases_bert_products import SIZES, operand
from tokpipe.bert.kernels.int8 import pack_columns

DEPTHS = SIZES | st.sampled_from([384, 1027])
# what a whole row is multiplied by: zeros, beside the least scale, near the greatest numbers
FACTORS = st.sampled_from([0.0, 1.0, 1e-34, 2e-34, 1e-38, 1e30, 1e37, -1.0])


@st.composite
def rows(draw):
    seed, count, depth = draw(SEEDS), draw(SIZES), draw(DEPTHS)
    with np.errstate(over="ignore", invalid="ignore"):
        x = operand(draw, seed, count, depth)
        x *= np.float32(draw(FACTORS))
    shift = normal(seed + 1, depth) if draw(st.booleans()) else np.zeros(depth, np.float32)
    factor = np.abs(normal(seed + 2, depth)) + np.float32(0.1)
    beyond = draw(st.integers(0, 20))
    codes = np.full((count + 13, depth + beyond), 7, np.uint8)
    return x, shift, factor, codes, np.ones(count, np.float32), np.ones(count, np.int32)


@st.composite
def products(draw):
    seed, count, columns, depth = draw(SEEDS), draw(SIZES), draw(SIZES), draw(DEPTHS)
    numbers = np.random.default_rng(seed)
    is_extreme = draw(st.booleans())  # all sums as far from zero as can be
    codes = numbers.integers(255 if is_extreme else 0, 256, (count + 13, depth + 3 & ~3))
    matrix = numbers.integers(-127, -126 if is_extreme else 128, (columns, depth))
    seconds = numbers.permutation(columns)[: draw(st.integers(0, columns))].astype(np.int32)
    panels = pack_columns(matrix.astype(np.int8))
    if len(seconds):
        behind = numbers.integers(-127, 128, (len(seconds), depth)).astype(np.int8)
        panels = np.concatenate([panels, pack_columns(behind)])
    scales = normal(seed, len(codes))
    scales[numbers.random(len(codes)) < 0.1] = np.nan
    return (
        *(codes.astype(np.uint8), scales, numbers.integers(0, 256, len(codes)).astype(np.int32)),
        *(panels, normal(seed + 1, len(panels) * 32)),
        *(panels.sum((1, 3), dtype=np.int32).reshape(-1), seconds, normal(seed + 2, columns)),
        np.zeros((count, columns), np.float32),
    )


_KERNELS = "tokpipe.bert.kernels.int8"
CASES = {f"{_KERNELS}.quantise_rows": rows(), f"{_KERNELS}.multiply_codes": products()}
PRODUCTS = {f"{_KERNELS}.multiply_codes": "int8"}
