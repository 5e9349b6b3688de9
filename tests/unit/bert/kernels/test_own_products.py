"""Products of our own at the borders of their arrays, of few rows, and beside torch."""

import ctypes
import mmap
from functools import partial

import numpy as np
import pytest

from tests.parity.cases_bert_products import in_halves
from tokpipe.bert.kernels import bfloat16, float32
from tokpipe.bert.kernels.bfloat16 import rounded
from tokpipe.bert.kernels.blocks import new_scratch, scratch_address
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT
from tokpipe.foundation.processors import has_pairs, multiplies

NONE = np.empty(0, np.float32)
BLOCKS = float32.BLOCKS, bfloat16.PAIRS, bfloat16.SINGLES
SCRATCH = new_scratch(max(blocks.scratch_bytes for blocks in BLOCKS))
AT = scratch_address(SCRATCH)
SHAPES = [(1, 1, 1), (14, 32, 64), (15, 33, 65), (13, 31, 63), (70, 50, 513), (450, 17, 3)]


# the kernel, what it makes of its operands, and whether the processor has it
KERNELS = {
    "float32": (float32.multiply_in_float32, np.asarray, multiplies("float32")),
    "pairs": (bfloat16.multiply_by_pairs, rounded, has_pairs()),
    "singles": (bfloat16.multiply_by_singles, rounded, multiplies("bfloat16")),
}
ROUNDING = [name for name in ("pairs", "singles") if KERNELS[name][2]]


@pytest.fixture(params=KERNELS)
def product(request):
    """A kernel that fills `out`, and what it makes of its operands."""
    multiply, taken, is_there = KERNELS[request.param]
    if not is_there:
        pytest.skip("this processor has no such products")
    return multiply, taken


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class Fenced:
    """Memory that ends, or begins, at pages which may not be touched."""

    def __init__(self):
        self.maps = []

    def array(self, values, at_end):
        values = np.ascontiguousarray(values)
        page = mmap.PAGESIZE
        inner = max(page, -(-values.nbytes // page) * page)
        memory = mmap.mmap(-1, inner + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for place in (start, start + page + inner):
            assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(place), page, 0) == 0
        offset = page + (inner - values.nbytes if at_end else 0)
        array = np.frombuffer(memory, values.dtype, values.size, offset).reshape(values.shape)
        array[...] = values
        self.maps.append(memory)
        return array


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize(("rows", "columns", "depth"), SHAPES)
def test_nothing_beside_the_arrays_is_touched(product, rows, columns, depth, at_end):
    multiply, taken = product
    placed = partial(Fenced().array, at_end=at_end)
    x, right, bias = normal(0, rows, depth), normal(1, depth, columns), normal(2, columns)
    for matrix, transposed in ((right, NOT), (right.T, RIGHT)):
        out = placed(normal(3, rows, columns))
        multiply(placed(x), placed(matrix), placed(bias), transposed, False, out, AT, 0)
        np.testing.assert_allclose(out, bias + taken(x) @ taken(right), atol=1e-3)
    d_right = placed(normal(4, depth, columns))
    before, gradient = d_right.copy(), normal(5, rows, columns)
    multiply(placed(x), placed(gradient), NONE, LEFT, True, d_right, AT, 0)
    np.testing.assert_allclose(d_right, before + taken(x).T @ taken(gradient), atol=1e-3)


@pytest.mark.parametrize("rows", range(1, 60))
def test_each_height_of_a_tile(product, rows):
    multiply, taken = product
    x, right, out = normal(0, rows, 40), normal(1, 40, 35), np.empty((rows, 35), np.float32)
    for left, transposed in ((x, NOT), (np.ascontiguousarray(x.T), LEFT)):
        multiply(left, right, NONE, transposed, False, out, AT, 0)
        np.testing.assert_allclose(out, taken(x) @ taken(right), atol=1e-4)


def test_rows_do_not_depend_on_those_beside_them(product):
    multiply, _ = product
    x, weight, whole = normal(0, 100, 700), normal(1, 40, 700), np.empty((100, 40), np.float32)
    multiply(x, weight, NONE, RIGHT, False, whole, AT, 0)
    for first, last in ((0, 1), (3, 20), (50, 100)):
        part = np.empty((last - first, 40), np.float32)
        multiply(x[first:last], weight, NONE, RIGHT, False, part, AT, 0)
        np.testing.assert_array_equal(part, whole[first:last])


def test_a_bias_a_sum_and_nothing_to_begin_with(product):
    multiply, taken = product
    x, right, bias = normal(0, 20, 30), normal(1, 30, 40), normal(2, 40)
    exact, out = taken(x) @ taken(right), np.ones((20, 40), np.float32)
    for start, add, expected in (
        (bias, False, exact + bias),
        (NONE, True, 2 * exact + bias),
        (NONE, False, exact),
    ):
        multiply(x, right, start, NOT, add, out, AT, 0)
        np.testing.assert_allclose(out, expected, atol=1e-4)


def test_without_depth_there_is_the_bias(product):
    bias, out = normal(0, 40), np.ones((20, 40), np.float32)
    nothing = np.empty((20, 0), np.float32), np.empty((0, 40), np.float32)
    product[0](*nothing, bias, NOT, False, out, AT, 0)
    np.testing.assert_array_equal(out, np.tile(bias, (20, 1)))


@pytest.mark.parametrize("shape", [(64, 48, 96), (33, 70, 101), (200, 130, 1000)])
def test_a_product_is_near_the_exact_one(product, shape):
    multiply, taken = product
    rows, columns, depth = shape
    x, right = normal(0, rows, depth), normal(1, depth, columns)
    out, exact = np.empty((rows, columns), np.float32), x.astype(np.float64) @ right
    most = (5e-3 if taken is rounded else 1e-6) * np.linalg.norm(exact)
    multiply(x, right, NONE, NOT, False, out, AT, 0)
    assert np.linalg.norm(out - exact) < most
    turned = np.empty((rows, columns), np.float32)
    multiply(np.ascontiguousarray(x.T), right, NONE, LEFT, False, turned, AT, 0)
    assert np.linalg.norm(turned - exact) < most


def flushed(values):
    """Return float32 without numbers below the normal ones."""
    return np.where(np.abs(values) < np.finfo(np.float32).tiny, np.copysign(0, values), values)


def summed_in_pairs(left, right, out):
    """Return sums by pairs of depth, the odd one first, each rounded to float32.

    float64 holds a product of two bfloat16 exactly, and its sum with a float32 to far more bits
    than those by which the next rounding goes.
    """
    left, right, sums = (flushed(each).astype(np.float64) for each in (left, right, out))
    for first in range(0, left.shape[1], 2):
        for k in (first + 1, first):
            if k < left.shape[1]:
                with np.errstate(over="ignore", under="ignore"):
                    sums = (sums + np.outer(left[:, k], right[k])).astype(np.float32)
                sums = flushed(sums).astype(np.float64)
    return sums.astype(np.float32)


@pytest.mark.parametrize("way", ROUNDING)
@pytest.mark.parametrize("transposed", [NOT, LEFT, RIGHT])
@pytest.mark.parametrize("depth", [1, 2, 39, 40, 777, 1030])
@pytest.mark.parametrize("size", [1.0, 3e-19, 1e-37])
def test_sums_are_those_of_numpy_to_the_last_bit(way, transposed, depth, size):
    left, right, out = normal(0, 23, depth), normal(1, depth, 45), normal(2, 23, 45)
    left, out = left * np.float32(size), out * np.float32(size * size)
    left[3:5] = 1e-39  # below the normal numbers
    out[:, 7] = 1e-39
    expected = summed_in_pairs(rounded(left), rounded(right), out)
    left = np.ascontiguousarray(left.T) if transposed == LEFT else left
    right = np.ascontiguousarray(right.T) if transposed == RIGHT else right
    KERNELS[way][0](left, right, NONE, transposed, True, out, AT, 0)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("way", ROUNDING)
@pytest.mark.parametrize(
    "bits", [0x7FFFFFFF, 0xFF800001, 0x7F800000, 0x007FFFFF, 0x80000001, 0x7F7FFFFF, 0x3F818000]
)
@pytest.mark.parametrize("transposed", [NOT, LEFT, RIGHT])
def test_odd_numbers_are_rounded_as_by_the_twin(way, bits, transposed):
    value = np.array(bits, np.uint32).view(np.float32)
    left, out = np.diag(np.full(48, value)), np.empty((48, 48), np.float32)
    KERNELS[way][0](left, np.ones((48, 48), np.float32), NONE, transposed, False, out, AT, 0)
    np.testing.assert_array_equal(out, np.full((48, 48), rounded(value)))
    if transposed == RIGHT:  # they are in the other operand, too
        KERNELS[way][0](np.ones((48, 48), np.float32), left, NONE, RIGHT, False, out, AT, 0)
        np.testing.assert_array_equal(out, np.full((48, 48), rounded(value)))


@pytest.mark.parametrize("way", ROUNDING)
@pytest.mark.parametrize(("rows", "columns", "depth"), [*SHAPES, (47, 45, 1030)])
@pytest.mark.parametrize("transposed", [NOT, LEFT, RIGHT])
def test_what_was_rounded_before_is_multiplied_to_the_same_bits(
    way, rows, columns, depth, transposed
):
    multiply, placed = KERNELS[way][0], partial(Fenced().array, at_end=True)
    left = normal(0, *((depth, rows) if transposed == LEFT else (rows, depth)))
    right = normal(1, *((columns, depth) if transposed == RIGHT else (depth, columns)))
    left.flat[0], right.flat[-1] = 1e-39, np.inf
    expected, out = np.empty((2, rows, columns), np.float32)
    multiply(left, right, NONE, transposed, False, expected, AT, 0)
    for halves in (LEFT, RIGHT, LEFT | RIGHT):
        if halves & RIGHT and transposed == RIGHT:
            continue
        one = placed(in_halves(left)) if halves & LEFT else left
        other = placed(in_halves(right)) if halves & RIGHT else right
        multiply(one, other, NONE, transposed, False, out, AT, halves)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.peers
@pytest.mark.parametrize("shape", [(64, 48, 96), (33, 70, 101), (200, 130, 1000)])
@pytest.mark.skipif(not multiplies("bfloat16"), reason="this processor has none in bfloat16")
def test_torch_multiplies_to_the_same_bfloat16(shape):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    rows, columns, depth = shape
    x, right = normal(0, rows, depth), normal(1, depth, columns)
    ours = np.empty((rows, columns), np.float32)
    bfloat16.multiply_by_singles(x, right, NONE, NOT, False, ours, AT, 0)
    one, other = (torch.from_numpy(each).to(torch.bfloat16) for each in (x, right))
    theirs = (one @ other).to(torch.float32).numpy()  # rounded once more, by 2**-9 at the most
    np.testing.assert_allclose(ours, theirs, rtol=2**-8, atol=1e-4 * depth**0.5)
