import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.sizes import format_bytes, parse_bytes, parse_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("256MB", 256 * 10**6),
        ("256M", 256 * 10**6),
        ("64MiB", 64 << 20),
        ("1.5 gb", 15 * 10**8),
        ("2TiB", 2 << 40),
        ("12", 12),
        ("12b", 12),
    ],
)
def test_sizes_are_read_as_people_write_them(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "MB", "-1", "1e9", "1 parsec", "0x10", "9" * 5000, "²"])
def test_what_is_no_size_or_count_is_refused(text):
    with pytest.raises(ConfigError, match="is not a size"):
        parse_bytes(text)
    with pytest.raises(ConfigError, match="is not a count"):
        parse_count(text)


@pytest.mark.parametrize(
    ("text", "count"), [("8k", 8000), ("30.5k", 30500), ("1m", 10**6), ("30_000", 30000), ("0", 0)]
)
def test_counts_are_read_as_people_write_them(text, count):
    assert parse_count(text) == count


def test_half_a_thing_is_refused():
    with pytest.raises(ConfigError, match="not a whole number"):
        parse_count("1.5")


@given(st.integers(0, 10**18))
def test_plain_numbers_are_exact(number):
    assert parse_count(str(number)) == parse_bytes(str(number)) == number


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (12_345, "12.3 kB"),
        (2 * 10**12, "2.0 TB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes_are_written_for_people(count, text):
    assert format_bytes(count) == text
