"""Entities of tags, lenient and strict, worked out by hand."""

import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.entities import (
    entity_counts,
    entity_f1,
    entity_rows,
    entity_types,
    find_entities,
    token_accuracy,
)

# sentences of tags: entities when lenient, when strict (type, first word, word behind the last)
TABLE = {
    "IOB2 as it should be": (
        "B-A I-A O B-B B-B",
        [("A", 0, 2), ("B", 3, 4), ("B", 4, 5)],
        [("A", 0, 2), ("B", 3, 4), ("B", 4, 5)],
    ),
    "nothing": ("O O", [], []),
    "an end of the text inside": ("O B-A I-A", [("A", 1, 3)], [("A", 1, 3)]),
    "inside without a beginning": ("O I-A I-A", [("A", 1, 3)], []),
    "inside of another type": ("B-A I-B", [("A", 0, 1), ("B", 1, 2)], [("A", 0, 1)]),
    "IOB1": ("I-A B-A I-B", [("A", 0, 1), ("A", 1, 2), ("B", 2, 3)], [("A", 1, 2)]),
    "a sentence ends an entity": ("B-A | I-A", [("A", 0, 1), ("A", 1, 2)], [("A", 0, 1)]),
    "an empty sentence": ("B-A | | B-A", [("A", 0, 1), ("A", 1, 2)], [("A", 0, 1), ("A", 1, 2)]),
    "IOBES as it should be": (
        "B-A I-A E-A S-B O",
        [("A", 0, 3), ("B", 3, 4)],
        [("A", 0, 3), ("B", 3, 4)],
    ),
    "IOBES without an end": ("B-A I-A O S-A", [("A", 0, 2), ("A", 3, 4)], [("A", 3, 4)]),
    "two ends": (
        "B-A E-A E-A S-A",
        [("A", 0, 2), ("A", 2, 3), ("A", 3, 4)],
        [("A", 0, 2), ("A", 3, 4)],
    ),
    "an end alone": ("O E-A S-A", [("A", 1, 2), ("A", 2, 3)], [("A", 2, 3)]),
    "inside behind a single": ("S-A I-A", [("A", 0, 1), ("A", 1, 2)], [("A", 0, 1)]),
    "IOBES across types": ("B-A E-B S-B", [("A", 0, 1), ("B", 1, 2), ("B", 2, 3)], [("B", 2, 3)]),
    "BILOU": ("B-A I-A L-A U-B O", [("A", 0, 3), ("B", 3, 4)], [("A", 0, 3), ("B", 3, 4)]),
    "BMES": ("B-A M-A E-A S-B", [("A", 0, 3), ("B", 3, 4)], [("A", 0, 3), ("B", 3, 4)]),
    "no type": ("B I O", [("_", 0, 2)], [("_", 0, 2)]),
    "a type with a hyphen": ("B-x-y I-x-y", [("x-y", 0, 2)], [("x-y", 0, 2)]),
}


def coded(text):
    """Return tags, borders and names of sentences that are parted by ``|``."""
    sentences = [sentence.split() for sentence in text.split("|")]
    words = [tag for sentence in sentences for tag in sentence]
    names = tuple(dict.fromkeys(words))
    borders = [0]
    for sentence in sentences:
        borders.append(borders[-1] + len(sentence))
    return [names.index(tag) for tag in words], borders, names


@pytest.mark.parametrize("mode", ["lenient", "strict"])
@pytest.mark.parametrize("case", TABLE)
def test_entities_are_what_the_scheme_says(case, mode):
    text, lenient, strict = TABLE[case]
    tags, borders, names = coded(text)
    types = entity_types(names)
    columns = (column.tolist() for column in find_entities(tags, borders, names, mode))
    found = [(types[kind], start, stop) for start, stop, kind in zip(*columns, strict=True)]
    assert found == (lenient if mode == "lenient" else strict)


@pytest.mark.parametrize("mode", ["lenient", "strict"])
def test_a_word_without_a_tag_is_outside(mode):
    found = find_entities([1, 2, -1, 1], [0, 4], ("O", "B-A", "I-A"), mode)
    assert found.start.tolist() == [0, 3] and found.stop.tolist() == [2, 4]


NAMES = ("O", "B-A", "I-A", "B-B", "I-B")


def test_hits_are_counted_by_sentence_and_type():
    gold, predicted = [1, 2, 0, 3, 1, 0], [1, 2, 0, 1, 1, 2]
    counts = entity_counts(gold, predicted, [0, 3, 6], NAMES)
    hits, there, found = counts
    assert hits.tolist() == [[1, 0], [0, 0]]
    assert there.tolist() == [[1, 0], [1, 1]]
    assert found.tolist() == [[1, 0], [2, 0]]
    assert entity_f1(gold, predicted, [0, 3, 6], NAMES) == pytest.approx(2 / 6)


def test_each_type_has_its_row():
    first, second = entity_rows([1, 2, 0, 3], [1, 2, 0, 0], [0, 4], NAMES)
    assert first == ("A", 1.0, 1.0, 1.0, 1) and second == ("B", 0.0, 0.0, 0.0, 1)


def test_without_entities_f1_is_nothing():
    assert entity_f1([0, 0], [0, 0], [0, 2], NAMES) == 0.0
    assert entity_f1([0], [0], [0, 1], ("O",)) == 0.0


def test_lenient_and_strict_differ_where_the_scheme_is_broken():
    gold, broken = [1, 2, 0], [2, 2, 0]
    assert entity_f1(gold, broken, [0, 3], NAMES) == 1.0
    assert entity_f1(gold, broken, [0, 3], NAMES, "strict") == 0.0


def test_words_are_counted_alone():
    assert token_accuracy([0, 1, 2, 2], [0, 1, 1, 2]) == 0.75


@pytest.mark.parametrize(
    ("gold", "predicted", "borders", "names", "said"),
    [
        ([], [], [0], NAMES, "nothing to score"),
        ([0], [0, 0], [0, 1], NAMES, "shape"),
        ([0, -1], [0, 0], [0, 2], NAMES, "row 2 is -1"),
        ([0, 0], [0, 0], [0, 1], NAMES, "borders"),
        ([0, 0], [0, 0], [1, 2], NAMES, "borders"),
        ([0, 0], [0, 0], [0, 2, 1, 2], NAMES, "borders"),
        *(([0, 0], [0, 0], wrong, NAMES, "borders") for wrong in (None, 2, [0.0, 2.0], [[0, 2]])),
        ([[0, 0], [0]], [[0, 0], [0]], [0, 2], NAMES, "gold labels are rows of several lengths"),
        *(([0], [0], [0, 1], wrong, "names of tags are") for wrong in (None, "O")),
        ([0], [0], [0, 1], (1,), "the name of a tag is an int"),
        ([0, 7], [0, 0], [0, 2], NAMES, "number 7 of 5 names"),
        ([0], [0], [0, 1], ("NOUN",), "'NOUN' is no tag of entities"),
        ([0], [0], [0, 1], ("OTHER",), "'OTHER'"),
        ([0], [0], [0, 1], ("",), "''"),
        ([0], [0], [0, 1], ("Bad",), "'Bad'"),
    ],
)
def test_what_cannot_be_scored_is_said(gold, predicted, borders, names, said):
    with pytest.raises(InputError) as caught:
        entity_f1(gold, predicted, borders, names)
    assert said in str(caught.value)


@pytest.mark.parametrize("mode", ["Strict", "default", None])
def test_a_mode_that_there_is_not_is_refused(mode):
    with pytest.raises(InputError, match=r"mode=.* is not one of 'lenient', 'strict'"):
        entity_f1([0], [0], [0, 1], NAMES, mode)
