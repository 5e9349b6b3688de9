from itertools import pairwise

import numpy as np
import pytest

from tests.unit.labelled.files import strings
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.records import LabelledTexts, Questions, TaggedWords
from tokpipe.labelled.splits import growing, hold_out, take_rows


def texts(labels, ids=None):
    rows = [f"text {i}" for i in range(len(labels))]
    labels = np.asarray(labels)
    lines = np.arange(2, len(labels) + 2)
    ids = None if ids is None else Strings.from_list(ids)
    return LabelledTexts("a.tsv", (Strings.from_list(rows),), labels, ("a", "b"), lines, ids)


def sentences():
    words = Strings.from_list(["the", "cat", "sat", "it", "is", "on"])
    borders, tags = np.array([0, 3, 4, 6]), np.arange(6, dtype=np.int32)
    return TaggedWords("a.conll", words, borders, tags, tuple("abcdef"), "none", tags + 1)


def questions():
    return Questions(
        "a.json",
        Strings.from_list(["first place", "second place"]),
        np.array([0, 1, 1]),
        Strings.from_list(["q0", "q1", "q2"]),
        Strings.from_list(["id0", "id1", "id2"]),
        Strings.from_list(["first", "place", "second"]),
        np.array([0, 6, 0]),
        np.array([0, 2, 2, 3]),
    )


def test_texts_are_taken_with_their_labels_lines_and_ids():
    part = take_rows(texts(np.array([0, 1, 0], np.int32), ["x", "y", "z"]), np.array([2, 0]))
    assert strings(part.texts[0]) == ["text 2", "text 0"]
    assert part.labels.tolist() == [0, 0]
    assert part.lines.tolist() == [4, 2]
    assert strings(part.ids) == ["z", "x"]
    assert len(part) == 2


def test_sentences_are_taken_with_their_words_and_tags():
    part = take_rows(sentences(), np.array([2, 0]))
    assert strings(part.words) == ["is", "on", "the", "cat", "sat"]
    assert part.borders.tolist() == [0, 2, 5]
    assert part.tags.tolist() == [4, 5, 0, 1, 2]
    assert part.lines.tolist() == [5, 6, 1, 2, 3]
    assert len(part) == 2


def test_questions_are_taken_with_their_answers_and_only_the_contexts_that_they_need():
    part = take_rows(questions(), np.array([2, 1]))
    assert strings(part.contexts) == ["second place"]
    assert part.context_of.tolist() == [0, 0]
    assert strings(part.ids) == ["id2", "id1"]
    assert strings(part.answers) == ["second"]
    assert part.answer_borders.tolist() == [0, 1, 1]


def test_no_rows_may_be_taken():
    for data in (texts(np.zeros(3, np.int32)), sentences(), questions()):
        assert len(take_rows(data, np.zeros(0, np.int64))) == 0


def test_a_part_held_out_has_the_classes_in_their_shares_and_the_rest_is_what_is_left():
    data = texts(np.array([0] * 80 + [1] * 20, np.int32))
    left, held = hold_out(data, 0.2, seed=7)
    assert np.bincount(held.labels).tolist() == [16, 4]
    assert sorted(strings(left.texts[0]) + strings(held.texts[0])) == sorted(strings(data.texts[0]))
    assert np.all(np.diff(left.lines) > 0)
    assert np.all(np.diff(held.lines) > 0)


def test_the_same_seed_holds_out_the_same_rows_and_another_one_others():
    data = texts(np.zeros(50, np.int32))
    first, again, other = (hold_out(data, 0.1, seed)[1].lines.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.999])
def test_both_parts_have_a_row_however_small_the_share(fraction):
    for data in (texts(np.zeros(3)), sentences(), questions()):
        left, held = hold_out(data, fraction, seed=1)
        assert len(left) >= 1
        assert len(held) >= 1
        assert len(left) + len(held) == 3


def test_one_row_cannot_be_parted():
    with pytest.raises(InputError, match=r"a\.tsv: 1 row; to hold a part out, two are needed"):
        hold_out(texts(np.zeros(1, np.int32)), 0.1, seed=1)


@pytest.mark.parametrize("fraction", [0.1, 0.6, 0.9])
@pytest.mark.parametrize("labels", [[0, 1, 1], [0, 0, 0, 1, 2], [2, 1, 0, 0]])
def test_a_row_of_each_class_is_left_to_learn_from(labels, fraction):
    for seed in range(5):
        left, held = hold_out(texts(np.array(labels, np.int32)), fraction, seed)
        assert {*left.labels.tolist()} == {*labels} and len(held)


def test_rows_of_which_each_is_the_only_one_of_its_class_cannot_be_parted():
    with pytest.raises(InputError, match=r"2 rows; .* of its 2 labels one must have two"):
        hold_out(texts(np.array([0, 1], np.int32)), 0.1, seed=1)


@pytest.mark.parametrize("counts", [[4, 100, None], [4, 101], [4, 101, 500, None], [4, None]])
def test_all_rows_are_one_part_however_they_are_asked_for(counts):
    data = texts(np.array([0, 1] * 50, np.int32))
    parts = growing(data, counts, seed=3)
    assert [len(part) for part in parts] == [4, 100] and parts[1] is data


def test_growing_parts_lie_one_within_the_next_and_keep_the_shares():
    data = texts(np.array([0, 1, 1, 1] * 50, np.int32))
    parts = growing(data, [4, 20, 100, None], seed=3)
    assert [len(part) for part in parts] == [4, 20, 100, 200]
    lines = [set(part.lines.tolist()) for part in parts]
    assert all(small < large for small, large in pairwise(lines))
    assert [np.bincount(part.labels).tolist() for part in parts[:3]] == [[1, 3], [5, 15], [25, 75]]
    assert parts[3] is data


def test_rare_classes_are_in_a_small_part_as_often_as_their_share_rounds_to():
    data = texts(np.array([0] * 97 + [1] * 3, np.int32))
    assert np.bincount(growing(data, [34], seed=1)[0].labels, minlength=2).tolist() == [33, 1]


def test_questions_are_held_out_with_all_others_on_their_paragraph():
    many = 20
    numbers = np.repeat(np.arange(many), np.arange(1, many + 1))
    text = Strings.from_list([f"paragraph {i}" for i in range(many)])
    asked = Strings.from_list([f"q{i}" for i in range(len(numbers))])
    none, borders = Strings.from_list([]), np.zeros(len(numbers) + 1, np.int64)
    data = Questions("a", text, numbers, asked, asked, none, np.zeros(0, np.int64), borders)
    for seed in range(5):
        left, held = hold_out(data, 0.2, seed)
        assert not set(strings(left.contexts)) & set(strings(held.contexts))
        assert len(left) + len(held) == len(data)
        assert abs(len(held) - 42) <= 10  # half of the longest paragraph


def test_questions_on_one_paragraph_are_parted_all_the_same():
    data = take_rows(questions(), np.array([1, 2]))
    left, held = hold_out(data, 0.5, seed=1)
    assert (len(left), len(held)) == (1, 1)
