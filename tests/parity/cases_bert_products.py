"""Arguments for products of our own: odd shapes, and numbers that are none."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_bert import SEEDS, normal
from tokpipe.bert.kernels import bfloat16, float32
from tokpipe.bert.kernels.bfloat16 import to_bfloat16
from tokpipe.bert.kernels.blocks import new_scratch, scratch_address
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT
from tokpipe.bert.workspace import new_halves
from tokpipe.foundation.processors import has_pairs, multiplies

SIZES = st.integers(1, 70)
DEPTHS = SIZES | st.sampled_from([384, 385, 512, 513, 1030])
# what rounding has to look at: none, infinite, below the normal numbers, half between two, greatest
ODD = np.array(
    [0x7FC00000, 0xFF800001, 0x7F800000, 0xFF800000, 1, 0x807FFFFF, 0x3F808000, 0x3F818000, 0, 1],
    np.uint32,
).view(np.float32)
BLOCKS = float32.BLOCKS, bfloat16.PAIRS, bfloat16.SINGLES
SCRATCH = new_scratch(max(blocks.scratch_bytes for blocks in BLOCKS))


def operand(draw, seed, *shape):
    """Return random numbers; with some luck, a few of them odd."""
    values = normal(seed, *shape)
    if draw(st.integers(0, 3)) == 0:
        places = np.random.default_rng(seed).integers(0, values.size, 3)
        values.reshape(-1)[places] = draw(st.permutations(list(ODD)))[:3]
    return values


def scratch():
    """Return used scratch memory: what a product leaves there must not matter to the next."""
    return scratch_address(SCRATCH)


@st.composite
def matrices(draw, rounds=False):
    seed, rows, depth = draw(SEEDS), draw(SIZES | st.just(470)), draw(DEPTHS)
    columns, transposed = draw(SIZES | st.just(2100)), draw(st.sampled_from([NOT, LEFT, RIGHT]))
    left = operand(draw, seed, *((depth, rows) if transposed == LEFT else (rows, depth)))
    right = operand(
        draw, seed + 1, *((columns, depth) if transposed == RIGHT else (depth, columns))
    )
    bias = normal(seed + 3, columns if draw(st.booleans()) else 0)
    out = normal(seed + 2, rows, columns)
    halves = draw(st.sampled_from([0, LEFT, RIGHT, LEFT | RIGHT])) if rounds else 0
    if transposed == RIGHT:
        halves &= LEFT
    left, right = (
        in_halves(each) if halves & which else each
        for each, which in ((left, LEFT), (right, RIGHT))
    )
    return left, right, bias, transposed, draw(st.booleans()), out, scratch(), halves


def in_halves(values):
    """Return rows of bfloat16 as kernels are handed them: as many float32 as they fill."""
    halves = new_halves(*values.shape)
    halves.fill(0x7FC1)  # none of a number behind them matters
    halves[:, : values.shape[1]] = to_bfloat16(values)
    return halves.view(np.float32)


@st.composite
def tiles(draw):
    rng, steps = np.random.default_rng(draw(SEEDS)), draw(st.integers(0, 9))
    left = rng.integers(0, 256, (14, 4 * steps)).astype(np.uint8)
    right = rng.integers(-128, 128, (steps, 32, 4)).astype(np.int8)
    out = rng.integers(-1000, 1000, (14, 32)).astype(np.int32)
    return left, right, draw(st.integers(0, 3)), out


PRODUCTS = {
    "tokpipe.bert.kernels.float32.multiply_in_float32": multiplies("float32"),
    "tokpipe.bert.kernels.bfloat16.multiply_by_pairs": has_pairs(),
    "tokpipe.bert.kernels.bfloat16.multiply_by_singles": multiplies("bfloat16"),
}
CASES = {name: matrices(rounds="bfloat16" in name) for name in PRODUCTS}
TOLERANCES = dict.fromkeys(PRODUCTS, 1e-5)
CASES["tokpipe.bert.kernels.tiles.add_int8_tiles"] = tiles()
PRODUCTS["tokpipe.bert.kernels.tiles.add_int8_tiles"] = multiplies("int8")
