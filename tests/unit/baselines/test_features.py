"""Bags of words and n-grams, counted against plain Python."""

from collections import Counter

import numpy as np
import pytest

from tokpipe.baselines.features import Vocabulary, grams_of
from tokpipe.foundation.arrays import Strings

TEXTS = ["the cat saw the cat", "", "The dog!", "cat", "a b c d e f g"]


def grams_in_python(text, longest):
    words = text.lower().replace("!", " !").split()
    sizes = range(1, longest + 1)
    return Counter(
        tuple(words[i : i + size]) for size in sizes for i in range(len(words) - size + 1)
    )


@pytest.mark.parametrize("longest", [1, 2, 3, 5])
def test_each_text_has_its_own_words_and_n_grams(longest):
    vocabulary, counts = Vocabulary.of(grams_of((Strings.from_list(TEXTS),), longest), 1, 10**6)
    expected = [grams_in_python(text, longest) for text in TEXTS]
    assert len(vocabulary) == len(set().union(*expected))
    for row, bag in enumerate(expected):
        assert sorted(counts[[row]].data) == sorted(bag.values())


def test_the_same_words_in_another_order_are_other_features():
    grams = grams_of((Strings.from_list(["a b", "b a"]),), 2)
    assert len(set(grams.hashes.tolist())) == 4  # a, b, "a b", "b a"


def test_features_of_few_texts_are_left_out_and_the_most_frequent_kept():
    texts = (Strings.from_list(["a b b", "a c", "a b", "d"]),)
    vocabulary, counts = Vocabulary.of(grams_of(texts, 1), 2, 10)
    assert len(vocabulary) == 2 and sorted(counts.sum(axis=0).tolist()) == [3, 3]
    one, counts = Vocabulary.of(grams_of(texts, 1), 1, 1)
    assert len(one) == 1 and counts.toarray().ravel().tolist() == [1, 1, 1, 0]


def test_other_texts_are_counted_by_the_same_features():
    train = (Strings.from_list(["a b", "b c"]),)
    vocabulary, counts = Vocabulary.of(grams_of(train, 2), 1, 10)
    assert (vocabulary.counts(grams_of(train, 2)) != counts).nnz == 0
    unknown = vocabulary.counts(grams_of((Strings.from_list(["x y", "", "b b"]),), 2))
    assert unknown.sum(axis=1).tolist() == [0, 0, 2]


def test_a_vocabulary_of_nothing_counts_nothing():
    vocabulary, counts = Vocabulary.of(grams_of((Strings.from_list(["a", "b"]),), 1), 2, 10)
    assert len(vocabulary) == 0 and counts.shape == (2, 0)
    assert vocabulary.counts(grams_of((Strings.from_list(["a"]),), 1)).shape == (1, 0)


def test_a_pair_says_which_side_a_word_is_on_and_what_both_have():
    def bag(first, second):
        grams = grams_of((Strings.from_list([first]), Strings.from_list([second])), 1)
        return Counter(grams.hashes.tolist())

    swapped = bag("a b", "b c"), bag("b c", "a b")
    assert len(swapped[0] & swapped[1]) == 4  # b on each side, b in both, and the share
    nothing, all_of = bag("a", "b"), bag("a", "a")
    assert sum(nothing.values()) == 3 and sum(all_of.values()) == 4
    assert len(bag("a b", "a") & bag("c d", "c")) == 1  # the share of shared words alone


def test_shares_are_told_by_size_of_n_gram():
    first, second = Strings.from_list(["a b c"]), Strings.from_list(["a b c"])
    grams = grams_of((first, second), 2)
    sides, both, shares = 2 * (3 + 2), 3 + 2, 2
    assert len(grams.hashes) == len(set(grams.hashes.tolist())) == sides + both + shares
    assert np.unique(grams.texts).tolist() == [0]
