"""Maps in 8 bits: how near they are to float32, odd rows, and what rows beside do to them."""

import threading

import numpy as np
import pytest

from tests.unit.bert.kernels.test_own_products import normal
from tokpipe.bert.kernels.int8 import pack_columns, quantise_rows
from tokpipe.bert.products.int8 import Columns, Int8, RowByRow, Watched, quantised_columns
from tokpipe.bert.products.maps import FLOAT32, Linear
from tokpipe.foundation.processors import multiplies

pytestmark = pytest.mark.skipif(
    not multiplies("int8"), reason="this processor has no products in 8 bits"
)
OUT, INTO = 70, 100


def seen(depth=INTO, deviation=1.0):
    return Columns(np.zeros(depth), np.full(depth, deviation))


def linear(weight, made_of=None, strength=0.0):
    products = Int8(weight, made_of or seen(weight.shape[1]), strength)
    return Linear(weight, normal(9, len(weight)), products)


def mapped(one, x):
    out = np.full((len(x), len(one.weight)), 77, np.float32)
    one.products.forward(x, one, out)
    return out


def exactly(one, x):
    return x.astype(np.float64) @ one.weight.T.astype(np.float64) + one.bias


def lost(one, x):
    exact = exactly(one, x)
    return np.linalg.norm(mapped(one, x) - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize(("rows", "out", "into"), [(1, 16, 16), (15, 33, 65), (500, OUT, 513)])
def test_a_product_is_near_that_of_float32(rows, out, into):
    assert lost(linear(normal(1, out, into)), normal(0, rows, into)) < 0.012


def test_whole_numbers_that_fit_are_exact():
    numbers = np.random.default_rng(0)
    x = numbers.integers(0, 256, (20, INTO)).astype(np.float32)
    weight = numbers.integers(-127, 128, (OUT, INTO)).astype(np.float32)
    x[:, 0], x[:, 1], weight[:, 0] = 255, 0, 127
    one = linear(weight)._replace(bias=np.zeros(OUT, np.float32))
    np.testing.assert_array_equal(mapped(one, x), (x @ weight.T))


def test_greatest_numbers_everywhere_do_not_saturate():
    x, weight = np.full((3, 4096), 2.0, np.float32), np.full((OUT, 4096), -3.0, np.float32)
    weight[0] = 3
    one = linear(weight)
    np.testing.assert_allclose(mapped(one, x), exactly(one, x), rtol=1e-6)


def test_rows_of_zeros_give_the_bias():
    one = linear(normal(1, OUT, INTO))
    x = np.zeros((3, INTO), np.float32)
    x[1], x[2] = 1e-40, -0.0
    np.testing.assert_array_equal(mapped(one, x), np.tile(one.bias, (3, 1)))


@pytest.mark.parametrize("odd", [np.nan, -np.nan, np.inf, -np.inf])
def test_a_row_with_what_is_no_number_becomes_none_and_no_other_does(odd):
    one, x = linear(normal(1, OUT, INTO)), normal(0, 30, INTO)
    plain = mapped(one, x)
    x[7, 3] = odd
    found = mapped(one, x)
    assert np.isnan(found[7]).all()
    np.testing.assert_array_equal(np.delete(found, 7, 0), np.delete(plain, 7, 0))


def test_a_weight_that_is_no_number_is_carried():
    weight = normal(1, OUT, INTO)
    weight[5, 5], weight[6, 6] = np.nan, np.inf
    found = mapped(linear(weight), normal(0, 4, INTO))
    assert np.isnan(found[:, 5:7]).all()
    assert np.isfinite(np.delete(found, [5, 6], 1)).all()


@pytest.mark.parametrize("kind", ["int8", "row by row"])
def test_a_row_is_the_same_whatever_rows_are_beside_it(kind):
    one, x = linear(normal(1, OUT, INTO)), normal(0, 1000, INTO)
    if kind != "int8":
        one = one._replace(products=RowByRow())
    whole = mapped(one, x)
    for first, last in ((0, 1), (13, 15), (440, 460), (999, 1000)):
        np.testing.assert_array_equal(mapped(one, x[first:last]), whole[first:last])


def test_threads_do_not_disturb_each_other():
    maps = [linear(normal(n, OUT, INTO + n)) for n in range(4)]
    rows = [normal(n + 9, 600, INTO + n) for n in range(4)]
    alone, found = [mapped(*pair) for pair in zip(maps, rows, strict=True)], [None] * 4

    def run(number):
        for _ in range(20):
            found[number] = mapped(maps[number], rows[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_weight_far_above_its_row_costs_the_row_nothing():
    weight = normal(1, OUT, 400)
    weight[3, 7] = 100
    columns = quantised_columns(weight)
    assert columns.seconds.tolist() == [3]
    x = normal(0, 50, 400)
    x[:, 7] = 0  # so that only the small weights count
    one = linear(weight)
    exact, found = exactly(one, x)[:, 3], mapped(one, x)[:, 3]
    assert np.linalg.norm(found - exact) < 0.012 * np.linalg.norm(exact)


def test_a_shift_and_wide_columns_cost_less_where_they_were_seen():
    x = normal(0, 200, INTO)
    x[:, 4] = 30 * x[:, 4] + 100
    weight = normal(1, OUT, INTO)
    watched = Watched()
    watched.forward(x, Linear(weight, normal(9, OUT)), np.empty((200, OUT), np.float32))
    columns = watched.columns()
    np.testing.assert_allclose(columns.mean, x.mean(0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(columns.deviation, x.std(0, dtype=np.float64), rtol=1e-5)

    def error(one):
        return np.abs(mapped(one, x) - exactly(one, x)).mean()

    blind, shifted = linear(weight), linear(weight, columns)
    both = linear(weight, columns, 0.5)
    assert error(shifted) < 0.9 * error(blind)
    assert error(both) < 0.7 * error(shifted)


def test_a_sample_of_no_numbers_says_nothing():
    watched = Watched()
    assert watched.columns() is None
    x = np.full((2, INTO), np.nan, np.float32)
    watched.forward(x, Linear(normal(1, OUT, INTO), normal(9, OUT)), np.empty((2, OUT), "f4"))
    assert watched.columns() is None


def test_codes_reach_both_ends_of_a_row():
    x = np.array([[-1.0, 0.0, 3.0, 0.1]], np.float32)
    codes, scales, zeros = np.zeros((14, 4), np.uint8), np.zeros(1, np.float32), np.zeros(1, "i4")
    quantise_rows(x, np.zeros(4, np.float32), np.ones(4, np.float32), codes, scales, zeros)
    assert codes[0].tolist() == [0, 64, 255, 70]
    assert zeros.tolist() == [64]
    assert scales[0] == np.float32(4) / np.float32(255)


def test_panels_hold_each_number_once():
    matrix = np.arange(1, 36, dtype=np.int8).reshape(5, 7)
    panels = pack_columns(matrix)
    assert panels.shape == (1, 2, 32, 4)
    assert panels[0, 1, 4].tolist() == [33, 34, 35, 0]
    assert panels.sum(dtype=np.int64) == matrix.sum(dtype=np.int64)


def test_nothing_is_learned():
    one, x = linear(normal(1, OUT, INTO)), normal(0, 3, INTO)
    with pytest.raises(ValueError, match="only asked"):
        one.products.weight_gradient(x, normal(2, 3, OUT), one)
    with pytest.raises(ValueError, match="only asked"):
        one.products.input_gradient(normal(2, 3, OUT), one, x, False)


def test_float32_would_say_the_same_of_small_maps():
    one, x = Linear(normal(1, 3, INTO), normal(2, 3), RowByRow()), normal(0, 5, INTO)
    out = np.empty((5, 3), np.float32)
    FLOAT32.forward(x, one, out)
    np.testing.assert_allclose(mapped(one, x), out, rtol=1e-5)
