from dataclasses import replace

import numpy as np
import pytest

from tests.unit.finetuning.rows import BERT, ROBERTA
from tokpipe.finetuning import encode_template
from tokpipe.finetuning.encode_template import Column, pack, pieces_of
from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.spec import Piece, Template

FIRST = Column(np.array([10, 11, 12], np.int32), np.array([0, 3, 1]), np.array([2, 3, 3]))
SECOND = Column(np.array([20, 21], np.int32), np.array([0, 1, 2]), np.array([2, 2, 2]))


def rows(values, offsets):
    return [part.tolist() for part in np.split(values, offsets[1:-1])]


def test_one_text_stands_in_its_template():
    packed = pack((FIRST,), pieces_of(BERT.spec.template, 1))
    assert rows(packed.input_ids, packed.offsets) == [[2, 10, 11, 3], [2, 3], [2, 11, 12, 3]]
    assert packed.token_type_ids is None and packed.places[0].tolist() == [1, 1, 1]


def test_bert_puts_one_separator_between_two_texts_and_numbers_segments():
    packed = pack((FIRST, SECOND), pieces_of(BERT.spec.template, 2))
    assert rows(packed.input_ids, packed.offsets) == [
        [2, 10, 11, 3, 20, 21, 3], [2, 3, 21, 3], [2, 11, 12, 3, 3]
    ]  # fmt: skip
    assert rows(packed.token_type_ids, packed.offsets) == [
        [0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0, 1]
    ]  # fmt: skip
    assert [place.tolist() for place in packed.places] == [[1, 1, 1], [4, 2, 4]]


def test_roberta_puts_two_separators_between_two_texts_and_has_no_segments():
    packed = pack((FIRST, SECOND), pieces_of(ROBERTA.spec.template, 2))
    assert rows(packed.input_ids, packed.offsets) == [
        [0, 10, 11, 2, 2, 20, 21, 2], [0, 2, 2, 21, 2], [0, 11, 12, 2, 2, 2]
    ]  # fmt: skip
    assert packed.token_type_ids is None


def test_a_template_may_name_the_second_text_first():
    pieces = (Piece("B", 1), Piece("", 0, (7, 8), ("x", "y")), Piece("A", 0))
    packed = pack((FIRST, SECOND), pieces)
    assert rows(packed.input_ids, packed.offsets) == [
        [20, 21, 7, 8, 10, 11],
        [21, 7, 8],
        [7, 8, 11, 12],
    ]
    assert [place.tolist() for place in packed.places] == [[4, 3, 2], [0, 0, 0]]


def test_parts_that_are_copied_at_a_time_change_nothing(monkeypatch):
    generator = np.random.default_rng(1)
    ends = np.cumsum(generator.integers(0, 9, 200))
    column = Column(np.arange(ends[-1], dtype=np.int32), np.append(0, ends[:-1]), ends)
    whole = pack((column,), pieces_of(BERT.spec.template, 1))
    monkeypatch.setattr(encode_template, "_AT_ONCE", 5)
    parts = pack((column,), pieces_of(BERT.spec.template, 1))
    assert np.array_equal(whole.input_ids, parts.input_ids)


@pytest.mark.parametrize("pieces", [(), (Piece("A", 0), Piece("A", 0)), (Piece("B", 0),)])
def test_a_template_without_the_text_is_an_error(pieces):
    template = replace(Template(), single=pieces, pair=pieces)
    for texts in (1, 2):
        with pytest.raises(ConfigError, match="has not one place for"):
            pieces_of(template, texts)
