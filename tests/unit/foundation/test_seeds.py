import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation import seeds
from tokpipe.foundation.jit import compiled_helper

KEYS = st.integers(0, 2**64 - 1)


@compiled_helper
def draw_all(key, counter, limit):
    return (
        seeds.child_key(key, counter),
        seeds.random_bits(key, counter),
        seeds.random_below(key, counter, limit),
        seeds.random_unit(key, counter),
        seeds.short_random_bits(key, counter),
    )


@given(KEYS, st.integers(0, 2**62), st.integers(1, 2**32))
def test_helpers_equal_their_references(key, counter, limit):
    child, bits, below, unit, short = draw_all(np.uint64(key), counter, limit)
    assert int(child) == seeds.child_key_reference(key, counter)
    assert int(bits) == seeds.random_bits_reference(key, counter)
    assert below == seeds.random_below_reference(key, counter, limit)
    assert unit == seeds.random_unit_reference(key, counter)
    assert int(short) == seeds.short_random_bits_reference(key, counter)


def test_draws_are_those_of_the_published_generator():
    # first three outputs of SplitMix64 from state 1234567, as in the reference program by S. Vigna
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [seeds.random_bits_reference(1234567, i) for i in range(3)] == expected


def test_streams_differ_by_seed_name_and_index():
    keys = {
        seeds.stream_key(seed, name, *indices)
        for seed in (0, 1, -1, 2**63)
        for name in ("mask", "order")
        for indices in ((), (0,), (1,), (0, 0), (0, 1), (1, 0))
    }
    assert len(keys) == 4 * 2 * 6


def test_units_and_bounded_draws_are_uniform():
    key = seeds.stream_key(3, "test")
    units = np.array([seeds.random_unit_reference(key, i) for i in range(20_000)])
    shares = np.histogram(units, 20, (0, 1))[0]
    chi_square = ((shares - 1000) ** 2 / 1000).sum()
    assert chi_square < 43.8  # 99.9 % point of 19 degrees of freedom
    draws = [seeds.random_below_reference(key, i, 7) for i in range(7_000)]
    counts = np.bincount(draws, minlength=7)
    assert len(counts) == 7
    assert ((counts - 1000) ** 2 / 1000).sum() < 22.5  # 6 degrees of freedom


def test_order_is_a_permutation_that_the_key_decides():
    order = seeds.random_order(seeds.stream_key(1, "order", 0), 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() == seeds.random_order(seeds.stream_key(1, "order", 0), 1000).tolist()
    assert order.tolist() != seeds.random_order(seeds.stream_key(1, "order", 1), 1000).tolist()
