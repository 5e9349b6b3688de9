import pytest

from tokpipe.foundation.arrays import Strings
from tokpipe.words.accents import WORTH_A_WARNING, stripped_share


def share(*strings):
    return stripped_share(Strings.from_list(strings))


def test_plain_letters_capitals_and_digits_do_not_change():
    assert share("Hello, World 12 ß Жж λ 東京") == 0.0
    assert share() == share("", "12") == 0.0


def test_accents_whole_or_apart_change():
    assert share("é") == 1.0
    assert share("e\u0301") == 0.5
    assert share("각") == 1.0


def test_the_letters_of_all_strings_count():
    assert share("får", "der", "der", "") == pytest.approx(1 / 9)


def test_swedish_is_worth_a_warning_and_english_is_not():
    assert share("Det var en gång en liten flicka som bodde i en stuga.") > WORTH_A_WARNING
    assert share("Once upon a time there was a girl who lived in a cottage.") == 0.0
