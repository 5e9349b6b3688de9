import pytest

from tokpipe.inspection.intervals import share


def test_a_share_in_the_middle_by_hand():
    # z = 2, 1 of 4: centre (1/4 + 1/2) / 2 = 3/8, half 1 sqrt(3/64 + 1/16) = sqrt(7)/8
    found = share(1, 4, z=2)
    assert found.low == pytest.approx(3 / 8 - 7**0.5 / 8)
    assert found.high == pytest.approx(3 / 8 + 7**0.5 / 8)


def test_the_ends_stay_inside():
    assert share(0, 10).low == 0 and 0 < share(0, 10).high < 0.5
    assert share(10, 10).high == 1
    assert (share(0, 0).low, share(0, 0).value, share(0, 0).high) == (0, 0, 1)


def test_80_11_9_is_told_from_80_10_10_at_200_000_examples():
    targets = 200_000 * 19
    assert share(int(0.11 * targets), targets).low > 0.1
