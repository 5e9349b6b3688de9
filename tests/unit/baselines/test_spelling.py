"""Words as bags of themselves and their n-grams of characters."""

import numpy as np
import pytest

from tokpipe.baselines.spelling import UNKNOWN, Spelling
from tokpipe.foundation.arrays import Strings

WORDS = Strings.from_list(["The", "the", "cat", "The", "", "åäö", "a\u0301"])


def rows(spelled, word, *, without=False):
    kind = int(spelled.kinds[word]) + spelled.types * without
    borders = spelled.bags.borders
    return spelled.bags.features[borders[kind] : borders[kind + 1]].tolist()


def test_a_word_is_known_in_any_case_and_its_letters_as_they_stand():
    _, spelled = Spelling.of(WORDS, 3, 1, 10**6)
    assert rows(spelled, 0) == rows(spelled, 3)
    assert rows(spelled, 0)[0] == rows(spelled, 1)[0] != UNKNOWN
    shared = {*rows(spelled, 0)[1:]} & {*rows(spelled, 1)[1:]}
    assert len(shared) == 3  # "he", "e" and its end, "he" and its end; not the shape
    assert spelled.counts.sum() == len(WORDS) and spelled.types == 6


@pytest.mark.parametrize(("longest", "count"), [(1, 0), (2, 4), (3, 7), (4, 9)])
def test_n_grams_are_of_characters_with_both_ends(longest, count):
    _, spelled = Spelling.of(WORDS, longest, 1, 10**6)
    for word in (2, 5):  # three letters, of one byte or two each
        assert len(rows(spelled, word)) == 2 + count


def test_a_word_left_out_keeps_its_spelling():
    _, spelled = Spelling.of(WORDS, 3, 1, 10**6)
    for word in range(len(WORDS)):
        known, unknown = rows(spelled, word), rows(spelled, word, without=True)
        assert unknown == [UNKNOWN, *known[1:]]


def test_what_is_rare_has_no_row_and_the_most_frequent_are_kept():
    spelling, spelled = Spelling.of(WORDS, 3, 3, 10**6)
    assert rows(spelled, 0)[0] != UNKNOWN and rows(spelled, 2)[0] == UNKNOWN
    assert len(rows(spelled, 2)) == 2  # the shape of small letters
    few, _ = Spelling.of(WORDS, 3, 1, 2)
    assert few.rows == 3 and spelling.rows > few.rows
    none, spelled = Spelling.of(WORDS, 3, 10**6, 10**6)
    assert none.rows == 1 and all(rows(spelled, word) == [UNKNOWN] for word in range(len(WORDS)))


def test_other_words_get_the_rows_of_the_first_ones():
    spelling, first = Spelling.of(WORDS, 4, 1, 10**6)
    again = spelling.spelled(Strings.from_list(["cats", "THE", "cat"]))
    assert rows(again, 2) == rows(first, 2)
    assert rows(again, 1)[0] == rows(first, 0)[0]
    assert rows(again, 0)[0] == UNKNOWN and {*rows(again, 0)[1:]} < {*rows(first, 2)[1:]}


def test_a_shape_is_shared_by_words_of_other_letters():
    words = Strings.from_list(["McDonald's", "O", "DeVito's", "x27", "abc9", "Ola"])
    _, spelled = Spelling.of(words, 1, 1, 10**6)
    shapes = [rows(spelled, word)[1] for word in range(len(words))]
    assert shapes[0] == shapes[2] and shapes[3] == shapes[4]
    assert len({*shapes}) == 4


def test_weights_of_n_grams_have_a_length_of_one():
    _, spelled = Spelling.of(WORDS, 4, 1, 10**6)
    bags = spelled.bags
    for kind in range(2 * spelled.types):
        weights = bags.weights[bags.borders[kind] : bags.borders[kind + 1]]
        assert (weights[:2] == 1).all()
        assert np.square(weights[2:]).sum() == pytest.approx(1, abs=1e-5)
