import numpy as np
import pytest

from tests.unit.finetuning.windows_of import drawn, with_tags
from tokpipe.finetuning.examples import ContextWindows
from tokpipe.foundation.errors import InputError


def test_a_model_without_segments_reads_none():
    examples = drawn()
    assert examples.fitted(2_000, 2) is examples
    assert examples.fitted(2_000, 1).token_type_ids is None
    assert examples.fitted(2_000, 0).input_ids is examples.input_ids


def test_a_token_that_the_model_does_not_know_is_an_error():
    with pytest.raises(InputError, match=r"the id 1,299, the model knows 1,299 tokens"):
        drawn().fitted(1_299, 2)


def test_logits_are_one_line_a_window_or_position_or_token():
    e = np.zeros(300, np.int64)
    windows = ContextWindows(e, e, e, np.zeros((0, 2), np.int32), e.astype(bool))
    texts, words, questions = drawn(), with_tags(), drawn(paragraphs=windows)
    assert [x.logit_count for x in (texts, words, questions)] == [
        300, len(words.tag_positions), len(texts.input_ids)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["texts", "words", "questions"])
def test_logits_of_batches_find_their_places(kind):
    e = np.zeros(300, np.int64)
    windows = ContextWindows(e, e, e, np.zeros((0, 2), np.int32), e.astype(bool))
    examples = {
        "texts": drawn, "words": with_tags, "questions": lambda: drawn(paragraphs=windows)
    }[kind]()  # fmt: skip
    order = np.random.default_rng(3).permutation(300)
    seen = np.concatenate([examples.logit_places(part) for part in np.array_split(order, 11)])
    assert sorted(seen.tolist()) == list(range(examples.logit_count))
    one = examples.logit_places(np.array([7]))
    begin, end = examples.offsets[7:9]
    expected = {
        "texts": lambda: [7],
        "words": lambda: np.flatnonzero(
            (examples.tag_positions >= begin) & (examples.tag_positions < end)
        ).tolist(),
        "questions": lambda: list(range(begin, end)),
    }[kind]()
    assert one.tolist() == expected
