import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.visible import visible

PREPENDED_NUMBER_SIGNS = {"\u0600", "\u0601", "\u0602", "\u0603", "\u0604", "\u0605", "\u06dd"}
PREPENDED_NUMBER_SIGNS |= {"\u070f", "\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]52;c;AAAA\x07", r"\x1b]52;c;AAAA\x07"),
        ("\x9b31m\x00", r"\x9b31m\x00"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("\udc80", r"\udc80"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("Ångström 東京 😀", "Ångström 東京 😀"),
    ],
)
def test_what_acts_is_shown_as_an_escape(text, shown):
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_that_acts_or_hides_is_left(text):
    for character in visible(text):
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cs", "Zl", "Zp"}
        # Arabic number signs are format characters by name, but they are ink.
        assert category != "Cf" or character in PREPENDED_NUMBER_SIGNS or ord(character) > 0x13000


def test_no_code_point_that_acts_or_hides_is_left():
    for point in range(0x110000):
        character = chr(point)
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            assert visible(character).isascii()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_ascii_only_leaves_printable_ascii(text):
    shown = visible(text, ascii_only=True)
    assert shown.isascii() and shown.isprintable()
